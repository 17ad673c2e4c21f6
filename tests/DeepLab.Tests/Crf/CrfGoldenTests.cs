using DeepLab.Backends.Cpu;
using DeepLab.Cpu;
using DeepLab.Imaging;
using DeepLab.Inference;
using DeepLab.IO;
using DeepLab.Tensors;
using DeepLab.Tests.Oracle;
using Xunit;

namespace DeepLab.Tests.Crf;

/// <summary>Compares with pydensecrf's results on a photograph: tests/reference/make_crf_golden.py.</summary>
[Trait("Tier", "all")]
public sealed class CrfGoldenTests
{
    private const int Every = 2;
    private static readonly string s_folder = Path.Combine(AppContext.BaseDirectory, "Golden", "crf");

    public static TheoryData<InstructionSet> Tiers => [.. TestBackends.Tiers];

    [Theory]
    [MemberData(nameof(Tiers))]
    public void Marginals_are_those_of_pydensecrf(InstructionSet tier)
    {
        CrfCase input = Load();
        float[] marginals = input.Infer(tier: tier);
        (int[] shape, float[] expected) = NpyFile.Read(Path.Combine(s_folder, "photo-marginals.npy"));
        Assert.Equal([input.Classes, input.Image.Height / Every, input.Image.Width / Every], shape);
        double sum = 0, largest = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            int c = i / (shape[1] * shape[2]), y = i / shape[2] % shape[1] * Every, x = i % shape[2] * Every;
            double error = Math.Abs(marginals[(((y * input.Image.Width) + x) * input.Classes) + c] - expected[i]);
            sum += error;
            largest = Math.Max(largest, error);
        }

        Assert.InRange(sum / expected.Length, 0, 1e-6);
        Assert.InRange(largest, 0, 1e-5);
    }

    [Fact]
    public void Labels_are_those_of_pydensecrf_and_not_those_without_it()
    {
        CrfCase input = Load();
        byte[] expected = LabelMap.Load(Path.Combine(s_folder, "photo-labels.png")).Labels;
        Assert.InRange(Disagreements(input, input.Infer(), expected), 0, expected.Length / 1000);
        Assert.InRange(Disagreements(input, input.Probabilities, expected), expected.Length / 100, expected.Length);
    }

    private static int Disagreements(CrfCase input, float[] probabilities, byte[] expected)
    {
        var size = new MapSize(input.Image.Height, input.Image.Width);
        var labels = new byte[input.Pixels];
        ScoreUpsampling.ArgMax(probabilities, size, input.Classes, size, size.Height, size.Width, labels);
        return labels.Zip(expected).Count(pair => pair.First != pair.Second);
    }

    private static CrfCase Load()
    {
        RgbImage image = RgbImage.Load(Path.Combine(s_folder, "photo.png"));
        (int[] shape, float[] scores) = NpyFile.Read(Path.Combine(s_folder, "photo-scores.npy"));
        (int classes, int pixels) = (shape[0], shape[1] * shape[2]);
        float[] byPixel = [.. Enumerable.Range(0, scores.Length).Select(i => scores[(i % classes * pixels) + (i / classes)])];
        var probabilities = new float[image.Height * image.Width * classes];
        var size = new MapSize(image.Height, image.Width);
        ScoreUpsampling.Softmax(byPixel, new MapSize(shape[1], shape[2]), classes, size, size.Height, size.Width, probabilities);
        return CrfCase.Of(image, classes, probabilities);
    }
}
