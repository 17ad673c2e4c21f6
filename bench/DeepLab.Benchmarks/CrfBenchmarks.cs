using BenchmarkDotNet.Attributes;
using DeepLab.Crf;
using DeepLab.Imaging;

namespace DeepLab.Benchmarks;

/// <summary>
/// A dense CRF of 500×375 pixels with 21 classes and 10 steps, on a shaded image with noise; one thread against two.
/// </summary>
public class CrfBenchmarks
{
    private const int Height = 375, Width = 500, Classes = 21;

    private readonly RgbImage _image = new(Height, Width);
    private readonly float[] _probabilities = new float[Height * Width * Classes], _marginals = new float[Height * Width * Classes];
    private readonly DenseCrf _one = new(threads: 1), _two = new(threads: 2);

    /// <summary>Generates the image and the probabilities.</summary>
    [GlobalSetup]
    public void Setup()
    {
        var random = new SeededRandom(1);
        for (int i = 0; i < _image.Pixels.Length; i++)
            _image.Pixels[i] = (byte)((i / 3 % Width / 4) + (i / 3 / Width / 5) + (20 * (i % 3)) + random.NextInt32(7));
        for (int pixel = 0; pixel < Height * Width; pixel++)
        {
            Span<float> ofPixel = _probabilities.AsSpan(pixel * Classes, Classes);
            ofPixel.Fill(0.5f / Classes);
            ofPixel[((pixel % Width / 72) + (pixel / Width / 130 * 7) + random.NextInt32(2)) % Classes] += 0.5f;
        }
    }

    /// <summary>On one thread.</summary>
    [Benchmark(Baseline = true)]
    public void OneThread() => _one.Infer(_probabilities, Classes, _image, _marginals);

    /// <summary>On two.</summary>
    [Benchmark]
    public void TwoThreads() => _two.Infer(_probabilities, Classes, _image, _marginals);

    /// <summary>Frees threads and memory.</summary>
    [GlobalCleanup]
    public void Cleanup()
    {
        _one.Dispose();
        _two.Dispose();
    }
}
