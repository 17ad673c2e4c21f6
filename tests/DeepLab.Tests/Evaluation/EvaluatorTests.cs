using System.Runtime.CompilerServices;
using DeepLab.Backends.Cpu;
using DeepLab.Crf;
using DeepLab.Data;
using DeepLab.Evaluation;
using DeepLab.Inference;
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
        // Zero weights: all scores are equal, and the first class wins. 255 is excluded from the counts, but is
        // background in the seed's measure.
        _files.Add("a", 4, 8, ".png", 0, 0, 0, 1, 255).List("a");
        using var backend = new CpuBackend(threads: 2);
        var network = new DeepLabResNet(backend, new DeepLabConfiguration(18, 2));
        var done = new List<int>();
        EvaluationReport report = Evaluator.Evaluate(network, Voc(2), "w", done.Add);
        Assert.Equal([1], done);

        // 32 pixels, repeating every five: 6 · (0 0 0 1 255), then 0 0.
        Assert.Equal(20.0 / 26, report.PixelAccuracy);
        Assert.Equal([20.0 / 26, 0], report.Classes.Select(c => c.IoU));
        Assert.Equal(10.0 / 26, report.MeanIoU);
        Assert.Equal(26.0 / 32 / 2, report.PerImageMeanIoU);
        Assert.Equal("w", report.Weights);
    }

    [Fact]
    public void Refined_predictions_and_bands_are_measured_beside_the_plain_ones()
    {
        _files.Add("a", 30, 44, ".png", 0, 0, 0, 0, 1, 255).List("a");
        using var backend = new CpuBackend(threads: 2);
        DeepLabResNet network = TinyNetwork.FromScratch(backend, 2);
        var options = new EvaluationOptions { Crf = new DenseCrfOptions { Iterations = 2, AppearanceDeviation = 20, ColorDeviation = 60 }, CrfThreads = 1, TrimapWidths = [1, 3] };
        var seen = new List<EvaluatedImage>();
        EvaluationReport report = Evaluator.Evaluate(network, Voc(2), "w", predicted: seen.Add, options: options);

        // The plain metrics equal those without options; the refined ones equal those of the refined labels.
        EvaluationReport plain = Evaluator.Evaluate(network, Voc(2), "w", predicted: i => Assert.Null(i.Refined));
        Assert.Equal((plain.MeanIoU, plain.PerImageMeanIoU, plain.PixelAccuracy), (report.MeanIoU, report.PerImageMeanIoU, report.PixelAccuracy));
        Assert.Null(plain.Crf);
        Assert.Empty(plain.Trimap);
        var refined = new EvaluationCounts(2, [1, 3]);
        var bands = new TrimapBands([1, 3]);
        using (var refinement = new CrfRefinement(options.Crf))
        using (var predictor = new Predictor(network))
        {
            foreach (EvaluatedImage image in seen)
            {
                Assert.Equal(refinement.Labels(predictor.Scores(image.Image), image.Image).Labels, image.Refined!.Labels);
                refined.Add(image.Sample.Name, image.Labels, image.Refined, bands.Of(image.Labels));
            }
        }

        EvaluationReport expected = refined.Report("w", Voc(2).ClassNames);
        Assert.Equal(options.Crf, report.CrfOptions);
        Assert.Equal((expected.MeanIoU, expected.PixelAccuracy), (report.Crf!.MeanIoU, report.Crf.PixelAccuracy));
        Assert.Equal(expected.Trimap, report.Crf.Trimap);
        Assert.Equal(expected.Images, report.Crf.Images);
        Assert.Equal([1, 3], report.Trimap.Select(t => t.Width));
        Assert.Equal(report.Trimap.Select(t => t.Pixels), report.Crf.Trimap.Select(t => t.Pixels));
        Assert.NotEqual(report.PixelAccuracy, report.Crf.PixelAccuracy);
    }

    [Fact]
    public void What_was_measured_keeps_no_image()
    {
        _files.Add("a").Add("b").List("b", "a");
        using var backend = new CpuBackend(threads: 2);
        DeepLabResNet network = TinyNetwork.FromScratch(backend, 2);
        (EvaluationReport report, List<WeakReference> images, List<string> names) = EvaluateWeakly(network);
        GC.Collect();
        Assert.Equal(["b", "a"], names);
        Assert.Equal(6, images.Count);
        Assert.DoesNotContain(images, i => i.IsAlive);
        Assert.Equal(["b", "a"], report.Images.Select(i => i.Name));
        Assert.Equal(2 * 6 * 8, report.Confusion!.Pixels);
    }

    // A separate method, so that no local variable of the test holds an image.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private (EvaluationReport Report, List<WeakReference> Images, List<string> Names) EvaluateWeakly(DeepLabResNet network)
    {
        var images = new List<WeakReference>();
        var names = new List<string>();
        EvaluationReport report = Evaluator.Evaluate(
            network,
            Voc(2),
            "w",
            predicted: i =>
            {
                images.AddRange([new WeakReference(i.Image), new WeakReference(i.Labels), new WeakReference(i.Prediction)]);
                names.Add(i.Sample.Name);
            },
            options: new EvaluationOptions { TrimapWidths = [2] });
        return (report, images, names);
    }

    [Fact]
    public void Other_classes_and_cancelling_are_told_before_anything_is_predicted()
    {
        _files.Add("a").List("a");
        using var backend = new CpuBackend(threads: 1);
        var network = new DeepLabResNet(backend, new DeepLabConfiguration(18, 2));
        Assert.Equal(
            "w has 2 classes, the dataset 3; they must agree",
            Assert.Throws<DeepLabException>(() => Evaluator.Evaluate(network, Voc(3), "w")).Message);
        Assert.Throws<OperationCanceledException>(() => Evaluator.Evaluate(network, Voc(2), "w", cancellation: new CancellationToken(canceled: true)));
    }

    private SegmentationDataset Voc(int classes) =>
        SegmentationDataset.FromVoc(_files.Root, "train", options: new DatasetOptions { Classes = classes });
}
