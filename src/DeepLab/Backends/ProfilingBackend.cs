using System.Diagnostics;
using DeepLab.Tensors;

namespace DeepLab.Backends;

/// <summary>One kind of operation that a <see cref="ProfilingBackend"/> saw.</summary>
/// <param name="Kind">What was done: <c>forward</c>, <c>input gradient</c>, <c>weight gradient</c>, or the name of the operation.</param>
/// <param name="Weights">The tensor that says whose convolution it was: the weights, or for a weight gradient the gradient; null for other operations.</param>
public readonly record struct ProfiledOperation(string Kind, Tensor? Weights);

/// <summary>What an operation took, all calls together.</summary>
/// <param name="Calls">How often it was called.</param>
/// <param name="Seconds">Time.</param>
/// <param name="Operations">Floating-point operations of the plain sums, a multiplication and an addition counting two; 0 for all but convolutions.</param>
public readonly record struct ProfiledCost(int Calls, double Seconds, double Operations);

/// <summary>Passes everything on to another backend and takes the time of each operation; networks are built on the other one or on this.</summary>
public sealed class ProfilingBackend(Backend backend) : Backend
{
    private readonly Dictionary<ProfiledOperation, ProfiledCost> _costs = [];

    /// <summary>One that does nothing but count, for networks whose tensors have shapes and no memory.</summary>
    public static ProfilingBackend CountingOnly() => new(PlanningBackend.ForShapes);

    /// <summary>What has been seen since the last <see cref="Reset"/>.</summary>
    public IReadOnlyDictionary<ProfiledOperation, ProfiledCost> Costs => _costs;

    /// <inheritdoc/>
    public override string Description => backend.Description;

    /// <summary>Forgets what was seen.</summary>
    public void Reset() => _costs.Clear();

    /// <inheritdoc/>
    public override DeviceBuffer Allocate(long length) => backend.Allocate(length);

    /// <inheritdoc/>
    public override void Upload(ReadOnlySpan<float> source, Tensor target)
    {
        long start = Stopwatch.GetTimestamp();
        backend.Upload(source, target);
        Add("upload", start);
    }

    /// <inheritdoc/>
    public override void Download(Tensor source, Span<float> target)
    {
        long start = Stopwatch.GetTimestamp();
        backend.Download(source, target);
        Add("download", start);
    }

    /// <inheritdoc/>
    public override void Clear(Tensor target)
    {
        long start = Stopwatch.GetTimestamp();
        backend.Clear(target);
        Add("clear", start);
    }

    /// <inheritdoc/>
    public override void ConvolutionForward(
        in ConvolutionGeometry geometry, Tensor x, ConvolutionWeights weights, Tensor y, bool accumulate, Tensor? shortcut, bool relu)
    {
        long start = Stopwatch.GetTimestamp();
        backend.ConvolutionForward(geometry, x, weights, y, accumulate, shortcut, relu);
        Add("forward", start, weights.Weights, OperationsOf(geometry, y));
    }

    /// <inheritdoc/>
    public override void ConvolutionBackwardInput(
        in ConvolutionGeometry geometry, Tensor dy, ConvolutionWeights weights, Tensor dx, bool accumulate, Tensor? mask)
    {
        long start = Stopwatch.GetTimestamp();
        backend.ConvolutionBackwardInput(geometry, dy, weights, dx, accumulate, mask);
        Add("input gradient", start, weights.Weights, OperationsOf(geometry, dy));
    }

    /// <inheritdoc/>
    public override void ConvolutionBackwardWeights(
        in ConvolutionGeometry geometry, Tensor x, Tensor dy, Tensor? scale, Tensor weightGradient, Tensor? biasGradient)
    {
        long start = Stopwatch.GetTimestamp();
        backend.ConvolutionBackwardWeights(geometry, x, dy, scale, weightGradient, biasGradient);
        Add("weight gradient", start, weightGradient, OperationsOf(geometry, dy));
    }

    /// <inheritdoc/>
    public override void PyramidForward(ReadOnlySpan<ConvolutionGeometry> geometries, Tensor x, ReadOnlySpan<ConvolutionWeights> weights, Tensor y)
    {
        long start = Stopwatch.GetTimestamp();
        backend.PyramidForward(geometries, x, weights, y);
        Add("forward", start, weights[0].Weights, OperationsOf(geometries, y));
    }

    /// <inheritdoc/>
    public override void PyramidBackwardInput(
        ReadOnlySpan<ConvolutionGeometry> geometries, Tensor dy, ReadOnlySpan<ConvolutionWeights> weights, Tensor dx, Tensor? mask)
    {
        long start = Stopwatch.GetTimestamp();
        backend.PyramidBackwardInput(geometries, dy, weights, dx, mask);
        Add("input gradient", start, weights[0].Weights, OperationsOf(geometries, dy));
    }

    /// <inheritdoc/>
    public override void PyramidBackwardWeights(
        ReadOnlySpan<ConvolutionGeometry> geometries, Tensor x, Tensor dy, ReadOnlySpan<Tensor> weightGradients, ReadOnlySpan<Tensor> biasGradients)
    {
        long start = Stopwatch.GetTimestamp();
        backend.PyramidBackwardWeights(geometries, x, dy, weightGradients, biasGradients);
        Add("weight gradient", start, weightGradients[0], OperationsOf(geometries, dy));
    }

    /// <inheritdoc/>
    public override void MaxPoolForward(in PoolingGeometry geometry, Tensor x, Tensor y)
    {
        long start = Stopwatch.GetTimestamp();
        backend.MaxPoolForward(geometry, x, y);
        Add("pooling", start);
    }

    /// <inheritdoc/>
    public override void MaxPoolBackward(in PoolingGeometry geometry, Tensor x, Tensor y, Tensor dy, Tensor dx, bool mask)
    {
        long start = Stopwatch.GetTimestamp();
        backend.MaxPoolBackward(geometry, x, y, dy, dx, mask);
        Add("pooling", start);
    }

    /// <inheritdoc/>
    public override void ResizeForward(Tensor x, Tensor y)
    {
        long start = Stopwatch.GetTimestamp();
        backend.ResizeForward(x, y);
        Add("resizing", start);
    }

    /// <inheritdoc/>
    public override void ResizeBackward(Tensor dy, Tensor dx, bool accumulate)
    {
        long start = Stopwatch.GetTimestamp();
        backend.ResizeBackward(dy, dx, accumulate);
        Add("resizing", start);
    }

    /// <inheritdoc/>
    public override void MaximumForward(Tensor a, Tensor b, Tensor c, Tensor y)
    {
        long start = Stopwatch.GetTimestamp();
        backend.MaximumForward(a, b, c, y);
        Add("maximum", start);
    }

    /// <inheritdoc/>
    public override void MaximumBackward(Tensor a, Tensor b, Tensor c, Tensor dy, Tensor da, Tensor db, Tensor dc)
    {
        long start = Stopwatch.GetTimestamp();
        backend.MaximumBackward(a, b, c, dy, da, db, dc);
        Add("maximum", start);
    }

    /// <inheritdoc/>
    public override double SoftmaxCrossEntropy(Tensor scores, ReadOnlySpan<byte> labels, float gradientScale, Tensor? gradient)
    {
        long start = Stopwatch.GetTimestamp();
        double loss = backend.SoftmaxCrossEntropy(scores, labels, gradientScale, gradient);
        Add("loss", start);
        return loss;
    }

    /// <inheritdoc/>
    public override void SgdUpdate(Tensor weights, Tensor gradient, Tensor velocity, in SgdSettings settings)
    {
        long start = Stopwatch.GetTimestamp();
        backend.SgdUpdate(weights, gradient, velocity, settings);
        Add("update", start);
    }

    /// <inheritdoc/>
    public override double SumOfSquares(Tensor x)
    {
        long start = Stopwatch.GetTimestamp();
        double sum = backend.SumOfSquares(x);
        Add("update", start);
        return sum;
    }

    /// <inheritdoc/>
    public override void ChannelMoments(Tensor x, Span<double> sum, Span<double> sumOfSquares)
    {
        long start = Stopwatch.GetTimestamp();
        backend.ChannelMoments(x, sum, sumOfSquares);
        Add("moments", start);
    }

    /// <inheritdoc/>
    public override void Affine(Tensor x, Tensor scale, Tensor shift, Tensor? shortcut, bool relu, Tensor y)
    {
        long start = Stopwatch.GetTimestamp();
        backend.Affine(x, scale, shift, shortcut, relu, y);
        Add("affine", start);
    }

    private static double OperationsOf(in ConvolutionGeometry geometry, Tensor y) => 2.0 * geometry.Taps * geometry.InChannels * geometry.OutChannels * y.Shape.Rows;

    private static double OperationsOf(ReadOnlySpan<ConvolutionGeometry> geometries, Tensor y)
    {
        double sum = 0;
        foreach (ConvolutionGeometry geometry in geometries) sum += OperationsOf(geometry, y);
        return sum;
    }

    private void Add(string kind, long start, Tensor? weights = null, double operations = 0)
    {
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var operation = new ProfiledOperation(kind, weights);
        ProfiledCost cost = _costs.GetValueOrDefault(operation);
        _costs[operation] = new ProfiledCost(cost.Calls + 1, cost.Seconds + seconds, cost.Operations + operations);
    }
}
