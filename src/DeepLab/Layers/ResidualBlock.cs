using DeepLab.Backends;
using DeepLab.Tensors;

namespace DeepLab.Layers;

/// <summary>
/// A residual block (arXiv:1512.03385): y = relu(branch(x) + shortcut(x)), where the branch is a chain of convolutions
/// with batch norm, and the shortcut is the identity or a projection.
/// </summary>
internal abstract class ResidualBlock
{
    private readonly Conv[] _branch;
    private readonly Conv? _projection;

    private protected ResidualBlock(Conv[] branch, Conv? projection)
    {
        _branch = branch;
        _projection = projection;
    }

    /// <summary>All convolutions: the branch's in order, then the projection.</summary>
    public IEnumerable<Conv> Convolutions => _projection is null ? _branch : [.. _branch, _projection];

    /// <summary>The last convolution of the branch.</summary>
    public Conv LastOfBranch => _branch[^1];

    /// <summary>
    /// The block's output, which takes over the input's memory if no maps are kept and the shortcut is the identity;
    /// otherwise the caller still owns the input.
    /// </summary>
    public Tensor Forward(Execution execution, Tensor x)
    {
        // The shortcut is put into the output's own memory and the branch is added to it, except for an input that is
        // kept.
        Tensor map = x;
        Tensor?[] outputs = OutputsOf(execution);
        for (int i = 0; i < _branch.Length - 1; i++)
        {
            Tensor next = _branch[i].Forward(execution, map);
            if (i > 0) execution.Release(map);
            map = outputs[i] = next;
        }

        Tensor y;
        if (_projection is null && execution.KeepsMaps)
        {
            y = LastOfBranch.Forward(execution, map, shortcut: x);
        }
        else
        {
            y = _projection is null ? x : _projection.Forward(execution, x);
            LastOfBranch.ForwardInto(execution, map, y);
        }

        execution.Release(map);
        outputs[^1] = y;
        return y;
    }

    /// <summary>
    /// Recomputes the output, bit for bit, from the maps that Forward kept: one convolution. For blocks without
    /// projection whose output was returned to the arena once the next block had read it.
    /// </summary>
    public Tensor RecomputeOutput(Execution execution)
    {
        if (_projection is not null) throw new InvalidOperationException("The output of a block with a projection is kept.");
        Tensor y = LastOfBranch.Forward(execution, Output(execution, _branch.Length - 2), shortcut: _branch[0].InputOf(execution));
        OutputsOf(execution)[^1] = y;
        return y;
    }

    /// <summary>Sets where the input of the last Forward is now.</summary>
    public void MoveInput(Execution execution, Tensor x)
    {
        _branch[0].MoveInput(execution, x);
        _projection?.MoveInput(execution, x);
    }

    /// <summary>
    /// Accumulates the weights' gradients and returns the gradient of the input, masked by the input's ReLU. The
    /// block's maps and dy are returned to the arena (dy becomes the result if the shortcut is the identity).
    /// </summary>
    /// <param name="execution">The execution to run on.</param>
    /// <param name="dy">The gradient of the output, zero where the output is zero.</param>
    public Tensor Backward(Execution execution, Tensor dy)
    {
        execution.Arena.Return(Output(execution, _branch.Length - 1));
        Tensor gradient = dy;
        for (int i = _branch.Length - 1; i > 0; i--)
        {
            Tensor previous = _branch[i].Backward(execution, gradient);
            if (i < _branch.Length - 1) execution.Arena.Return(gradient);
            execution.Arena.Return(Output(execution, i - 1));
            gradient = previous;
        }

        _branch[0].BackwardWeights(execution, gradient);
        Tensor dx = dy;
        if (_projection is not null)
        {
            _projection.BackwardWeights(execution, dy);
            dx = execution.Arena.Rent(_projection.InputOf(execution).Shape);
            _projection.BackwardInput(execution, dy, dx, accumulate: false, mask: false);
            execution.Arena.Return(dy);
        }

        _branch[0].BackwardInput(execution, gradient, dx, accumulate: true, mask: true);
        execution.Arena.Return(gradient);
        return dx;
    }

    private Tensor?[] OutputsOf(Execution execution)
    {
        Activations activations = execution.StateOf<Activations>(this);
        return activations.Outputs ??= new Tensor?[_branch.Length];
    }

    private Tensor Output(Execution execution, int i) => OutputsOf(execution)[i] ?? throw new InvalidOperationException("Backward was called before Forward.");

    private sealed class Activations
    {
        public Tensor?[]? Outputs;
    }
}
