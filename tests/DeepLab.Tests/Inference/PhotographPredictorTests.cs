using DeepLab.Backends.Cpu;
using DeepLab.Crf;
using DeepLab.Imaging;
using DeepLab.Inference;
using DeepLab.Models;
using DeepLab.Tensors;
using DeepLab.Tests.Data;
using Xunit;

namespace DeepLab.Tests.Inference;

public sealed class PhotographPredictorTests
{
    [Fact]
    public void A_photograph_within_the_limit_gets_the_labels_it_always_got()
    {
        using var backend = new CpuBackend(threads: 2);
        DeepLabResNet network = TinyNetwork.FromScratch(backend, 3);
        using var plain = new Predictor(network);
        RgbImage image = TinyDataset.RandomImage(90, 120, 3);
        using var predictor = new PhotographPredictor(network, maxSide: 120);
        PhotographPrediction prediction = predictor.Predict(image);
        Assert.Equal(plain.Predict(image).Labels, prediction.Labels.Labels);
        Assert.Equal(513, prediction.Scores.InputSide);
    }

    [Fact]
    public void A_longer_one_is_reduced_and_its_scores_resized_to_its_size()
    {
        using var backend = new CpuBackend(threads: 2);
        DeepLabResNet network = TinyNetwork.FromScratch(backend, 3);
        using var plain = new Predictor(network);
        using var predictor = new PhotographPredictor(network, maxSide: 60);
        RgbImage image = TinyDataset.RandomImage(99, 150, 3), reduced = image.ReducedTo(60);
        Assert.Equal((40, 60), (reduced.Height, reduced.Width));
        ScoreMap scores = plain.Scores(reduced);
        PhotographPrediction prediction = predictor.Predict(image);
        Assert.Equal(scores.Values, prediction.Scores.Values);
        Assert.Equal((99, 150), (prediction.Labels.Height, prediction.Labels.Width));
        for (int y = 0; y < 99; y++)
        {
            for (int x = 0; x < 150; x++)
            {
                double top = Math.Clamp(((y + 0.5) * 40 / 99) - 0.5, 0, 39) * 64 / 512, left = Math.Clamp(((x + 0.5) * 60 / 150) - 0.5, 0, 59) * 64 / 512;
                double[] expected = [.. Enumerable.Range(0, 3).Select(c => At(scores, top, left, c))];
                Assert.InRange(expected.Max() - expected[prediction.Labels.Labels[(y * 150) + x]], 0, 1e-5 * Math.Max(1, Math.Abs(expected.Max())));
            }
        }

        Assert.True(prediction.Labels.Labels.Distinct().Count() > 1);
    }

    [Fact]
    public void The_CRF_runs_at_the_size_that_the_network_sees()
    {
        using var backend = new CpuBackend(threads: 2);
        DeepLabResNet network = TinyNetwork.FromScratch(backend, 3);
        var options = new DenseCrfOptions { Iterations = 2 };
        using var refinement = new CrfRefinement(options, threads: 2);
        RgbImage image = TinyDataset.RandomImage(45, 70, 3);
        using var unlimited = new PhotographPredictor(network, maxSide: 0, options, threads: 1);
        PhotographPrediction prediction = unlimited.Predict(image);
        byte[] expected = refinement.Labels(prediction.Scores, image).Labels;
        Assert.NotEqual(Predictor.Labels(prediction.Scores, image.Height, image.Width).Labels, expected);
        Assert.Equal(expected, prediction.Labels.Labels);

        // Twice as large, and identical when reduced: its marginals are the same ones, interpolated.
        var large = new RgbImage(90, 140);
        for (int i = 0; i < 90 * 140; i++)
            image.Pixels.AsSpan(3 * (((i / 140 / 2) * 70) + (i % 140 / 2)), 3).CopyTo(large.Pixels.AsSpan(3 * i));
        Assert.Equal(image.Pixels, large.ReducedTo(70).Pixels);
        using var reducing = new PhotographPredictor(network, maxSide: 70, options, threads: 1);
        byte[] labels = reducing.Predict(large).Labels.Labels;
        Assert.Equal(expected[0], labels[0]);
        Assert.Equal(expected[^1], labels[^1]);
        Assert.InRange(Enumerable.Range(0, labels.Length).Count(i => labels[i] == expected[((i / 140 / 2) * 70) + (i % 140 / 2)]), labels.Length * 0.7, labels.Length);
    }

    [Theory]
    [InlineData(5, 7, 3, 33, 50, 33, 50, 80, 90)]
    [InlineData(5, 7, 21, 33, 50, 20, 41, 41, 83)]
    [InlineData(1, 1, 5, 9, 4, 3, 2, 30, 20)]
    [InlineData(6, 5, 2, 6, 5, 6, 5, 13, 10)]
    [InlineData(5, 7, 4, 33, 50, 20, 41, 10, 9)]
    public void Labels_of_the_larger_image_are_those_of_resizing_in_double(
        int height, int width, int classes, int targetHeight, int targetWidth, int regionHeight, int regionWidth, int rows, int columns)
    {
        float[] scores = HashUniform.Values(HashUniform.Seed("region", $"{height} {width} {classes}"), height * width * classes);
        var map = new ScoreMap(scores, new MapSize(height, width), classes, 0);
        var labels = new byte[rows * columns];
        ScoreUpsampling.ArgMax(scores, map.Size, classes, new MapSize(targetHeight, targetWidth), new MapSize(regionHeight, regionWidth), rows, columns, labels);
        for (int y = 0; y < rows; y++)
        {
            for (int x = 0; x < columns; x++)
            {
                double top = Math.Clamp(((y + 0.5) * regionHeight / rows) - 0.5, 0, regionHeight - 1) * (height - 1) / (targetHeight - 1);
                double left = Math.Clamp(((x + 0.5) * regionWidth / columns) - 0.5, 0, regionWidth - 1) * (width - 1) / (targetWidth - 1);
                double[] expected = [.. Enumerable.Range(0, classes).Select(c => At(map, top, left, c))];
                Assert.InRange(expected.Max() - expected[labels[(y * columns) + x]], 0, 1e-6);
            }
        }
    }

    [Theory]
    [InlineData(33, 50)]
    [InlineData(20, 41)]
    public void A_region_of_the_images_size_changes_nothing(int rows, int columns)
    {
        float[] scores = HashUniform.Values(HashUniform.Seed("region", "same"), 5 * 7 * 21);
        MapSize size = new(5, 7), target = new(33, 50);
        byte[] plain = new byte[rows * columns], region = new byte[rows * columns];
        ScoreUpsampling.ArgMax(scores, size, 21, target, rows, columns, plain);
        ScoreUpsampling.ArgMax(scores, size, 21, target, new MapSize(rows, columns), rows, columns, region);
        Assert.Equal(plain, region);
        Assert.Throws<ArgumentException>(() => ScoreUpsampling.ArgMax(scores, size, 21, target, new MapSize(34, 50), rows, columns, region));
    }

    private static double At(ScoreMap map, double top, double left, int channel)
    {
        int y = Math.Min((int)top, map.Size.Height - 1), x = Math.Min((int)left, map.Size.Width - 1);
        int below = Math.Min(y + 1, map.Size.Height - 1), right = Math.Min(x + 1, map.Size.Width - 1);
        double Value(int row, int column) => map.Values[(((row * map.Size.Width) + column) * map.Classes) + channel];
        double v = top - y, h = left - x;
        return (((Value(y, x) * (1 - h)) + (Value(y, right) * h)) * (1 - v)) + (((Value(below, x) * (1 - h)) + (Value(below, right) * h)) * v);
    }
}
