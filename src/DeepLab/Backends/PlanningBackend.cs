using DeepLab.Tensors;

namespace DeepLab.Backends;

/// <summary>Does nothing: a step runs against it while the arena plans.</summary>
internal sealed class PlanningBackend : Backend
{
    private readonly bool _hasPlaceholders;

    private PlanningBackend(bool hasPlaceholders) => _hasPlaceholders = hasPlaceholders;

    public static PlanningBackend Instance { get; } = new(hasPlaceholders: false);

    /// <summary>For networks that only tell their tensors' names and shapes: their buffers have a length and no memory.</summary>
    public static PlanningBackend ForShapes { get; } = new(hasPlaceholders: true);

    public override string Description => "planning";

    public override DeviceBuffer Allocate(long length) =>
        _hasPlaceholders ? new Placeholder(length) : throw new InvalidOperationException("Nothing is allocated while planning.");

    public override void Upload(ReadOnlySpan<float> source, Tensor target)
    {
    }

    public override void Download(Tensor source, Span<float> target)
    {
    }

    public override void Clear(Tensor target)
    {
    }

    public override void ConvolutionForward(
        in ConvolutionGeometry geometry, Tensor x, ConvolutionWeights weights, Tensor y, bool accumulate, Tensor? shortcut, bool relu)
    {
    }

    public override void ConvolutionBackwardInput(
        in ConvolutionGeometry geometry, Tensor dy, ConvolutionWeights weights, Tensor dx, bool accumulate, Tensor? mask)
    {
    }

    public override void ConvolutionBackwardWeights(
        in ConvolutionGeometry geometry, Tensor x, Tensor dy, Tensor? scale, Tensor weightGradient, Tensor? biasGradient)
    {
    }

    public override void MaxPoolForward(in PoolingGeometry geometry, Tensor x, Tensor y)
    {
    }

    public override void MaxPoolBackward(in PoolingGeometry geometry, Tensor x, Tensor y, Tensor dy, Tensor dx, bool mask)
    {
    }

    public override void ResizeForward(Tensor x, Tensor y)
    {
    }

    public override void ResizeBackward(Tensor dy, Tensor dx, bool accumulate)
    {
    }

    public override void MaximumForward(Tensor a, Tensor b, Tensor c, Tensor y)
    {
    }

    public override void MaximumBackward(Tensor a, Tensor b, Tensor c, Tensor dy, Tensor da, Tensor db, Tensor dc)
    {
    }

    public override double SoftmaxCrossEntropy(Tensor scores, ReadOnlySpan<byte> labels, float gradientScale, Tensor? gradient) => 0;

    public override void SgdUpdate(Tensor weights, Tensor gradient, Tensor velocity, in SgdSettings settings)
    {
    }

    public override double SumOfSquares(Tensor x) => 0;

    public override void ChannelMoments(Tensor x, Span<double> sum, Span<double> sumOfSquares)
    {
    }

    public override void Affine(Tensor x, Tensor scale, Tensor shift, Tensor? shortcut, bool relu, Tensor y)
    {
    }

    private sealed class Placeholder(long length) : DeviceBuffer(length)
    {
        protected override void Dispose(bool disposing)
        {
        }
    }
}
