using DeepLab.Backends;
using DeepLab.Tensors;

namespace DeepLab.Tests.Oracle;

/// <summary>
/// The operations in double precision, as plain loops straight from their definitions: slow, but easy to verify. Other
/// backends are compared with it. It shares no code with them.
/// </summary>
internal sealed class DoubleBackend() : Backend(new Device("double"))
{
    public override string Description => "double oracle";

    /// <summary>The values of a tensor, for reading and writing.</summary>
    public static Span<double> Values(Tensor tensor) =>
        ((DoubleBuffer)tensor.Buffer).Values.AsSpan((int)tensor.Offset, (int)tensor.Shape.Length);

    internal override DeviceBuffer Allocate(long length) => new DoubleBuffer(length);

    internal override LabelBuffer AllocateLabels(int length) => new DoubleLabels(length);

    internal override ScalarBuffer AllocateScalars(int length) => new DoubleScalars(length);

    internal override Execution CreateExecution(ExecutionOptions? options = null) => new DoubleExecution(this, options);

    private protected override PreparedConvolution PrepareCore(in ConvolutionSpec spec, ConvolutionWeights weights, string name) => new DoubleConvolution(spec, weights, name);

    private protected override void UploadCore(ReadOnlySpan<float> source, Tensor target)
    {
        Span<double> to = Values(target);
        for (int i = 0; i < to.Length; i++) to[i] = source[i];
    }

    private protected override void UploadKernelCore(ReadOnlySpan<float> source, int inChannels, int taps, Tensor target)
    {
        int outChannels = target.Shape.Channels;
        Span<double> to = Values(target);
        for (int n = 0; n < source.Length; n++)
        {
            (int o, int i, int tap) = (n / (inChannels * taps), n / taps % inChannels, n % taps);
            to[(((tap * inChannels) + i) * outChannels) + o] = source[n];
        }
    }

    private protected override void DownloadCore(Tensor source, Span<float> target)
    {
        Span<double> from = Values(source);
        for (int i = 0; i < from.Length; i++) target[i] = (float)from[i];
    }

    private protected override void Dispose(bool disposing)
    {
    }
}

/// <summary>Labels in an array.</summary>
internal sealed class DoubleLabels(int length) : LabelBuffer(length)
{
    public byte[] Values { get; } = new byte[length];

    public override void Dispose()
    {
    }
}

/// <summary>Scalars in an array.</summary>
internal sealed class DoubleScalars(int length) : ScalarBuffer(length)
{
    public double[] Values { get; } = new double[length];

    public override void Dispose()
    {
    }
}
