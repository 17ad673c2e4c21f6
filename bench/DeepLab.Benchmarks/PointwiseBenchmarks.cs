using System.Numerics;
using BenchmarkDotNet.Attributes;
using DeepLab.Backends.Cpu;

namespace DeepLab.Benchmarks;

/// <summary>
/// 1×1 convolutions on one thread: the packed product and both its gradients, against a product of whole vectors
/// without packing or tiles.
/// </summary>
public class PointwiseBenchmarks
{
    private readonly CpuBackend _backend = new(threads: 1);
    private ConvolutionCase _case = null!;
    private float[] _plainX = [], _plainY = [], _plainWeights = [];

    /// <summary>The layer.</summary>
    [ParamsSource(nameof(Layers))]
    public LayerShape Layer { get; set; } = null!;

    /// <summary>The layers.</summary>
    public static IEnumerable<LayerShape> Layers => LayerShape.Pointwise;

    /// <summary>Fills the maps.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _case = new ConvolutionCase(_backend, Layer);
        (_plainX, _plainY, _plainWeights) = (Buffers.Noise(Layer.Input.Length), new float[_case.Output.Shape.Length], Buffers.Noise(Layer.Spec.WeightShape.Length));
    }

    /// <summary>A row of the output as a sum of rows of the weights.</summary>
    [Benchmark(Baseline = true)]
    public void RowByRow()
    {
        int inChannels = Layer.Spec.InChannels, outChannels = Layer.Spec.OutChannels;
        for (int row = 0; row < Layer.Input.Rows; row++)
        {
            Span<float> y = _plainY.AsSpan(row * outChannels, outChannels);
            y.Clear();
            for (int k = 0; k < inChannels; k++)
            {
                var factor = new Vector<float>(_plainX[(row * inChannels) + k]);
                ReadOnlySpan<float> weights = _plainWeights.AsSpan(k * outChannels, outChannels);
                for (int c = 0; c < outChannels; c += Vector<float>.Count)
                    Vector.FusedMultiplyAdd(factor, new Vector<float>(weights[c..]), new Vector<float>(y[c..])).CopyTo(y[c..]);
            }
        }
    }

    /// <summary>The product.</summary>
    [Benchmark]
    public void Forward() => _case.Forward();

    /// <summary>The gradient of the input.</summary>
    [Benchmark]
    public void BackwardInput() => _case.BackwardInput();

    /// <summary>The gradient of the weights.</summary>
    [Benchmark]
    public void BackwardWeights() => _case.BackwardWeights();

    /// <summary>Frees the backend's threads and memory.</summary>
    [GlobalCleanup]
    public void Cleanup()
    {
        _case.Dispose();
        _backend.Dispose();
    }
}
