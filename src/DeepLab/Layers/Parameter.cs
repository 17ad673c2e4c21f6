using DeepLab.Backends;
using DeepLab.Tensors;

namespace DeepLab.Layers;

/// <summary>
/// Learned values: a convolution's weights or bias. On the device, weights are laid out as [height, width, in, out], so
/// that a row of the product's right matrix is contiguous; in files, as [out, in, height, width].
/// </summary>
internal sealed class Parameter : StateTensor
{
    private readonly Backend _backend;
    private readonly Action _changed;
    private readonly int _outChannels, _inChannels, _taps;

    internal Parameter(Backend backend, string name, int[] shape, Action changed)
        : base(name, shape)
    {
        _backend = backend;
        _changed = changed;
        _outChannels = shape[0];
        _inChannels = shape.Length == 4 ? shape[1] : 1;
        _taps = shape.Length == 4 ? shape[2] * shape[3] : 1;
        Kernel = new ConvolutionKernel(backend, _inChannels, _outChannels, _taps);
    }

    /// <summary>The values on the device, [taps · in, out].</summary>
    public Tensor Value => Kernel.Value;

    /// <summary>
    /// The gradient on the device, laid out like the values, once <see cref="AllocateGradient"/> has been called.
    /// </summary>
    public Tensor? Gradient { get; private set; }

    /// <summary>The gradient, for a backward pass.</summary>
    /// <exception cref="InvalidOperationException">It has not been allocated.</exception>
    public Tensor RequiredGradient => Gradient ?? throw new InvalidOperationException($"{Name} has no gradient: allocate it before training.");

    /// <summary>The learning rate multiplier of this parameter.</summary>
    public float LearningRateMultiplier { get; set; } = 1;

    /// <summary>The weight decay multiplier of this parameter.</summary>
    public float DecayMultiplier { get; set; } = 1;

    internal ConvolutionKernel Kernel { get; }

    /// <summary>Allocates the gradient, filled with zeros, unless it exists.</summary>
    public void AllocateGradient() => Gradient ??= NewTensor();

    /// <summary>Another tensor of zeros, laid out like the values: a velocity, for instance.</summary>
    public Tensor NewTensor() => _backend.AllocateParameter(Kernel.Shape);

    /// <summary>Records that the values on the device were changed: packed copies are out of date.</summary>
    public void MarkChanged() => _changed();

    /// <summary>
    /// Copies values out of a tensor laid out like the values, in the order of <see cref="StateTensor.Shape"/>.
    /// </summary>
    public float[] Download(Tensor tensor)
    {
        var values = new float[Length];
        Download(tensor, values);
        return values;
    }

    /// <summary>
    /// Sets a tensor laid out like the values from values in the order of <see cref="StateTensor.Shape"/>.
    /// </summary>
    public void Upload(ReadOnlySpan<float> source, Tensor tensor) => Kernel.Upload(source, tensor);

    /// <summary>
    /// Sets the values without copying them, if they are a kernel; see <see cref="ConvolutionKernel.Map"/>.
    /// </summary>
    /// <param name="values">In the order of <see cref="StateTensor.Shape"/>; they must not change.</param>
    internal void Map(ReadOnlyMemory<float> values)
    {
        Kernel.Map(values);
        MarkChanged();
    }

    /// <inheritdoc/>
    protected override void Read(Span<float> target) => Download(Value, target);

    /// <inheritdoc/>
    protected override void Write(ReadOnlySpan<float> source)
    {
        Kernel.Upload(source);
        MarkChanged();
    }

    private void Download(Tensor tensor, Span<float> target)
    {
        if (_taps * _inChannels == 1)
        {
            _backend.Download(tensor, target);
            return;
        }

        var device = new float[Length];
        _backend.Download(tensor, device);
        for (int o = 0; o < _outChannels; o++)
        {
            for (int i = 0; i < _inChannels; i++)
            {
                for (int tap = 0; tap < _taps; tap++)
                    target[(((o * _inChannels) + i) * _taps) + tap] = device[(((tap * _inChannels) + i) * _outChannels) + o];
            }
        }
    }
}
