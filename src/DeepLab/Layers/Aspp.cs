using DeepLab.Backends;
using DeepLab.Tensors;

namespace DeepLab.Layers;

/// <summary>
/// Atrous spatial pyramid pooling (arXiv:1606.00915): the sum of 3×3 convolutions of the same map with different
/// dilations, each with a bias.
/// </summary>
internal sealed class Aspp
{
    private readonly Conv[] _branches;
    private readonly PreparedAspp _aspp;

    /// <summary>Creates the layer with zero weights.</summary>
    public Aspp(Backend backend, string name, int inChannels, int classes, ReadOnlySpan<int> dilations)
    {
        var spec = new AsppSpec(inChannels, classes, 3, dilations);
        _branches = [.. spec.Branches.Select((branch, i) => new Conv(backend, $"{name}.conv2d_list.{i}", branch, batchNorm: null, relu: false))];
        _aspp = backend.Prepare(spec, [.. _branches.Select(b => b.DeviceWeights)], name);
    }

    /// <summary>The convolutions, in the order of their dilations.</summary>
    public IReadOnlyList<Conv> Branches => _branches;

    /// <summary>The scores, [.., classes].</summary>
    public Tensor Forward(Execution execution, Tensor x)
    {
        Activations activations = execution.StateOf<Activations>(this);
        if (!x.Shape.Equals(activations.InputShape)) (activations.InputShape, activations.OutputShape) = (x.Shape, x.Shape.WithChannels(_aspp.Spec.OutChannels));
        activations.Input = x;
        Tensor y = execution.Arena.Rent(activations.OutputShape!);
        _aspp.Forward(execution, x, y);
        return y;
    }

    /// <summary>
    /// Accumulates the weights' gradients and returns that of the input, masked by its ReLU. dy is returned to the
    /// arena.
    /// </summary>
    public Tensor Backward(Execution execution, Tensor dy)
    {
        Activations activations = execution.StateOf<Activations>(this);
        Tensor x = activations.Input ?? throw new InvalidOperationException("Backward was called before Forward.");
        Tensor[] kernels = activations.KernelGradients ??= new Tensor[_branches.Length], biases = activations.BiasGradients ??= new Tensor[_branches.Length];
        for (int i = 0; i < _branches.Length; i++) (kernels[i], biases[i]) = (_branches[i].Weight.RequiredGradient, _branches[i].Bias!.RequiredGradient);
        _aspp.BackwardWeights(execution, x, dy, kernels, biases);
        Tensor dx = execution.Arena.Rent(x.Shape);
        _aspp.BackwardInput(execution, dy, dx, mask: x);
        execution.Arena.Return(dy);
        return dx;
    }

    /// <summary>Frees the packed copies of the weights.</summary>
    public void ReleasePrepacked()
    {
        _aspp.ReleasePrepacked();
        foreach (Conv branch in _branches) branch.ReleasePrepacked();
    }

    private sealed class Activations
    {
        public RaggedShape? InputShape, OutputShape;
        public Tensor? Input;
        public Tensor[]? KernelGradients, BiasGradients;
    }
}
