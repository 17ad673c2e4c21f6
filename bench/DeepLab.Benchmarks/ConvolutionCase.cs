using DeepLab.Backends;
using DeepLab.Tensors;

namespace DeepLab.Benchmarks;

/// <summary>The maps and weights of one convolution on a backend, filled with noise.</summary>
internal sealed class ConvolutionCase : IDisposable
{
    private readonly Execution _execution;
    private readonly PreparedConvolution _convolution;
    private readonly Tensor _input, _inputGradient, _weightGradient;

    public ConvolutionCase(Backend backend, LayerShape layer)
    {
        _execution = backend.CreateExecution(new ExecutionOptions { Prepack = PrepackPolicy.Never });
        _input = Buffers.NewTensor(backend, layer.Input);
        _inputGradient = Buffers.NewTensor(backend, layer.Input);
        Output = Buffers.NewTensor(backend, layer.Spec.OutputShape(layer.Input));
        _weightGradient = Buffers.NewTensor(backend, layer.Spec.WeightShape);
        _convolution = backend.Prepare(layer.Spec, new ConvolutionWeights(Buffers.NewTensor(backend, layer.Spec.WeightShape), null, null));
    }

    public Tensor Output { get; }

    public void Forward() => _convolution.Forward(_execution, _input, Output);

    public void BackwardInput() => _convolution.BackwardInput(_execution, Output, _inputGradient);

    public void BackwardWeights() => _convolution.BackwardWeights(_execution, _input, Output, _weightGradient);

    public void Dispose() => _execution.Dispose();
}
