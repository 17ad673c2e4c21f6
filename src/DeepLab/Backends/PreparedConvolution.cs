using DeepLab.Tensors;

namespace DeepLab.Backends;

/// <summary>
/// A convolution on a device, with its weights and the packed or transformed copies of them that the device keeps
/// (<see cref="PrepackedKernel"/>). It detects changed weights by itself. Any number of executions may use it at once.
/// </summary>
/// <param name="spec">Channels, kernel, stride, dilation, padding.</param>
/// <param name="weights">Kernel, scale and shift.</param>
/// <param name="name">The layer's name, for profiles.</param>
internal abstract class PreparedConvolution(ConvolutionSpec spec, ConvolutionWeights weights, string name)
{
    /// <summary>Channels, kernel, stride, dilation, padding.</summary>
    public ConvolutionSpec Spec => spec;

    /// <summary>Kernel, scale and shift.</summary>
    public ConvolutionWeights Weights => weights;

    /// <summary>
    /// y = [y +] (x ∗ kernel) · scale + shift [+ shortcut], then max(·, 0) if <paramref name="relu"/>.
    /// </summary>
    /// <param name="execution">The execution to run on.</param>
    /// <param name="x">The input, [.., inChannels].</param>
    /// <param name="y">The output, [.., outChannels].</param>
    /// <param name="accumulate">Whether to add to what y holds.</param>
    /// <param name="shortcut">A tensor of y's shape to add, or null.</param>
    /// <param name="relu">Whether to clamp below at 0.</param>
    public void Forward(Execution execution, Tensor x, Tensor y, bool accumulate = false, Tensor? shortcut = null, bool relu = false)
    {
        Require.Convolution(spec, x, y);
        Require.Same(y, shortcut);
        double operations = spec.FloatingPointOperations(y.Shape.Rows);
        if (!execution.Begin(operations)) return;
        ForwardCore(execution, x, y, accumulate, shortcut, relu);
        execution.End("forward", name, operations);
    }

    /// <summary>
    /// dx = [dx +] the gradient of the input for the gradient dy of the output, where <paramref name="mask"/> &gt; 0;
    /// otherwise 0.
    /// </summary>
    /// <param name="execution">The execution to run on.</param>
    /// <param name="dy">The gradient of the output before its ReLU, [.., outChannels].</param>
    /// <param name="dx">The gradient of the input, [.., inChannels].</param>
    /// <param name="accumulate">Whether to add to what dx holds.</param>
    /// <param name="mask">
    /// The input itself if it is the output of a ReLU, or null: the gradient passes where it is positive.
    /// </param>
    public void BackwardInput(Execution execution, Tensor dy, Tensor dx, bool accumulate = false, Tensor? mask = null)
    {
        Require.Convolution(spec, dx, dy);
        Require.Same(dx, mask);
        double operations = spec.FloatingPointOperations(dy.Shape.Rows);
        if (!execution.Begin(operations)) return;
        BackwardInputCore(execution, dy, dx, accumulate, mask);
        execution.End("input gradient", name, operations);
    }

    /// <summary>Accumulates the gradient of the kernel (and of the bias).</summary>
    /// <param name="execution">The execution to run on.</param>
    /// <param name="x">The input of the forward pass.</param>
    /// <param name="dy">The gradient of the output before its ReLU.</param>
    /// <param name="kernelGradient">[taps · inChannels, outChannels].</param>
    /// <param name="biasGradient">[1, outChannels], or null.</param>
    public void BackwardWeights(Execution execution, Tensor x, Tensor dy, Tensor kernelGradient, Tensor? biasGradient = null)
    {
        Require.Convolution(spec, x, dy);
        Require.KernelGradient(spec, kernelGradient);
        Require.Channels(biasGradient, spec.OutChannels);
        double operations = spec.FloatingPointOperations(dy.Shape.Rows);
        if (!execution.Begin(operations)) return;
        BackwardWeightsCore(execution, x, dy, kernelGradient, biasGradient);
        execution.End("weight gradient", name, operations);
    }

    /// <summary>Frees the packed copies of the weights.</summary>
    public abstract void ReleasePrepacked();

    internal abstract void ForwardCore(Execution execution, Tensor x, Tensor y, bool accumulate, Tensor? shortcut, bool relu);

    internal abstract void BackwardInputCore(Execution execution, Tensor dy, Tensor dx, bool accumulate, Tensor? mask);

    internal abstract void BackwardWeightsCore(Execution execution, Tensor x, Tensor dy, Tensor kernelGradient, Tensor? biasGradient);
}

/// <summary>
/// The branches of an ASPP on a device, the counterpart of <see cref="PreparedConvolution"/>: y = Σ ((x ∗ kernel) +
/// bias).
/// </summary>
/// <param name="spec">Channels, kernel and dilations.</param>
/// <param name="weights">Kernel and bias of each branch.</param>
/// <param name="name">The layer's name, for profiles.</param>
internal abstract class PreparedAspp(AsppSpec spec, IReadOnlyList<ConvolutionWeights> weights, string name)
{
    /// <summary>Channels, kernel and dilations.</summary>
    public AsppSpec Spec => spec;

    /// <summary>Kernel and bias of each branch.</summary>
    public IReadOnlyList<ConvolutionWeights> Weights => weights;

    /// <summary>y = the sum of the branches.</summary>
    /// <param name="execution">The execution to run on.</param>
    /// <param name="x">The input, [.., inChannels].</param>
    /// <param name="y">The output, [.., outChannels], of the input's sizes.</param>
    public void Forward(Execution execution, Tensor x, Tensor y)
    {
        Require.Convolution(spec.Branches[0], x, y);
        if (!execution.Begin(Operations(y))) return;
        ForwardCore(execution, x, y);
        execution.End("forward", name, Operations(y));
    }

    /// <summary>dx = the gradient of the input, where <paramref name="mask"/> &gt; 0; otherwise 0.</summary>
    /// <param name="execution">The execution to run on.</param>
    /// <param name="dy">The gradient of the output.</param>
    /// <param name="dx">The gradient of the input.</param>
    /// <param name="mask">The input itself if it is the output of a ReLU, or null.</param>
    public void BackwardInput(Execution execution, Tensor dy, Tensor dx, Tensor? mask = null)
    {
        Require.Convolution(spec.Branches[0], dx, dy);
        Require.Same(dx, mask);
        if (!execution.Begin(Operations(dy))) return;
        BackwardInputCore(execution, dy, dx, mask);
        execution.End("input gradient", name, Operations(dy));
    }

    /// <summary>Accumulates the gradients of the kernels and biases.</summary>
    /// <param name="execution">The execution to run on.</param>
    /// <param name="x">The input of the forward pass.</param>
    /// <param name="dy">The gradient of the output.</param>
    /// <param name="kernelGradients">[taps · inChannels, outChannels] of each branch.</param>
    /// <param name="biasGradients">[1, outChannels] of each branch.</param>
    public void BackwardWeights(Execution execution, Tensor x, Tensor dy, ReadOnlySpan<Tensor> kernelGradients, ReadOnlySpan<Tensor> biasGradients)
    {
        Require.Convolution(spec.Branches[0], x, dy);
        if (kernelGradients.Length != spec.Branches.Length || biasGradients.Length != spec.Branches.Length)
            throw new ArgumentException($"{kernelGradients.Length} gradients for {spec.Branches.Length} branches.", nameof(kernelGradients));
        for (int i = 0; i < kernelGradients.Length; i++)
        {
            Require.KernelGradient(spec.Branches[i], kernelGradients[i]);
            Require.Channels(biasGradients[i], spec.OutChannels);
        }

        if (!execution.Begin(Operations(dy))) return;
        BackwardWeightsCore(execution, x, dy, kernelGradients, biasGradients);
        execution.End("weight gradient", name, Operations(dy));
    }

    /// <summary>Frees the packed copies of the weights.</summary>
    public abstract void ReleasePrepacked();

    private protected abstract void ForwardCore(Execution execution, Tensor x, Tensor y);

    private protected abstract void BackwardInputCore(Execution execution, Tensor dy, Tensor dx, Tensor? mask);

    private protected abstract void BackwardWeightsCore(Execution execution, Tensor x, Tensor dy, ReadOnlySpan<Tensor> kernelGradients, ReadOnlySpan<Tensor> biasGradients);

    private double Operations(Tensor y) => spec.Branches.Length * spec.Branches[0].FloatingPointOperations(y.Shape.Rows);
}
