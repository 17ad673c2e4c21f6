using BenchmarkDotNet.Attributes;
using DeepLab.Kernels;
using DeepLab.Kernels.Cpu;
using DeepLab.Tensors;

namespace DeepLab.Benchmarks;

/// <summary>3×3 convolutions on one thread: minimal filtering and both its gradients, beside the sum over taps.</summary>
public class SpatialBenchmarks
{
    private readonly CpuBackend _backend = new(threads: 1), _exact = new(threads: 1, exactConvolutions: true);
    private Tensor _x = null!, _y = null!, _dx = null!, _gradient = null!;
    private ConvolutionWeights _weights = null!;

    /// <summary>The layer.</summary>
    [ParamsSource(nameof(Layers))]
    public LayerShape Layer { get; set; } = null!;

    /// <summary>The layers.</summary>
    public static IEnumerable<LayerShape> Layers => LayerShape.Spatial;

    /// <summary>Fills the maps.</summary>
    [GlobalSetup]
    public void Setup()
    {
        RaggedShape output = Layer.Geometry.OutputShape(Layer.Input);
        (_x, _dx) = (Buffers.NewTensor(_backend, Layer.Input), Buffers.NewTensor(_backend, Layer.Input));
        (_y, _gradient) = (Buffers.NewTensor(_backend, output), Buffers.NewTensor(_backend, Layer.Geometry.WeightShape));
        _weights = new ConvolutionWeights(Buffers.NewTensor(_backend, Layer.Geometry.WeightShape), null, null);
    }

    /// <summary>Tap by tap.</summary>
    [Benchmark(Baseline = true)]
    public void ForwardTapByTap() => _exact.ConvolutionForward(Layer.Geometry, _x, _weights, _y, accumulate: false, null, relu: false);

    /// <summary>Minimal filtering.</summary>
    [Benchmark]
    public void Forward() => _backend.ConvolutionForward(Layer.Geometry, _x, _weights, _y, accumulate: false, null, relu: false);

    /// <summary>The gradient of the input, tap by tap.</summary>
    [Benchmark]
    public void BackwardInputTapByTap() => _exact.ConvolutionBackwardInput(Layer.Geometry, _y, _weights, _dx, accumulate: false, null);

    /// <summary>The gradient of the input.</summary>
    [Benchmark]
    public void BackwardInput() => _backend.ConvolutionBackwardInput(Layer.Geometry, _y, _weights, _dx, accumulate: false, null);

    /// <summary>The gradient of the weights, tap by tap.</summary>
    [Benchmark]
    public void BackwardWeightsTapByTap() => _exact.ConvolutionBackwardWeights(Layer.Geometry, _x, _y, null, _gradient, null);

    /// <summary>The gradient of the weights.</summary>
    [Benchmark]
    public void BackwardWeights() => _backend.ConvolutionBackwardWeights(Layer.Geometry, _x, _y, null, _gradient, null);

    /// <summary>Frees the backends' threads and memory.</summary>
    [GlobalCleanup]
    public void Cleanup()
    {
        _backend.Dispose();
        _exact.Dispose();
    }
}
