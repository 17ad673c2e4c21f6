using DeepLab.Tensors;

namespace DeepLab.Backends;

/// <summary>Runs the branches of an ASPP one after another, for devices that have nothing better.</summary>
internal sealed class BranchwiseAspp : PreparedAspp
{
    private readonly PreparedConvolution[] _branches;

    public BranchwiseAspp(Backend backend, AsppSpec spec, IReadOnlyList<ConvolutionWeights> weights, string name)
        : base(spec, weights, name) => _branches = [.. spec.Branches.Select((branch, i) => backend.Prepare(branch, weights[i], name))];

    public override void ReleasePrepacked()
    {
        foreach (PreparedConvolution branch in _branches) branch.ReleasePrepacked();
    }

    private protected override void ForwardCore(Execution execution, Tensor x, Tensor y)
    {
        for (int i = 0; i < _branches.Length; i++) _branches[i].ForwardCore(execution, x, y, accumulate: i > 0, null, relu: false);
    }

    private protected override void BackwardInputCore(Execution execution, Tensor dy, Tensor dx, Tensor? mask)
    {
        for (int i = 0; i < _branches.Length; i++)
            _branches[i].BackwardInputCore(execution, dy, dx, accumulate: i > 0, i == _branches.Length - 1 ? mask : null);
    }

    private protected override void BackwardWeightsCore(Execution execution, Tensor x, Tensor dy, ReadOnlySpan<Tensor> kernelGradients, ReadOnlySpan<Tensor> biasGradients)
    {
        for (int i = 0; i < _branches.Length; i++) _branches[i].BackwardWeightsCore(execution, x, dy, kernelGradients[i], biasGradients[i]);
    }
}
