using DeepLab.Kernels;
using DeepLab.Tensors;

namespace DeepLab.Layers;

/// <summary>
/// Atrous spatial pyramid pooling (arXiv:1606.00915): the sum of 3×3 convolutions of the same map with different dilations, each with a bias.
/// </summary>
public sealed class Aspp
{
    private readonly Conv[] _branches;

    /// <summary>Creates the layer with zero weights.</summary>
    public Aspp(Backend backend, string name, int inChannels, int classes, ReadOnlySpan<int> dilations)
    {
        _branches = new Conv[dilations.Length];
        for (int i = 0; i < dilations.Length; i++)
        {
            var geometry = new ConvolutionGeometry(inChannels, classes, 3, 1, dilations[i], dilations[i]);
            _branches[i] = new Conv(backend, $"{name}.conv2d_list.{i}", geometry, batchNorm: null, relu: false);
        }
    }

    /// <summary>The convolutions, in the order of their dilations.</summary>
    public IReadOnlyList<Conv> Branches => _branches;

    /// <summary>The scores, [.., classes].</summary>
    public Tensor Forward(Execution execution, Tensor x)
    {
        Tensor y = _branches[0].Forward(execution, x);
        for (int i = 1; i < _branches.Length; i++) _branches[i].ForwardInto(execution, x, y);
        return y;
    }

    /// <summary>Adds the weights' gradients and returns that of the input, masked by its ReLU. dy is given back.</summary>
    public Tensor Backward(Execution execution, Tensor dy)
    {
        foreach (Conv branch in _branches) branch.BackwardWeights(execution, dy);
        Tensor dx = execution.Arena.Rent(_branches[0].InputShape);
        for (int i = 0; i < _branches.Length; i++)
            _branches[i].BackwardInput(execution, dy, dx, accumulate: i > 0, mask: i == _branches.Length - 1);
        execution.Arena.Return(dy);
        return dx;
    }
}
