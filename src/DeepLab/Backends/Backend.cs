using DeepLab.Tensors;

namespace DeepLab.Backends;

/// <summary>
/// The one seam between layers and devices: the operations that the layers need, on ragged batches. Maps are [height, width, channels];
/// each operation works on all maps of its tensors. Results are the same bits whatever the number of threads.
/// Every operation checks its shapes and throws <see cref="ArgumentException"/> when they do not fit.
/// </summary>
public abstract class Backend : IBufferAllocator, IDisposable
{
    // A cache line, and 64 MiB: of memory, only what is touched is used.
    private const long SlabAlignment = 16, SlabLength = 16 << 20;

    private DeviceBuffer? _slab;
    private long _slabUsed;

    /// <summary>What computes, for people: device, instruction set, threads.</summary>
    public abstract string Description { get; }

    /// <inheritdoc/>
    public abstract DeviceBuffer Allocate(long length);

    /// <summary>
    /// A tensor of zeros for a parameter, which lives as long as somebody holds it. Those that are asked for one after the other share large buffers: hundreds that lie together can be
    /// brought in by a few large pages.
    /// </summary>
    public Tensor AllocateParameter(RaggedShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        long length = (shape.Length + SlabAlignment - 1) / SlabAlignment * SlabAlignment;
        if (length > SlabLength / 2) return new Tensor(shape, Allocate(shape.Length));
        if (_slab is null || _slabUsed + length > _slab.Length) (_slab, _slabUsed) = (Allocate(SlabLength), 0);
        var tensor = new Tensor(shape, _slab, _slabUsed);
        _slabUsed += length;
        return tensor;
    }

    /// <summary>Copies values from the host.</summary>
    public abstract void Upload(ReadOnlySpan<float> source, Tensor target);

    /// <summary>Copies a convolution's weights from the host, where they lie as [out, in, taps] as in files, to [taps · in, out].</summary>
    /// <param name="source">The values.</param>
    /// <param name="inChannels">Input channels.</param>
    /// <param name="target">[taps · in, out].</param>
    public virtual void UploadKernel(ReadOnlySpan<float> source, int inChannels, Tensor target)
    {
        int outChannels = target.Shape.Channels, taps = CheckKernel(source, inChannels, target);
        var turned = new float[source.Length];
        for (int o = 0; o < outChannels; o++)
        {
            for (int i = 0; i < inChannels; i++)
            {
                for (int tap = 0; tap < taps; tap++) turned[(((tap * inChannels) + i) * outChannels) + o] = source[(((o * inChannels) + i) * taps) + tap];
            }
        }

        Upload(turned, target);
    }

    /// <summary>Copies values to the host.</summary>
    public abstract void Download(Tensor source, Span<float> target);

    /// <summary>Fills with zeros.</summary>
    public abstract void Clear(Tensor target);

    /// <summary>y = [y +] (x ∗ weights) · scale + shift [+ shortcut], then max(·, 0) if <paramref name="relu"/>.</summary>
    /// <param name="geometry">Where the taps read.</param>
    /// <param name="x">The input, [.., inChannels].</param>
    /// <param name="weights">Kernel, scale and shift.</param>
    /// <param name="y">The output, [.., outChannels].</param>
    /// <param name="accumulate">Whether to add to what y holds.</param>
    /// <param name="shortcut">A summand of y's shape, or null.</param>
    /// <param name="relu">Whether to clip below at 0.</param>
    public abstract void ConvolutionForward(
        in ConvolutionGeometry geometry, Tensor x, ConvolutionWeights weights, Tensor y, bool accumulate, Tensor? shortcut, bool relu);

    /// <summary>dx = [dx +] the gradient of the input for the gradient dy of the output, where <paramref name="mask"/> &gt; 0; else 0.</summary>
    /// <param name="geometry">Where the taps read.</param>
    /// <param name="dy">The gradient of the output before its ReLU, [.., outChannels].</param>
    /// <param name="weights">Kernel and scale.</param>
    /// <param name="dx">The gradient of the input, [.., inChannels].</param>
    /// <param name="accumulate">Whether to add to what dx holds.</param>
    /// <param name="mask">The input itself if it came out of a ReLU, or null: the gradient passes where it is positive.</param>
    public abstract void ConvolutionBackwardInput(
        in ConvolutionGeometry geometry, Tensor dy, ConvolutionWeights weights, Tensor dx, bool accumulate, Tensor? mask);

    /// <summary>Adds the gradient of the weights (and of the bias) to what they hold.</summary>
    /// <param name="geometry">Where the taps read.</param>
    /// <param name="x">The input of the forward pass.</param>
    /// <param name="dy">The gradient of the output before its ReLU.</param>
    /// <param name="scale">Batch norm's factor an output channel, or null.</param>
    /// <param name="weightGradient">[taps · inChannels, outChannels].</param>
    /// <param name="biasGradient">[1, outChannels], or null.</param>
    public abstract void ConvolutionBackwardWeights(
        in ConvolutionGeometry geometry, Tensor x, Tensor dy, Tensor? scale, Tensor weightGradient, Tensor? biasGradient);

    /// <summary>y = Σ ((x ∗ weights) · scale + shift) over convolutions of the same input.</summary>
    /// <remarks>The base class takes one convolution after the other; a backend may do better.</remarks>
    /// <param name="geometries">A convolution each, all of the same channels.</param>
    /// <param name="x">The input.</param>
    /// <param name="weights">The weights of each.</param>
    /// <param name="y">The output.</param>
    public virtual void PyramidForward(ReadOnlySpan<ConvolutionGeometry> geometries, Tensor x, ReadOnlySpan<ConvolutionWeights> weights, Tensor y)
    {
        for (int i = 0; i < geometries.Length; i++) ConvolutionForward(geometries[i], x, weights[i], y, accumulate: i > 0, null, relu: false);
    }

    /// <summary>dx = the gradient of the input of <see cref="PyramidForward"/>, where <paramref name="mask"/> &gt; 0; else 0.</summary>
    public virtual void PyramidBackwardInput(
        ReadOnlySpan<ConvolutionGeometry> geometries, Tensor dy, ReadOnlySpan<ConvolutionWeights> weights, Tensor dx, Tensor? mask)
    {
        for (int i = 0; i < geometries.Length; i++)
            ConvolutionBackwardInput(geometries[i], dy, weights[i], dx, accumulate: i > 0, i == geometries.Length - 1 ? mask : null);
    }

    /// <summary>Adds the gradients of the weights and biases of <see cref="PyramidForward"/>, which had no scale, to what they hold.</summary>
    public virtual void PyramidBackwardWeights(
        ReadOnlySpan<ConvolutionGeometry> geometries, Tensor x, Tensor dy, ReadOnlySpan<Tensor> weightGradients, ReadOnlySpan<Tensor> biasGradients)
    {
        for (int i = 0; i < geometries.Length; i++) ConvolutionBackwardWeights(geometries[i], x, dy, null, weightGradients[i], biasGradients[i]);
    }

    /// <summary>y = the largest value of each window.</summary>
    public abstract void MaxPoolForward(in PoolingGeometry geometry, Tensor x, Tensor y);

    /// <summary>dx = dy routed to the first largest value of each window; zero elsewhere, and where x is not positive if <paramref name="mask"/>.</summary>
    public abstract void MaxPoolBackward(in PoolingGeometry geometry, Tensor x, Tensor y, Tensor dy, Tensor dx, bool mask);

    /// <summary>y = x resized bilinearly on the aligned-corners grid, map by map.</summary>
    public abstract void ResizeForward(Tensor x, Tensor y);

    /// <summary>dx = [dx +] the gradient of the input of <see cref="ResizeForward"/>.</summary>
    public abstract void ResizeBackward(Tensor dy, Tensor dx, bool accumulate);

    /// <summary>y = max(a, b, c), elementwise.</summary>
    public abstract void MaximumForward(Tensor a, Tensor b, Tensor c, Tensor y);

    /// <summary>Adds dy to the gradient of the first of a, b, c that is the largest, elementwise.</summary>
    public abstract void MaximumBackward(Tensor a, Tensor b, Tensor c, Tensor dy, Tensor da, Tensor db, Tensor dc);

    /// <summary>
    /// Softmax cross-entropy: returns the sum over pixels of −log softmax(scores)[label], taken in double in a fixed order, and
    /// writes its gradient times <paramref name="gradientScale"/>. Pixels whose label is not a class count nothing.
    /// </summary>
    /// <param name="scores">[.., classes].</param>
    /// <param name="labels">A label a row of scores, in host memory.</param>
    /// <param name="gradientScale">What to multiply the gradient with: the loss's weight over the number of pixels.</param>
    /// <param name="gradient">The gradient of the scores, or null for none.</param>
    public abstract double SoftmaxCrossEntropy(Tensor scores, ReadOnlySpan<byte> labels, float gradientScale, Tensor? gradient);

    /// <summary>
    /// Caffe's momentum: v = momentum · v + rate · (gradientScale · g + decay · w); w = w − v. The gradient is zero afterwards.
    /// </summary>
    public abstract void SgdUpdate(Tensor weights, Tensor gradient, Tensor velocity, in SgdSettings settings);

    /// <summary>Σ x², in double in a fixed order.</summary>
    public abstract double SumOfSquares(Tensor x);

    /// <summary>Adds each channel's sum and sum of squares over all rows, in double, to the given arrays.</summary>
    public abstract void ChannelMoments(Tensor x, Span<double> sum, Span<double> sumOfSquares);

    /// <summary>y = x · scale + shift [+ shortcut] channel by channel, then max(·, 0) if <paramref name="relu"/>; y may be x.</summary>
    public abstract void Affine(Tensor x, Tensor scale, Tensor shift, Tensor? shortcut, bool relu, Tensor y);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>The taps of the kernel that is uploaded.</summary>
    /// <exception cref="ArgumentException">The values do not make the target.</exception>
    protected static int CheckKernel(ReadOnlySpan<float> source, int inChannels, Tensor target)
    {
        if (source.Length != target.Shape.Length || inChannels <= 0 || target.Shape.Rows % inChannels != 0)
            throw new ArgumentException($"{source.Length} values of {inChannels} input channels do not make {target.Shape}.", nameof(source));
        return target.Shape.Rows / inChannels;
    }

    /// <summary>Frees threads and memory.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }
}

/// <summary>What one update of one parameter uses.</summary>
/// <param name="Rate">The learning rate, with the parameter's multiplier.</param>
/// <param name="Momentum">The share of the last step that is kept.</param>
/// <param name="Decay">The weight decay, with the parameter's multiplier.</param>
/// <param name="GradientScale">A factor of the gradient: below 1 when its norm is clipped.</param>
public readonly record struct SgdSettings(float Rate, float Momentum, float Decay, float GradientScale);
