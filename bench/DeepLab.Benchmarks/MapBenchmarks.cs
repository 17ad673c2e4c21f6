using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using DeepLab.Backends;
using DeepLab.Backends.Cpu;
using DeepLab.Tensors;

namespace DeepLab.Benchmarks;

/// <summary>
/// Operations other than convolutions, on one thread at the sizes of a 321×321 image, each against a loop over single
/// values.
/// </summary>
[GroupBenchmarksBy(BenchmarkLogicalGroupRule.ByCategory)]
public class MapBenchmarks
{
    private const int Stem = 161, Width = 64, Scores = 41, Classes = 21;

    private readonly CpuBackend _backend = new(threads: 1);
    private readonly PoolingGeometry _pooling = new(3, 2, 1);
    private Execution _execution = null!;
    private LabelBuffer _deviceLabels = null!;
    private ScalarBuffer _loss = null!;
    private readonly byte[] _labels = new byte[Scores * Scores];
    private readonly float[] _plainParameters = Buffers.Noise(2304 * 256), _plainGradient = Buffers.Noise(2304 * 256), _plainVelocity = new float[2304 * 256];
    private readonly float[] _plainStem = Buffers.Noise(Stem * Stem * Width), _plainScores = Buffers.Noise(Scores * Scores * Classes);
    private float[] _plainPooled = [], _plainScoreGradient = [];
    private Tensor _stem = null!, _pooled = null!, _scores = null!, _scoreGradient = null!, _parameters = null!, _gradient = null!, _velocity = null!;

    /// <summary>Fills the maps.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _stem = Buffers.NewTensor(_backend, RaggedShape.Map(Stem, Stem, Width));
        _pooled = Buffers.NewTensor(_backend, _pooling.OutputShape(_stem.Shape));
        (_scores, _scoreGradient) = (Buffers.NewTensor(_backend, RaggedShape.Map(Scores, Scores, Classes)), Buffers.NewTensor(_backend, RaggedShape.Map(Scores, Scores, Classes)));
        var matrix = RaggedShape.Matrix(2304, 256);
        (_parameters, _gradient, _velocity) = (Buffers.NewTensor(_backend, matrix), Buffers.NewTensor(_backend, matrix), Buffers.NewTensor(_backend, matrix));
        (_plainPooled, _plainScoreGradient) = (new float[_pooled.Shape.Length], new float[_scores.Shape.Length]);
        for (int i = 0; i < _labels.Length; i++) _labels[i] = (byte)(i % Classes);
        _execution = _backend.CreateExecution();
        _deviceLabels = _backend.AllocateLabels(_labels.Length);
        _loss = _backend.AllocateScalars(1);
        _execution.Upload(_labels, _deviceLabels);
    }

    /// <summary>The stem's pooling, value by value.</summary>
    [Benchmark(Baseline = true), BenchmarkCategory("pool1")]
    public void PoolingByValue()
    {
        int side = _pooling.OutputSide(Stem);
        for (int y = 0; y < side; y++)
        {
            for (int x = 0; x < side; x++)
            {
                for (int c = 0; c < Width; c++)
                {
                    float largest = float.NegativeInfinity;
                    for (int row = Math.Max((2 * y) - 1, 0); row < Math.Min((2 * y) + 2, Stem); row++)
                    {
                        for (int column = Math.Max((2 * x) - 1, 0); column < Math.Min((2 * x) + 2, Stem); column++)
                            largest = Math.Max(largest, _plainStem[(((row * Stem) + column) * Width) + c]);
                    }

                    _plainPooled[(((y * side) + x) * Width) + c] = largest;
                }
            }
        }
    }

    /// <summary>The stem's pooling.</summary>
    [Benchmark, BenchmarkCategory("pool1")]
    public void Pooling() => _execution.MaxPoolForward(_pooling, _stem, _pooled);

    /// <summary>The loss of a score map and its gradient, value by value.</summary>
    [Benchmark(Baseline = true), BenchmarkCategory("loss")]
    public double LossByValue()
    {
        double sum = 0;
        for (int row = 0; row < _labels.Length; row++)
        {
            Span<float> gradient = _plainScoreGradient.AsSpan(row * Classes, Classes);
            ReadOnlySpan<float> scores = _plainScores.AsSpan(row * Classes, Classes);
            float largest = float.NegativeInfinity, total = 0;
            foreach (float score in scores) largest = Math.Max(largest, score);
            for (int c = 0; c < Classes; c++) total += gradient[c] = MathF.Exp(scores[c] - largest);
            for (int c = 0; c < Classes; c++) gradient[c] /= total;
            sum -= Math.Log(gradient[_labels[row]]);
            gradient[_labels[row]] -= 1;
        }

        return sum;
    }

    /// <summary>The loss of a score map and its gradient.</summary>
    [Benchmark, BenchmarkCategory("loss")]
    public void Loss() => _execution.SoftmaxCrossEntropy(_scores, _deviceLabels, 0, 1, _scoreGradient, _loss, 0);

    /// <summary>An update of layer3's 3×3 weights, value by value.</summary>
    [Benchmark(Baseline = true), BenchmarkCategory("update")]
    public void UpdateByValue()
    {
        for (int i = 0; i < _plainParameters.Length; i++)
        {
            _plainVelocity[i] = (0.9f * _plainVelocity[i]) + (1e-6f * (_plainGradient[i] + (5e-4f * _plainParameters[i])));
            _plainParameters[i] -= _plainVelocity[i];
        }
    }

    /// <summary>An update of layer3's 3×3 weights, which leaves the gradient at zero.</summary>
    [Benchmark, BenchmarkCategory("update")]
    public void Update() => _execution.SgdUpdate(_parameters, _gradient, _velocity, new SgdSettings(1e-6f, 0.9f, 5e-4f, 1));

    /// <summary>Frees the backend's threads and memory.</summary>
    [GlobalCleanup]
    public void Cleanup()
    {
        _deviceLabels.Dispose();
        _loss.Dispose();
        _execution.Dispose();
        _backend.Dispose();
    }
}
