using DeepLab.Tensors;

namespace DeepLab.Backends;

/// <summary>
/// The parameters of one convolution as a device reads them. The output is y = (x ∗ kernel) · scale + shift, where
/// scale and shift come from frozen batch norm, or there is no scale and the shift is the bias.
/// </summary>
internal sealed class ConvolutionWeights
{
    private readonly Tensor? _tensor;
    private long _version;

    /// <summary>Creates the parameters.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <param name="scale">[1, outChannels], or null for ones.</param>
    /// <param name="shift">[1, outChannels], or null for zeros.</param>
    public ConvolutionWeights(ConvolutionKernel kernel, Tensor? scale, Tensor? shift) => (Source, Scale, Shift) = (kernel, scale, shift);

    /// <summary>Creates the parameters.</summary>
    /// <param name="kernel">[taps · inChannels, outChannels].</param>
    /// <param name="scale">[1, outChannels], or null for ones.</param>
    /// <param name="shift">[1, outChannels], or null for zeros.</param>
    public ConvolutionWeights(Tensor kernel, Tensor? scale, Tensor? shift) => (_tensor, Scale, Shift) = (kernel, scale, shift);

    /// <summary>The source of the kernel, possibly a mapped file; null if it was given as a tensor.</summary>
    public ConvolutionKernel? Source { get; }

    /// <summary>
    /// The kernel as a matrix [taps · inChannels, outChannels] on the device, copied there first if it is mapped from a
    /// file.
    /// </summary>
    public Tensor Kernel => _tensor ?? Source!.Value;

    /// <summary>The shape of <see cref="Kernel"/>.</summary>
    public RaggedShape Shape => _tensor?.Shape ?? Source!.Shape;

    /// <summary>
    /// The kernel in host memory, [outChannels, inChannels, taps], while it is mapped from a file; otherwise empty.
    /// </summary>
    public ReadOnlyMemory<float> Mapped => Source?.Mapped ?? default;

    /// <summary>One factor per output channel, or null.</summary>
    public Tensor? Scale { get; }

    /// <summary>One offset per output channel, or null.</summary>
    public Tensor? Shift { get; }

    /// <summary>
    /// The number of times the values have changed: packed copies of an earlier version are out of date.
    /// </summary>
    public long Version => Volatile.Read(ref _version);

    /// <summary>Records that the values changed.</summary>
    public void MarkChanged() => Interlocked.Increment(ref _version);
}
