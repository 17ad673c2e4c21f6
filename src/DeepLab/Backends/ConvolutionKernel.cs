using DeepLab.Tensors;

namespace DeepLab.Backends;

/// <summary>
/// The kernel of a convolution on a device, as the matrix [taps · inChannels, outChannels]. One that is mapped from a file stays there until the
/// device's own copy is asked for: a backend that packs kernels anyway can take them from the file.
/// </summary>
public sealed class ConvolutionKernel
{
    private readonly Backend _backend;
    private readonly int _inChannels;
    private Tensor? _tensor;

    /// <summary>Creates a kernel of zeros.</summary>
    /// <param name="backend">Where it lives.</param>
    /// <param name="inChannels">Input channels.</param>
    /// <param name="outChannels">Output channels.</param>
    /// <param name="taps">Taps.</param>
    public ConvolutionKernel(Backend backend, int inChannels, int outChannels, int taps)
    {
        ArgumentNullException.ThrowIfNull(backend);
        _backend = backend;
        _inChannels = inChannels;
        Shape = RaggedShape.Matrix(taps * inChannels, outChannels);
    }

    /// <summary>[taps · inChannels, outChannels].</summary>
    public RaggedShape Shape { get; }

    /// <summary>The values as a file has them, [outChannels, inChannels, taps], while they are mapped; else empty.</summary>
    public ReadOnlyMemory<float> Mapped { get; private set; }

    /// <summary>The values on the device; a mapped kernel is copied there first, and is mapped no longer.</summary>
    public Tensor Value
    {
        get
        {
            _tensor ??= _backend.AllocateParameter(Shape);
            if (Mapped.IsEmpty) return _tensor;
            Upload(Mapped.Span, _tensor);
            Mapped = default; // not before: it is what keeps the file mapped
            return _tensor;
        }
    }

    /// <summary>Sets the values, in the order [outChannels, inChannels, taps].</summary>
    public void Upload(ReadOnlySpan<float> source)
    {
        Upload(source, _tensor ??= _backend.AllocateParameter(Shape));
        Mapped = default;
    }

    /// <summary>Sets another tensor of this shape from values in the order [outChannels, inChannels, taps].</summary>
    public void Upload(ReadOnlySpan<float> source, Tensor target)
    {
        if (Shape.Rows == 1) _backend.Upload(source, target);
        else _backend.UploadKernel(source, _inChannels, target);
    }

    /// <summary>Sets the values without copying them.</summary>
    /// <param name="values">[outChannels, inChannels, taps]; they must stay as they are.</param>
    /// <exception cref="ArgumentException">The values do not make the kernel.</exception>
    public void Map(ReadOnlyMemory<float> values)
    {
        if (values.Length != Shape.Length) throw new ArgumentException($"{values.Length} values do not make {Shape}.", nameof(values));
        Mapped = values;
    }
}
