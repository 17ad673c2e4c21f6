using DeepLab.Tensors;

namespace DeepLab.Backends;

/// <summary>
/// The kernel of a convolution on a device, as the matrix [taps · inChannels, outChannels]. A kernel mapped from a file
/// stays there until the device's own copy is requested: a device that packs kernels anyway can read them from the
/// file. Any thread may read it.
/// </summary>
/// <param name="backend">The backend that holds it.</param>
/// <param name="inChannels">Input channels.</param>
/// <param name="outChannels">Output channels.</param>
/// <param name="taps">Taps.</param>
internal sealed class ConvolutionKernel(Backend backend, int inChannels, int outChannels, int taps)
{
    private readonly Lock _gate = new();
    private ReadOnlyMemory<float> _mapped;
    private Tensor? _tensor;

    /// <summary>[taps · inChannels, outChannels].</summary>
    public RaggedShape Shape { get; } = RaggedShape.Matrix(taps * inChannels, outChannels);

    /// <summary>
    /// The values in a file's layout, [outChannels, inChannels, taps], while they are mapped; otherwise empty.
    /// </summary>
    public ReadOnlyMemory<float> Mapped
    {
        get
        {
            lock (_gate) return _mapped;
        }
    }

    /// <summary>The values on the device; a mapped kernel is copied there first and is then no longer mapped.</summary>
    public Tensor Value
    {
        get
        {
            lock (_gate)
            {
                _tensor ??= backend.AllocateParameter(Shape);
                if (_mapped.IsEmpty) return _tensor;
                Upload(_mapped.Span, _tensor);
                _mapped = default; // not earlier: this keeps the file mapped
                return _tensor;
            }
        }
    }

    /// <summary>Sets the values, in the order [outChannels, inChannels, taps].</summary>
    public void Upload(ReadOnlySpan<float> source)
    {
        lock (_gate)
        {
            Upload(source, _tensor ??= backend.AllocateParameter(Shape));
            _mapped = default;
        }
    }

    /// <summary>Sets another tensor of this shape from values in the order [outChannels, inChannels, taps].</summary>
    public void Upload(ReadOnlySpan<float> source, Tensor target)
    {
        if (Shape.Rows == 1) backend.Upload(source, target);
        else backend.UploadKernel(source, inChannels, target);
    }

    /// <summary>Sets the values without copying them.</summary>
    /// <param name="values">[outChannels, inChannels, taps]; they must not change.</param>
    /// <exception cref="ArgumentException">The number of values does not match the kernel.</exception>
    public void Map(ReadOnlyMemory<float> values)
    {
        if (values.Length != Shape.Length) throw new ArgumentException($"{values.Length} values do not make {Shape}.", nameof(values));
        lock (_gate) _mapped = values;
    }
}
