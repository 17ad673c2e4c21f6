using DeepLab.Data;
using DeepLab.Evaluation;
using DeepLab.Kernels.Cpu;
using DeepLab.Models;
using DeepLab.Tests.Data;
using Xunit;

namespace DeepLab.Tests.Evaluation;

public sealed class EvaluatorTests : IDisposable
{
    private readonly TinyDataset _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void A_network_that_always_says_background_gets_the_share_of_background()
    {
        // Zero weights: all scores are equal, and the first class wins. 255 is left out of the counts, but background by the seed's measure.
        _files.Add("a", 4, 8, ".png", 0, 0, 0, 1, 255).List("a");
        using var backend = new CpuBackend(threads: 2);
        var network = new DeepLabResNet(backend, new DeepLabConfiguration(18, 2));
        var done = new List<int>();
        EvaluationReport report = Evaluator.Evaluate(network, Voc(2), "w", done.Add);
        Assert.Equal([1], done);

        // 32 pixels by turns of five: 6 · (0 0 0 1 255) and 0 0.
        Assert.Equal(20.0 / 26, report.PixelAccuracy);
        Assert.Equal([20.0 / 26, 0], report.Classes.Select(c => c.IoU));
        Assert.Equal(10.0 / 26, report.MeanIoU);
        Assert.Equal(26.0 / 32 / 2, report.PerImageMeanIoU);
        Assert.Equal("w", report.Weights);
    }

    [Fact]
    public void Other_classes_and_cancelling_are_told_before_anything_is_predicted()
    {
        _files.Add("a").List("a");
        using var backend = new CpuBackend(threads: 1);
        var network = new DeepLabResNet(backend, new DeepLabConfiguration(18, 2));
        Assert.Equal(
            "w has 2 classes, the dataset 3: give --classes 2",
            Assert.Throws<DeepLabException>(() => Evaluator.Evaluate(network, Voc(3), "w")).Message);
        Assert.Throws<OperationCanceledException>(() => Evaluator.Evaluate(network, Voc(2), "w", cancellation: new CancellationToken(canceled: true)));
    }

    private SegmentationDataset Voc(int classes) =>
        SegmentationDataset.FromVoc(_files.Root, "train", options: new DatasetOptions { Classes = classes });
}
