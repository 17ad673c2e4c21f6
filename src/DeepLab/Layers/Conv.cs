using DeepLab.Backends;
using DeepLab.Tensors;

namespace DeepLab.Layers;

/// <summary>
/// A convolution fused with what follows it: frozen batch norm or a bias, an added shortcut, ReLU. Only its input and
/// output are stored, by the <see cref="Execution"/>.
/// </summary>
internal sealed class Conv
{
    private readonly PreparedConvolution _convolution;
    private readonly ConvolutionWeights _weights;
    private readonly bool _relu;

    /// <summary>Creates the layer with zero weights.</summary>
    /// <param name="backend">The backend that holds its parameters.</param>
    /// <param name="name">Its path in weights files.</param>
    /// <param name="spec">Channels, kernel, stride, dilation, padding.</param>
    /// <param name="batchNorm">The path of its batch norm, or null for a bias instead.</param>
    /// <param name="relu">Whether it ends in a ReLU.</param>
    public Conv(Backend backend, string name, ConvolutionSpec spec, string? batchNorm, bool relu)
    {
        _relu = relu;
        Weight = new Parameter(backend, $"{name}.weight", [spec.OutChannels, spec.InChannels, spec.KernelSize, spec.KernelSize], MarkChanged);
        if (batchNorm is null) Bias = new Parameter(backend, $"{name}.bias", [spec.OutChannels], MarkChanged);
        else BatchNorm = new BatchNorm(backend, batchNorm, spec.OutChannels, MarkChanged);
        _weights = new ConvolutionWeights(Weight.Kernel, BatchNorm?.Scale, BatchNorm?.Shift ?? Bias!.Value);
        _convolution = backend.Prepare(spec, _weights, name);
    }

    /// <summary>The kernel.</summary>
    public Parameter Weight { get; }

    /// <summary>The bias, if there is no batch norm.</summary>
    public Parameter? Bias { get; }

    /// <summary>The frozen batch norm, or null.</summary>
    public BatchNorm? BatchNorm { get; }

    /// <summary>
    /// Kernel, scale and shift as a device reads them, for layers that run several convolutions at once.
    /// </summary>
    public ConvolutionWeights DeviceWeights => _weights;

    /// <summary>The learned parameters.</summary>
    public IEnumerable<Parameter> Parameters => Bias is null ? [Weight] : [Weight, Bias];

    /// <summary>Everything that a weights file holds for it.</summary>
    public IEnumerable<StateTensor> State => [.. Parameters, .. BatchNorm?.State ?? []];

    /// <summary>y = relu(norm(x ∗ w) + shortcut), in a tensor rented for it.</summary>
    public Tensor Forward(Execution execution, Tensor x, Tensor? shortcut = null)
    {
        Activations activations = ActivationsOf(execution);
        if (!x.Shape.Equals(activations.InputShape)) (activations.InputShape, activations.OutputShape) = (x.Shape, _convolution.Spec.OutputShape(x.Shape));
        Tensor y = execution.Arena.Rent(activations.OutputShape!);
        Apply(execution, x, y, accumulate: false, shortcut);
        return y;
    }

    /// <summary>y = relu(y + norm(x ∗ w)), in place.</summary>
    public void ForwardInto(Execution execution, Tensor x, Tensor y) => Apply(execution, x, y, accumulate: true, null);

    /// <summary>
    /// Accumulates the weights' gradients and returns that of the input, masked by the input's ReLU.
    /// </summary>
    /// <param name="execution">The execution to run on.</param>
    /// <param name="dy">The gradient before this layer's own ReLU: zero where its output is zero.</param>
    public Tensor Backward(Execution execution, Tensor dy)
    {
        BackwardWeights(execution, dy);
        Tensor dx = execution.Arena.Rent(InputOf(execution).Shape);
        BackwardInput(execution, dy, dx, accumulate: false, mask: true);
        return dx;
    }

    /// <summary>Accumulates the gradients of weights and bias.</summary>
    public void BackwardWeights(Execution execution, Tensor dy) =>
        _convolution.BackwardWeights(execution, InputOf(execution), dy, Weight.RequiredGradient, Bias?.Gradient);

    /// <summary>
    /// dx = [dx +] the gradient of the input, zero where the input is not positive if <paramref name="mask"/>.
    /// </summary>
    public void BackwardInput(Execution execution, Tensor dy, Tensor dx, bool accumulate, bool mask) =>
        _convolution.BackwardInput(execution, dy, dx, accumulate, mask ? InputOf(execution) : null);

    /// <summary>The last input, which backward reads.</summary>
    public Tensor InputOf(Execution execution) => ActivationsOf(execution).Input ?? throw new InvalidOperationException("Backward was called before Forward.");

    /// <summary>Sets where the last input is now, after its memory was reused in the meantime.</summary>
    public void MoveInput(Execution execution, Tensor x) => ActivationsOf(execution).Input = x;

    /// <summary>Frees the packed copies of the weights.</summary>
    public void ReleasePrepacked() => _convolution.ReleasePrepacked();

    private void MarkChanged() => _weights?.MarkChanged(); // null during construction

    private Activations ActivationsOf(Execution execution) => execution.StateOf<Activations>(this);

    private void Apply(Execution execution, Tensor x, Tensor y, bool accumulate, Tensor? shortcut)
    {
        ActivationsOf(execution).Input = x;
        if (execution.Mode == ExecutionMode.Calibrate && BatchNorm is not null) Calibrate(execution, x, y, accumulate ? y : shortcut);
        else _convolution.Forward(execution, x, y, accumulate, shortcut, _relu);
    }

    private void Calibrate(Execution execution, Tensor x, Tensor y, Tensor? shortcut)
    {
        Tensor raw = execution.Arena.Rent(y.Shape);
        execution.Backend.Prepare(_convolution.Spec, new ConvolutionWeights(Weight.Kernel, null, null)).Forward(execution, x, raw);
        if (!execution.IsPlanning) BatchNorm!.Measure(execution, raw);
        execution.Affine(raw, BatchNorm!.Scale, BatchNorm.Shift, shortcut, _relu, y);
        execution.Arena.Return(raw);
    }

    private sealed class Activations
    {
        public RaggedShape? InputShape, OutputShape;
        public Tensor? Input;
    }
}
