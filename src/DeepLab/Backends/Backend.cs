using DeepLab.Cpu;
using DeepLab.Tensors;

namespace DeepLab.Backends;

/// <summary>
/// A device in use: its memory, its threads, and the convolutions prepared for it. It holds what computations share and
/// may be used by any number of threads and computations at once; the state of a single computation is an
/// <see cref="Execution"/>. <see cref="Device.CreateBackend"/> creates one.
/// </summary>
public abstract class Backend : IBufferAllocator, IDisposable
{
    // A cache line, and 64 MiB: only pages that are touched take memory.
    private const long SlabAlignment = 16, SlabLength = 16 << 20;

    private readonly Lock _gate = new();
    private DeviceBuffer? _slab;
    private long _slabUsed;

    internal Backend(Device device) => Device = device;

    /// <summary>The device that it computes on.</summary>
    public Device Device { get; }

    /// <summary>A human-readable description: device, instruction set, threads.</summary>
    public abstract string Description { get; }

    /// <summary>
    /// Measures the device's peak throughput in multiply-adds, in 10⁹ floating-point operations per second: the bound
    /// that kernels are measured against. NaN where it cannot be determined.
    /// </summary>
    public virtual double MeasurePeak() => double.NaN;

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>The instruction set that work on the processor beside it, such as the CRF, should use too; null for the widest.</summary>
    internal virtual InstructionSet? CpuInstructionSet => null;

    DeviceBuffer IBufferAllocator.Allocate(long length) => Allocate(length);

    /// <summary>Allocates a buffer filled with zeros.</summary>
    /// <exception cref="DeepLabException">The device has less memory than that.</exception>
    internal abstract DeviceBuffer Allocate(long length);

    /// <summary>Allocates a label buffer.</summary>
    internal abstract LabelBuffer AllocateLabels(int length);

    /// <summary>Allocates scalars, initially zero, that operations write one at a time: losses and sums.</summary>
    internal abstract ScalarBuffer AllocateScalars(int length);

    /// <summary>
    /// A tensor of zeros for a parameter, which lives as long as it is referenced. Consecutive requests share large
    /// buffers: a few large pages can back hundreds of adjacent parameters.
    /// </summary>
    internal Tensor AllocateParameter(RaggedShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        long length = (shape.Length + SlabAlignment - 1) / SlabAlignment * SlabAlignment;
        if (length > SlabLength / 2) return new Tensor(shape, Allocate(shape.Length));
        lock (_gate)
        {
            if (_slab is null || _slabUsed + length > _slab.Length) (_slab, _slabUsed) = (Allocate(SlabLength), 0);
            var tensor = new Tensor(shape, _slab, _slabUsed);
            _slabUsed += length;
            return tensor;
        }
    }

    /// <summary>Copies values from the host.</summary>
    internal void Upload(ReadOnlySpan<float> source, Tensor target)
    {
        if (source.Length != target.Shape.Length) throw new ArgumentException($"{source.Length} values do not make {target.Shape}.", nameof(source));
        UploadCore(source, target);
    }

    /// <summary>
    /// Copies a convolution's weights from the host, where they are laid out as [out, in, taps] as in files, to
    /// [taps · in, out].
    /// </summary>
    /// <param name="source">The values.</param>
    /// <param name="inChannels">Input channels.</param>
    /// <param name="target">[taps · in, out].</param>
    internal void UploadKernel(ReadOnlySpan<float> source, int inChannels, Tensor target)
    {
        if (source.Length != target.Shape.Length || inChannels <= 0 || target.Shape.Rows % inChannels != 0)
            throw new ArgumentException($"{source.Length} values of {inChannels} input channels do not make {target.Shape}.", nameof(source));
        UploadKernelCore(source, inChannels, target.Shape.Rows / inChannels, target);
    }

    /// <summary>Copies values to the host.</summary>
    internal void Download(Tensor source, Span<float> target)
    {
        if (target.Length != source.Shape.Length) throw new ArgumentException($"{source.Shape} does not fit {target.Length} values.", nameof(target));
        DownloadCore(source, target);
    }

    /// <summary>Prepares a convolution, which then keeps packed copies of its weights.</summary>
    /// <param name="spec">Channels, kernel, stride, dilation, padding.</param>
    /// <param name="weights">Kernel, scale and shift, on this backend.</param>
    /// <param name="name">The layer's name, for profiles.</param>
    internal PreparedConvolution Prepare(in ConvolutionSpec spec, ConvolutionWeights weights, string name = "")
    {
        if (weights.Shape.Length != spec.WeightCount) throw new ArgumentException($"The weights {weights.Shape} do not make {spec}.", nameof(weights));
        Require.Channels(weights.Scale, spec.OutChannels);
        Require.Channels(weights.Shift, spec.OutChannels);
        return PrepareCore(spec, weights, name);
    }

    /// <summary>Prepares the branches of an ASPP, which share one input and are summed.</summary>
    /// <param name="spec">Channels, kernel and dilations.</param>
    /// <param name="weights">Kernel and bias of each branch; no scale.</param>
    /// <param name="name">The layer's name, for profiles.</param>
    internal PreparedAspp Prepare(AsppSpec spec, IReadOnlyList<ConvolutionWeights> weights, string name = "")
    {
        if (weights.Count != spec.Branches.Length) throw new ArgumentException($"{weights.Count} kernels for {spec.Branches.Length} branches.", nameof(weights));
        for (int i = 0; i < weights.Count; i++)
        {
            if (weights[i].Scale is not null) throw new ArgumentException("The branches of an ASPP have a bias and no scale.", nameof(weights));
            if (weights[i].Shape.Length != spec.Branches[i].WeightCount)
                throw new ArgumentException($"The weights {weights[i].Shape} do not make {spec.Branches[i]}.", nameof(weights));
            Require.Channels(weights[i].Shift, spec.OutChannels);
        }

        return PrepareCore(spec, weights, name);
    }

    /// <summary>A context for one computation at a time; any number of them can run concurrently.</summary>
    internal abstract Execution CreateExecution(ExecutionOptions? options = null);

    /// <summary>Copies values from the host; the lengths have been checked.</summary>
    private protected abstract void UploadCore(ReadOnlySpan<float> source, Tensor target);

    /// <summary>Copies a kernel from the host; the lengths have been checked.</summary>
    private protected abstract void UploadKernelCore(ReadOnlySpan<float> source, int inChannels, int taps, Tensor target);

    /// <summary>Copies values to the host; the lengths have been checked.</summary>
    private protected abstract void DownloadCore(Tensor source, Span<float> target);

    /// <summary>Prepares a convolution; the shapes have been checked.</summary>
    private protected abstract PreparedConvolution PrepareCore(in ConvolutionSpec spec, ConvolutionWeights weights, string name);

    /// <summary>
    /// Prepares an ASPP; the shapes have been checked. The base class runs one branch after another; a device may do
    /// better.
    /// </summary>
    private protected virtual PreparedAspp PrepareCore(AsppSpec spec, IReadOnlyList<ConvolutionWeights> weights, string name) =>
        new BranchwiseAspp(this, spec, weights, name);

    /// <summary>Frees threads and memory.</summary>
    private protected abstract void Dispose(bool disposing);
}
