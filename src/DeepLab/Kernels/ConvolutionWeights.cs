using DeepLab.Tensors;

namespace DeepLab.Kernels;

/// <summary>
/// The parameters of one convolution as a backend reads them. The output is y = (x ∗ weights) · scale + shift, where scale and shift
/// are frozen batch norm's, or no scale and the bias.
/// </summary>
public sealed class ConvolutionWeights
{
    private readonly ConvolutionKernel? _kernel;
    private readonly Tensor? _weights;

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
    /// Whether the values stay as they are from call to call, so that the backend may keep its packed copy
    /// (prediction) instead of packing into a shared workspace at each call (training).
    /// </summary>
    public bool KeepPacked { get; set; }

    /// <summary>The backend's packed copy, kept while <see cref="KeepPacked"/>; null to pack anew.</summary>
    public DeviceBuffer? Packed { get; set; }

    /// <summary>
    /// Whether the values were packed before as they are now. A copy is kept from the second time on: one photograph alone is sooner done without the
    /// memory for it, which has to be touched for the first time.
    /// </summary>
    public bool WasPacked { get; private set; }

    /// <summary>Says that the values changed: packed copies are out of date.</summary>
    public void Discard()
    {
        Packed?.Dispose();
        Packed = null;
        WasPacked = false;
    }

    /// <summary>Drops the last packed copy before a new one is made.</summary>
    /// <returns>Whether the new one is to be kept.</returns>
    public bool BeginPacking()
    {
        Packed?.Dispose();
        Packed = null;
        bool keep = KeepPacked && WasPacked;
        WasPacked = true;
        return keep;
    }
}
