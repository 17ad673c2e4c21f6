using DeepLab.Backends;
using DeepLab.Tensors;

namespace DeepLab.Layers;

/// <summary>
/// A convolution with what follows it: frozen batch norm or a bias, a shortcut added, ReLU. Nothing is stored but its input and output.
/// </summary>
public sealed class Conv
{
    private readonly ConvolutionGeometry _geometry;
    private readonly ConvolutionWeights _weights;
    private readonly bool _relu;
    private RaggedShape? _lastInputShape, _lastOutputShape;
    private Tensor? _x;

    /// <summary>Creates the layer with zero weights.</summary>
    /// <param name="backend">Where its parameters live.</param>
    /// <param name="name">Its path in weights files.</param>
    /// <param name="geometry">Channels, kernel, stride, dilation, padding.</param>
    /// <param name="batchNorm">The path of its batch norm, or null for a bias instead.</param>
    /// <param name="relu">Whether ReLU ends it.</param>
    public Conv(Backend backend, string name, ConvolutionGeometry geometry, string? batchNorm, bool relu)
    {
        _geometry = geometry;
        _relu = relu;
        Weight = new Parameter(
            backend, $"{name}.weight", [geometry.OutChannels, geometry.InChannels, geometry.KernelSize, geometry.KernelSize], MarkChanged);
        if (batchNorm is null) Bias = new Parameter(backend, $"{name}.bias", [geometry.OutChannels], MarkChanged);
        else BatchNorm = new BatchNorm(backend, batchNorm, geometry.OutChannels, MarkChanged);
        _weights = new ConvolutionWeights(Weight.Kernel, BatchNorm?.Scale, BatchNorm?.Shift ?? Bias!.Value);
    }

    /// <summary>The kernel.</summary>
    public Parameter Weight { get; }

    /// <summary>The bias, if there is no batch norm.</summary>
    public Parameter? Bias { get; }

    /// <summary>The frozen batch norm, or null.</summary>
    public BatchNorm? BatchNorm { get; }

    /// <summary>Kernel, scale and shift as a backend reads them, for layers that run several convolutions at once.</summary>
    internal ConvolutionWeights DeviceWeights => _weights;

    /// <summary>Called when a value changed.</summary>
    internal Action? Changed { get; set; }

    /// <summary>What is learnt.</summary>
    public IEnumerable<Parameter> Parameters => Bias is null ? [Weight] : [Weight, Bias];

    /// <summary>All that a weights file holds of it.</summary>
    public IEnumerable<StateTensor> State => [.. Parameters, .. BatchNorm?.State ?? []];

    /// <summary>y = relu(norm(x ∗ w) + shortcut), in a tensor rented for it.</summary>
    public Tensor Forward(Execution execution, Tensor x, Tensor? shortcut = null)
    {
        Tensor y = execution.Arena.Rent(OutputShape(x.Shape));
        Apply(execution, x, y, accumulate: false, shortcut);
        return y;
    }

    /// <summary>y = relu(y + norm(x ∗ w)), in place.</summary>
    public void ForwardInto(Execution execution, Tensor x, Tensor y) => Apply(execution, x, y, accumulate: true, null);

    /// <summary>
    /// Adds the weights' gradients and returns that of the input, masked by the input's ReLU.
    /// </summary>
    /// <param name="execution">Where it runs.</param>
    /// <param name="dy">The gradient before this layer's own ReLU: zero where its output is.</param>
    public Tensor Backward(Execution execution, Tensor dy)
    {
        BackwardWeights(execution, dy);
        Tensor dx = execution.Arena.Rent(Input.Shape);
        BackwardInput(execution, dy, dx, accumulate: false, mask: true);
        return dx;
    }

    /// <summary>Adds the gradients of weights and bias to what they hold.</summary>
    public void BackwardWeights(Execution execution, Tensor dy) => execution.Backend.ConvolutionBackwardWeights(
        _geometry, Input, dy, BatchNorm?.Scale,
        Weight.Gradient ?? throw new InvalidOperationException($"{Weight.Name} has no gradient: allocate it before training."), Bias?.Gradient);

    /// <summary>dx = [dx +] the gradient of the input, zero where the input is not positive if <paramref name="mask"/>.</summary>
    public void BackwardInput(Execution execution, Tensor dy, Tensor dx, bool accumulate, bool mask) =>
        execution.Backend.ConvolutionBackwardInput(_geometry, dy, _weights, dx, accumulate, mask ? Input : null);

    /// <summary>Says where the last input is now, after its memory served something else meanwhile.</summary>
    internal void MoveInput(Tensor x) => _x = x;

    /// <summary>The shape of the last input.</summary>
    public RaggedShape InputShape => Input.Shape;

    /// <summary>The last input, which backward reads.</summary>
    internal Tensor Input => _x ?? throw new InvalidOperationException("Backward was called before Forward.");

    private void MarkChanged()
    {
        _weights?.Discard(); // null while it is still being built
        Changed?.Invoke();
    }

    private RaggedShape OutputShape(RaggedShape input)
    {
        if (_lastInputShape is null || !_lastInputShape.Equals(input))
        {
            _lastOutputShape = _geometry.OutputShape(input);
            _lastInputShape = input;
        }

        return _lastOutputShape!;
    }

    private void Apply(Execution execution, Tensor x, Tensor y, bool accumulate, Tensor? shortcut)
    {
        _x = x;
        _weights.Keep = execution.PackedCopies;
        if (execution.Mode == ExecutionMode.Calibrate && BatchNorm is not null)
            Calibrate(execution, x, y, accumulate ? y : shortcut);
        else
            execution.Backend.ConvolutionForward(_geometry, x, _weights, y, accumulate, shortcut, _relu);
    }

    private void Calibrate(Execution execution, Tensor x, Tensor y, Tensor? shortcut)
    {
        Tensor raw = execution.Arena.Rent(y.Shape);
        execution.Backend.ConvolutionForward(_geometry, x, new ConvolutionWeights(Weight.Kernel, null, null), raw, false, null, false);
        if (!execution.Arena.IsPlanning) BatchNorm!.Measure(raw);
        execution.Backend.Affine(raw, BatchNorm!.Scale, BatchNorm.Shift, shortcut, _relu, y);
        execution.Arena.Return(raw);
    }
}
