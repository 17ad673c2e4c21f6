using DeepLab.Crf;
using Xunit;

namespace DeepLab.Tests.Crf;

/// <summary>
/// Compares with mean-field inference using the exact Gaussian between every two pixels: the error of the permutohedral
/// lattice. The bounds are twice the measured error. A few pixels that are undecided between two classes go to the
/// other one, so only the mean is close.
/// </summary>
public sealed class ExactMeanFieldTests
{
    [Theory]
    [InlineData(2, true, 3f, 67f, 0.005)]
    [InlineData(5, true, 3f, 67f, 0.013)]
    [InlineData(21, true, 3f, 67f, 0.002)]
    [InlineData(2, false, 3f, 67f, 0.0003)]
    [InlineData(5, false, 3f, 67f, 0.0003)]
    [InlineData(21, false, 3f, 67f, 0.0003)]
    [InlineData(2, true, 13f, 20f, 0.022)]
    [InlineData(5, true, 13f, 20f, 0.011)]
    [InlineData(21, true, 13f, 20f, 0.006)]
    [InlineData(5, false, 13f, 20f, 0.001)]
    public void Marginals_are_near_those_of_the_exact_kernels(int classes, bool randomColors, float colorDeviation, float appearanceDeviation, double bound)
    {
        var options = new DenseCrfOptions { ColorDeviation = colorDeviation, AppearanceDeviation = appearanceDeviation };
        double error = 0, change = 0;
        int differentLabels = 0;
        for (ulong seed = 1; seed <= 3; seed++)
        {
            CrfCase input = CrfCase.Blocks(12, 10, classes, seed);
            if (randomColors) FillWithRandomColors(input.Image.Pixels, seed);
            double[] exact = MeanFieldOracle.Infer(input, options, f => new ExactFilter(f));
            double[] actual = [.. input.Infer(options).Select(m => (double)m)];
            error += MeanDifference(exact, actual) / 3;
            change += MeanDifference(exact, [.. input.Probabilities.Select(p => (double)p)]) / 3;
            differentLabels += Enumerable.Range(0, input.Pixels).Count(pixel => Label(exact, pixel, classes) != Label(actual, pixel, classes));
        }

        Assert.InRange(error, 0, bound);
        Assert.InRange(error, 0, change / 15);
        Assert.InRange(differentLabels, 0, 3 * 120 / 50);
    }

    private static void FillWithRandomColors(byte[] pixels, ulong seed)
    {
        var random = new SeededRandom(seed);
        for (int i = 0; i < pixels.Length; i++) pixels[i] = (byte)random.NextInt32(256);
    }

    private static double MeanDifference(double[] a, double[] b) => a.Zip(b, (u, v) => Math.Abs(u - v)).Average();

    private static int Label(double[] marginals, int pixel, int classes)
    {
        ReadOnlySpan<double> row = marginals.AsSpan(pixel * classes, classes);
        int label = 0;
        for (int c = 1; c < classes; c++) label = row[c] > row[label] ? c : label;
        return label;
    }
}
