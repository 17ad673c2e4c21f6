using DeepLab.Tensors;

namespace DeepLab.Tests.Oracle;

/// <summary>
/// Doubles in an array, which is allocated on first use: a network whose weights are never set takes no memory.
/// </summary>
internal sealed class DoubleBuffer(long length) : DeviceBuffer(length)
{
    private double[]? _values;

    public double[] Values => _values ??= new double[Length];

    protected override void Dispose(bool disposing)
    {
    }
}
