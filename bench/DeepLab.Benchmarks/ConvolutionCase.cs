using DeepLab.Backends;
using DeepLab.Tensors;

namespace DeepLab.Benchmarks;

/// <summary>The maps and weights of one convolution, filled with noise.</summary>
internal sealed class ConvolutionCase(Backend backend, LayerShape layer)
{
    public ConvolutionGeometry Geometry => layer.Geometry;

    public Tensor Input { get; } = Buffers.NewTensor(backend, layer.Input);

    public Tensor InputGradient { get; } = Buffers.NewTensor(backend, layer.Input);

    public Tensor Output { get; } = Buffers.NewTensor(backend, layer.Geometry.OutputShape(layer.Input));

    public Tensor WeightGradient { get; } = Buffers.NewTensor(backend, layer.Geometry.WeightShape);

    private ConvolutionWeights Weights { get; } = new(Buffers.NewTensor(backend, layer.Geometry.WeightShape), null, null);

    public void Forward(Backend on) => on.ConvolutionForward(Geometry, Input, Weights, Output, accumulate: false, null, relu: false);

    public void BackwardInput(Backend on) => on.ConvolutionBackwardInput(Geometry, Output, Weights, InputGradient, accumulate: false, null);

    public void BackwardWeights(Backend on) => on.ConvolutionBackwardWeights(Geometry, Input, Output, null, WeightGradient, null);
}
