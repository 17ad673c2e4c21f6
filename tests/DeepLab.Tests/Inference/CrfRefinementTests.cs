using DeepLab.Crf;
using DeepLab.Imaging;
using DeepLab.Inference;
using DeepLab.Layers;
using DeepLab.Tensors;
using DeepLab.Tests.Data;
using Xunit;

namespace DeepLab.Tests.Inference;

public sealed class CrfRefinementTests
{
    private static readonly ScoreMap Scores = new(
        [.. HashUniform.Values(HashUniform.Seed("refinement", "scores"), 5 * 5 * 3).Select(u => 4 * u)], new MapSize(5, 5), 3, 33);

    [Fact]
    public void Marginals_are_those_of_the_field_on_the_softmax_of_the_resized_scores()
    {
        RgbImage image = TinyDataset.RandomImage(20, 31, seed: 4);
        var options = new DenseCrfOptions { Iterations = 3, ColorDeviation = 40 };
        var expected = new float[20 * 31 * 3];
        ScoreUpsampling.Softmax(Scores.Values, Scores.Size, 3, new MapSize(33, 33), 20, 31, expected);
        var unrefined = (float[])expected.Clone();
        using (var crf = new DenseCrf(options, threads: 1)) crf.Infer(expected, 3, image, expected);
        Assert.NotEqual(unrefined, expected);

        using var refinement = new CrfRefinement(options, threads: 2);
        Assert.Equal(expected, refinement.Marginals(Scores, image).ToArray());
        LabelMap labels = refinement.Labels(Scores, image);
        Assert.Equal((20, 31), (labels.Height, labels.Width));
        Assert.Equal(expected.Chunk(3).Select(row => (byte)Array.IndexOf(row, row.Max())), labels.Labels);

        // A smaller image next uses part of the memory; the larger one after that gives the same result as before.
        Assert.Equal(4 * 6 * 3, refinement.Marginals(Scores, TinyDataset.RandomImage(4, 6, seed: 5)).Length);
        Assert.Equal(expected, refinement.Marginals(Scores, image).ToArray());
    }

    [Fact]
    public void The_first_of_equal_marginals_wins()
    {
        var labels = new byte[3];
        CrfRefinement.ArgMax([0.2f, 0.4f, 0.4f, 0.5f, 0.5f, 0, 0, 0, 1], 3, labels);
        Assert.Equal([1, 0, 2], labels);
        Assert.Throws<ArgumentException>(() => CrfRefinement.ArgMax(new float[8], 3, new byte[3]));
        Assert.Throws<ArgumentOutOfRangeException>(() => CrfRefinement.ArgMax(new float[256], 256, new byte[1]));
    }

    [Fact]
    public void A_further_image_of_the_same_size_allocates_nothing()
    {
        RgbImage image = TinyDataset.RandomImage(33, 33, seed: 6);
        using var refinement = new CrfRefinement(new DenseCrfOptions { Iterations = 1 }, threads: 1);
        long least = long.MaxValue;
        for (int i = 0; i < 4; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            refinement.Marginals(Scores, image);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
    }

    [Fact]
    public void Images_that_do_not_fit_the_scores_and_scores_that_are_no_numbers_are_refused()
    {
        using var refinement = new CrfRefinement(threads: 1);
        Assert.Equal("40×20 does not lie in 33×33. (Parameter 'height')", Assert.Throws<ArgumentException>(() => refinement.Marginals(Scores, new RgbImage(40, 20))).Message);
        ScoreMap broken = Scores with { Values = [.. Enumerable.Repeat(float.NaN, 75)] };
        Assert.StartsWith("the probability of class 0 at row 0, column 0 is NaN", Assert.Throws<DeepLabException>(() => refinement.Labels(broken, new RgbImage(2, 2))).Message, StringComparison.Ordinal);
        var huge = new ScoreMap(new float[255], new MapSize(1, 1), 255, 4000);
        Assert.Equal(
            "an image of 4000×3000 with 255 classes has 3060000000 marginals, and 2147483591 is the most: make it smaller",
            Assert.Throws<DeepLabException>(() => refinement.Labels(huge, new RgbImage(3000, 4000))).Message);
    }
}
