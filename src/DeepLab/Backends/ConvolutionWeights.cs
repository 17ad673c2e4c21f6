using DeepLab.Tensors;

namespace DeepLab.Backends;

/// <summary>
/// The parameters of one convolution as a backend reads them. The output is y = (x ∗ weights) · scale + shift, where scale and shift
/// are frozen batch norm's, or no scale and the bias.
/// </summary>
public sealed class ConvolutionWeights
{
    private readonly ConvolutionKernel? _kernel;
    private readonly Tensor? _weights;
    private PackedCopies _keep;

    /// <summary>Creates the parameters.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <param name="scale">[1, outChannels], or null for ones.</param>
    /// <param name="shift">[1, outChannels], or null for zeros.</param>
    public ConvolutionWeights(ConvolutionKernel kernel, Tensor? scale, Tensor? shift)
        : this(scale, shift) => _kernel = kernel;

    /// <summary>Creates the parameters.</summary>
    /// <param name="weights">[taps · inChannels, outChannels].</param>
    /// <param name="scale">[1, outChannels], or null for ones.</param>
    /// <param name="shift">[1, outChannels], or null for zeros.</param>
    public ConvolutionWeights(Tensor weights, Tensor? scale, Tensor? shift)
        : this(scale, shift) => _weights = weights;

    private ConvolutionWeights(Tensor? scale, Tensor? shift)
    {
        Scale = scale;
        Shift = shift;
    }

    /// <summary>The kernel as a matrix [taps · inChannels, outChannels] on the device, copied there first if it is mapped from a file.</summary>
    public Tensor Weights => _weights ?? _kernel!.Value;

    /// <summary>The shape of <see cref="Weights"/>.</summary>
    public RaggedShape Shape => _weights?.Shape ?? _kernel!.Shape;

    /// <summary>The kernel in host memory, [outChannels, inChannels, taps], while it is mapped from a file; else empty.</summary>
    public ReadOnlyMemory<float> Mapped => _kernel?.Mapped ?? default;

    /// <summary>A factor an output channel, or null.</summary>
    public Tensor? Scale { get; }

    /// <summary>A summand an output channel, or null.</summary>
    public Tensor? Shift { get; }

    /// <summary>
    /// Which packed copies the backend keeps. Setting it to <see cref="PackedCopies.None"/> frees them; setting it to less than <see cref="PackedCopies.All"/> frees those for gradients, which training alone reads.
    /// </summary>
    public PackedCopies Keep
    {
        get => _keep;
        set
        {
            _keep = value;
            if (value == PackedCopies.None) Forward.Discard(keepMemory: false);
            if (value != PackedCopies.All) Backward.Discard(keepMemory: false);
        }
    }

    /// <summary>The copy for the convolution itself.</summary>
    public PackedKernel Forward { get; } = new();

    /// <summary>The copy for the gradient of its input.</summary>
    public PackedKernel Backward { get; } = new();

    /// <summary>Says that the values changed: packed copies are out of date.</summary>
    public void Discard()
    {
        Forward.Discard(Keep == PackedCopies.All);
        Backward.Discard(Keep == PackedCopies.All);
    }
}
