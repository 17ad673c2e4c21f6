using DeepLab.Backends;
using DeepLab.Tensors;

namespace DeepLab.Layers;

/// <summary>
/// Atrous spatial pyramid pooling (arXiv:1606.00915): the sum of 3×3 convolutions of the same map with different dilations, each with a bias.
/// </summary>
public sealed class Aspp
{
    private readonly Conv[] _branches;
    private readonly ConvolutionGeometry[] _geometries;
    private readonly ConvolutionWeights[] _weights;
    private readonly Tensor[] _weightGradients, _biasGradients;
    private RaggedShape? _lastInputShape, _lastOutputShape;
    private Tensor? _x;

    /// <summary>Creates the layer with zero weights.</summary>
    public Aspp(Backend backend, string name, int inChannels, int classes, ReadOnlySpan<int> dilations)
    {
        _branches = new Conv[dilations.Length];
        _geometries = new ConvolutionGeometry[dilations.Length];
        for (int i = 0; i < dilations.Length; i++)
        {
            _geometries[i] = new ConvolutionGeometry(inChannels, classes, 3, 1, dilations[i], dilations[i]);
            _branches[i] = new Conv(backend, $"{name}.conv2d_list.{i}", _geometries[i], batchNorm: null, relu: false);
        }

        // A backend may keep one packed copy of them all, with whichever it likes.
        _weights = [.. _branches.Select(b => b.DeviceWeights)];
        foreach (Conv branch in _branches) branch.Changed = Discard;
        _weightGradients = new Tensor[dilations.Length];
        _biasGradients = new Tensor[dilations.Length];
    }

    /// <summary>The convolutions, in the order of their dilations.</summary>
    public IReadOnlyList<Conv> Branches => _branches;

    /// <summary>The scores, [.., classes].</summary>
    public Tensor Forward(Execution execution, Tensor x)
    {
        if (!x.Shape.Equals(_lastInputShape)) (_lastInputShape, _lastOutputShape) = (x.Shape, _geometries[0].OutputShape(x.Shape));
        _x = x;
        Tensor y = execution.Arena.Rent(_lastOutputShape!);
        foreach (ConvolutionWeights weights in _weights) weights.Keep = execution.PackedCopies;
        execution.Backend.PyramidForward(_geometries, x, _weights, y);
        return y;
    }

    /// <summary>Adds the weights' gradients and returns that of the input, masked by its ReLU. dy is given back.</summary>
    public Tensor Backward(Execution execution, Tensor dy)
    {
        Tensor x = _x ?? throw new InvalidOperationException("Backward was called before Forward.");
        for (int i = 0; i < _branches.Length; i++)
        {
            (Parameter weight, Parameter bias) = (_branches[i].Weight, _branches[i].Bias!);
            _weightGradients[i] = weight.Gradient ?? throw new InvalidOperationException($"{weight.Name} has no gradient: allocate it before training.");
            _biasGradients[i] = bias.Gradient ?? throw new InvalidOperationException($"{bias.Name} has no gradient: allocate it before training.");
        }

        execution.Backend.PyramidBackwardWeights(_geometries, x, dy, _weightGradients, _biasGradients);
        Tensor dx = execution.Arena.Rent(x.Shape);
        execution.Backend.PyramidBackwardInput(_geometries, dy, _weights, dx, mask: x);
        execution.Arena.Return(dy);
        return dx;
    }

    private void Discard()
    {
        foreach (ConvolutionWeights weights in _weights) weights.Discard();
    }
}
