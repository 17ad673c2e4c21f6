using DeepLab.Backends.Cpu;
using DeepLab.Imaging;
using DeepLab.Inference;
using DeepLab.Models;
using DeepLab.Tensors;
using DeepLab.Tests.Data;
using Xunit;

namespace DeepLab.Tests.Inference;

public sealed class PredictorTests
{
    [Fact]
    public void An_image_of_any_size_gets_a_map_of_its_size_the_same_for_any_number_of_threads()
    {
        RgbImage small = TinyDataset.RandomImage(150, 200, 3);
        float[]? scores = null;
        byte[]? labels = null;
        foreach (int threads in (int[])[1, 3])
        {
            using var backend = new CpuBackend(threads);
            using var predictor = new Predictor(TinyNetwork.FromScratch(backend, 3));
            ScoreMap map = predictor.Scores(small);
            LabelMap mask = Predictor.Labels(map, small.Height, small.Width);
            Assert.Equal((DeepLabResNet.ScoreSize(new MapSize(513, 513)), 3, 513), (map.Size, map.Classes, map.InputSide));
            Assert.Equal(65 * 65 * 3, map.Values.Length);
            Assert.All(map.Values, v => Assert.True(float.IsFinite(v)));
            Assert.Equal((150, 200), (mask.Height, mask.Width));
            Assert.True(labels is null || labels.AsSpan().SequenceEqual(mask.Labels));
            Assert.True(scores is null || scores.AsSpan().SequenceEqual(map.Values));
            (scores, labels) = (map.Values, mask.Labels);
            if (threads == 1) continue;

            // The same predictor then takes a larger image.
            ScoreMap large = predictor.Scores(TinyDataset.RandomImage(90, 530, 4));
            Assert.Equal((DeepLabResNet.ScoreSize(new MapSize(530, 530)), 530), (large.Size, large.InputSide));
            LabelMap largeMask = Predictor.Labels(large, 90, 530);
            Assert.Equal((90, 530), (largeMask.Height, largeMask.Width));
            Assert.InRange(largeMask.Labels.Max(), 0, 2);
        }

        Assert.True(labels!.Distinct().Count() > 1);
    }

    [Fact]
    public void An_image_whose_square_would_not_fit_an_array_is_refused()
    {
        using var backend = new CpuBackend(threads: 1);
        using var predictor = new Predictor(new DeepLabResNet(backend, new DeepLabConfiguration(18, 2)));
        DeepLabException e = Assert.Throws<DeepLabException>(() => predictor.Predict(new RgbImage(2, 60_000)));
        Assert.StartsWith("an image of 60000×2 is padded to a square of 60000", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void More_memory_than_there_is_is_an_error_and_no_crash()
    {
        using var backend = new CpuBackend(threads: 1);
        Assert.Contains("MiB of memory are needed", Assert.Throws<DeepLabException>(() => backend.Allocate(1L << 45)).Message, StringComparison.Ordinal);
    }
}
