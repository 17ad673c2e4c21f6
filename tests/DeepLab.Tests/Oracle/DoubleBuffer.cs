using DeepLab.Tensors;

namespace DeepLab.Tests.Oracle;

/// <summary>Doubles in an array.</summary>
internal sealed class DoubleBuffer(long length) : DeviceBuffer(length)
{
    public double[] Values { get; } = new double[length];

    protected override void Dispose(bool disposing)
    {
    }
}
