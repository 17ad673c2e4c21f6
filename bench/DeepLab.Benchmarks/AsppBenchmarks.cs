using BenchmarkDotNet.Attributes;
using DeepLab.Backends;
using DeepLab.Backends.Cpu;
using DeepLab.Tensors;

namespace DeepLab.Benchmarks;

/// <summary>
/// The last layer on one thread, 2048 channels to 21 classes at four dilations: as one product, against the four
/// convolutions one by one.
/// </summary>
public class AsppBenchmarks
{
    private readonly CpuBackend _backend = new(threads: 1);
    private Execution _execution = null!;
    private PreparedAspp _merged = null!, _branches = null!;
    private Tensor _x = null!, _y = null!;

    /// <summary>Fills the maps.</summary>
    [GlobalSetup]
    public void Setup()
    {
        var spec = new AsppSpec(2048, 21, 3, [6, 12, 18, 24]);
        _execution = _backend.CreateExecution(new ExecutionOptions { Prepack = PrepackPolicy.Never });
        _x = Buffers.NewTensor(_backend, RaggedShape.Map(41, 41, 2048));
        _y = Buffers.NewTensor(_backend, _x.Shape.WithChannels(21));
        ConvolutionWeights[] weights = [.. spec.Branches.Select(b => new ConvolutionWeights(
            Buffers.NewTensor(_backend, b.WeightShape), null, Buffers.NewTensor(_backend, RaggedShape.Matrix(1, b.OutChannels))))];
        _merged = _backend.Prepare(spec, weights);
        _branches = new BranchwiseAspp(_backend, spec, weights, "");
    }

    /// <summary>Four convolutions, added up.</summary>
    [Benchmark(Baseline = true)]
    public void OneByOne() => _branches.Forward(_execution, _x, _y);

    /// <summary>One product of all taps.</summary>
    [Benchmark]
    public void Merged() => _merged.Forward(_execution, _x, _y);

    /// <summary>Frees the backend's threads and memory.</summary>
    [GlobalCleanup]
    public void Cleanup()
    {
        _execution.Dispose();
        _backend.Dispose();
    }
}
