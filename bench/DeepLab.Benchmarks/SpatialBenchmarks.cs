using BenchmarkDotNet.Attributes;
using DeepLab.Backends.Cpu;

namespace DeepLab.Benchmarks;

/// <summary>
/// 3×3 convolutions on one thread: minimal filtering and both its gradients, against the sum over taps.
/// </summary>
public class SpatialBenchmarks
{
    private readonly CpuBackend _backend = new(threads: 1), _exact = new(threads: 1, exactConvolutions: true);
    private ConvolutionCase _case = null!, _exactCase = null!;

    /// <summary>The layer.</summary>
    [ParamsSource(nameof(Layers))]
    public LayerShape Layer { get; set; } = null!;

    /// <summary>The layers.</summary>
    public static IEnumerable<LayerShape> Layers => LayerShape.Spatial;

    /// <summary>Fills the maps.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _case = new ConvolutionCase(_backend, Layer);
        _exactCase = new ConvolutionCase(_exact, Layer);
    }

    /// <summary>Tap by tap.</summary>
    [Benchmark(Baseline = true)]
    public void ForwardTapByTap() => _exactCase.Forward();

    /// <summary>Minimal filtering.</summary>
    [Benchmark]
    public void Forward() => _case.Forward();

    /// <summary>The gradient of the input, tap by tap.</summary>
    [Benchmark]
    public void BackwardInputTapByTap() => _exactCase.BackwardInput();

    /// <summary>The gradient of the input.</summary>
    [Benchmark]
    public void BackwardInput() => _case.BackwardInput();

    /// <summary>The gradient of the weights, tap by tap.</summary>
    [Benchmark]
    public void BackwardWeightsTapByTap() => _exactCase.BackwardWeights();

    /// <summary>The gradient of the weights.</summary>
    [Benchmark]
    public void BackwardWeights() => _case.BackwardWeights();

    /// <summary>Frees the backends' threads and memory.</summary>
    [GlobalCleanup]
    public void Cleanup()
    {
        _case.Dispose();
        _exactCase.Dispose();
        _backend.Dispose();
        _exact.Dispose();
    }
}
