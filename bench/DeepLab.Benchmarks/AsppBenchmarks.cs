using BenchmarkDotNet.Attributes;
using DeepLab.Backends;
using DeepLab.Backends.Cpu;
using DeepLab.Tensors;

namespace DeepLab.Benchmarks;

/// <summary>The last layer on one thread, 2048 channels to 21 classes at four dilations: as one product, beside the four convolutions one by one.</summary>
public class AsppBenchmarks
{
    private readonly CpuBackend _backend = new(threads: 1);
    private readonly ConvolutionGeometry[] _geometries = [.. new[] { 6, 12, 18, 24 }.Select(d => new ConvolutionGeometry(2048, 21, 3, 1, d, d))];
    private ConvolutionWeights[] _weights = [];
    private Tensor _x = null!, _y = null!;

    /// <summary>Fills the maps.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _x = Buffers.NewTensor(_backend, RaggedShape.Map(41, 41, 2048));
        _y = Buffers.NewTensor(_backend, _geometries[0].OutputShape(_x.Shape));
        _weights = [.. _geometries.Select(g => new ConvolutionWeights(
            Buffers.NewTensor(_backend, g.WeightShape), null, Buffers.NewTensor(_backend, RaggedShape.Matrix(1, g.OutChannels))))];
    }

    /// <summary>Four convolutions, added up.</summary>
    [Benchmark(Baseline = true)]
    public void OneByOne()
    {
        for (int i = 0; i < _geometries.Length; i++)
            _backend.ConvolutionForward(_geometries[i], _x, _weights[i], _y, accumulate: i > 0, null, relu: false);
    }

    /// <summary>One product of all taps.</summary>
    [Benchmark]
    public void Merged() => _backend.PyramidForward(_geometries, _x, _weights, _y);

    /// <summary>Frees the backend's threads and memory.</summary>
    [GlobalCleanup]
    public void Cleanup() => _backend.Dispose();
}
