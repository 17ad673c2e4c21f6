using System.Globalization;
using DeepLab.Backends.Cpu;
using DeepLab.Data;
using DeepLab.Layers;
using DeepLab.Models;
using DeepLab.Training;
using DeepLab.Weights;
using Xunit;

namespace DeepLab.Tests.Training;

/// <summary>A small synthetic dataset, and one training run on it that several tests share.</summary>
public sealed class TrainerFixture : IDisposable
{
    private readonly string _root = Path.Combine(Path.GetTempPath(), "deeplab-trainer-" + Path.GetRandomFileName());

    public TrainerFixture()
    {
        SyntheticShapes.Write(_root, 4, 1, seed: 3);
        Dataset = SegmentationDataset.FromVoc(_root, "train", options: new DatasetOptions { Classes = SyntheticShapes.ClassNames.Count });
        FirstRun = Train(Options, threads: 1);
    }

    internal SegmentationDataset Dataset { get; }

    /// <summary>The options of <see cref="FirstRun"/>, with a new folder for snapshots on each call.</summary>
    internal TrainingOptions Options => new()
    {
        Recipe = AugmentationRecipe.Caffe with { Crop = 33 },
        Iterations = 3,
        IterationSize = 2,
        BaseLearningRate = 0.01,
        ClipNorm = 1,
        HeadLearningRateMultiplier = 1,
        SnapshotEvery = 2,
        SnapshotDirectory = Path.Combine(_root, Path.GetRandomFileName()),
    };

    /// <summary>The last snapshot of a run from scratch with one thread.</summary>
    internal string FirstRun { get; }

    /// <summary>The path of the last snapshot of a run from scratch.</summary>
    internal string Train(TrainingOptions options, int threads)
    {
        using var backend = new CpuBackend(threads);
        var network = new DeepLabResNet(backend, new DeepLabConfiguration(18, SyntheticShapes.ClassNames.Count));
        Trainer.InitializeFromScratch(network, Dataset, options);
        using var trainer = new Trainer(network, Dataset, options);
        return trainer.Run().LastSnapshot!;
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);
}

/// <summary>Whole runs on a small synthetic dataset.</summary>
public sealed class TrainerTests(TrainerFixture fixture) : IClassFixture<TrainerFixture>
{
    private readonly SegmentationDataset _dataset = fixture.Dataset;

    private TrainingOptions Options { get; } = fixture.Options;

    [Fact]
    public void The_same_seed_gives_the_same_snapshot_for_any_number_of_threads()
    {
        byte[] first = File.ReadAllBytes(fixture.FirstRun);
        Assert.Equal(first, File.ReadAllBytes(fixture.Train(Options with { LoaderThreads = 3 }, threads: 3)));
        Assert.NotEqual(first, File.ReadAllBytes(fixture.Train(Options with { Seed = 2 }, threads: 2)));
    }

    [Fact]
    public void Snapshots_come_when_due_and_at_the_end_beside_a_log()
    {
        string folder = Path.GetDirectoryName(fixture.FirstRun)!;
        Assert.Equal(
            ["VOC12_scenes_2.pth", "VOC12_scenes_3.pth", "log.csv"],
            Directory.GetFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        string[] lines = File.ReadAllLines(Path.Combine(folder, "log.csv"));
        Assert.Equal("iteration,loss_1,loss_075,loss_05,loss_fused,rate,seconds", lines[0]);
        Assert.Equal(4, lines.Length);
        double[] last = [.. lines[3].Split(',').Select(f => double.Parse(f, CultureInfo.InvariantCulture))];
        Assert.Equal(3, last[0]);
        Assert.All(last[1..5], loss => Assert.InRange(loss, 0.5, 4));
        Assert.Equal(Options.LearningRateAt(2), last[5], 1e-6);
    }

    [Fact]
    public void A_cancelled_run_finishes_its_update_and_writes_a_snapshot()
    {
        using var cancellation = new CancellationTokenSource();
        using var backend = new CpuBackend(2);
        DeepLabResNet network = TinyNetwork.FromScratch(backend, SyntheticShapes.ClassNames.Count);
        using var trainer = new Trainer(network, _dataset, Options with { Iterations = 100, SnapshotEvery = 1000 });
        TrainingSummary summary = trainer.Run(_ => cancellation.Cancel(), cancellation.Token);
        Assert.True(summary.Interrupted);
        Assert.Equal(1, summary.Iterations);
        Assert.Equal(Options.SnapshotPath(1), summary.LastSnapshot);
        Assert.Equal(network.State[0].ToArray(), NetworkFile.Load(summary.LastSnapshot!, backend).State[0].ToArray());
    }

    [Fact]
    public void The_seeds_recipe_updates_after_as_many_iterations_as_an_update_has_images()
    {
        AugmentationRecipe recipe = AugmentationRecipe.Seed with { Warp = 33 };
        TrainingOptions options = Options with { Recipe = recipe, Iterations = 3, SnapshotEvery = 1 };
        using var backend = new CpuBackend(2);
        DeepLabResNet network = TinyNetwork.FromScratch(backend, SyntheticShapes.ClassNames.Count);
        var weights = new List<float[]> { network.State[0].ToArray() };
        using var trainer = new Trainer(network, _dataset, options);
        trainer.Run(_ => weights.Add(network.State[0].ToArray()));
        Assert.Equal(weights[0], weights[1]);
        Assert.NotEqual(weights[1], weights[2]);
        Assert.Equal(weights[2], weights[3]);
    }

    [Fact]
    public void A_loss_that_is_not_finite_stops_the_run_and_names_iteration_and_image()
    {
        using var backend = new CpuBackend(2);
        DeepLabResNet network = TinyNetwork.FromScratch(backend, SyntheticShapes.ClassNames.Count);
        using var trainer = new Trainer(network, _dataset, Options with { BaseLearningRate = 1e30, ClipNorm = 0, Iterations = 10, SnapshotEvery = 1 });
        var e = Assert.Throws<DeepLabException>(() => trainer.Run());
        Assert.Matches("^the loss is .* in iteration [2-9] at image \\S+; snapshots written before are kept$", e.Message);
        Assert.Equal((RemedyKind.LearningRate, RemedyKind.GradientClipping), (e.Remedy!.Kind, e.Remedy.Alternative!.Kind));
        Assert.True(File.Exists(Options.SnapshotPath(1)));
    }

    [Fact]
    public void Measured_batch_norms_give_each_channel_mean_0_and_variance_1()
    {
        using var backend = new CpuBackend(2);
        var network = new DeepLabResNet(backend, new DeepLabConfiguration(18, SyntheticShapes.ClassNames.Count));
        Trainer.InitializeFromScratch(network, _dataset, Options);
        float[] mean = network.ResNet.Stem.BatchNorm!.Mean.ToArray(), variance = network.ResNet.Stem.BatchNorm.Variance.ToArray();

        // The stem's convolution of the same crops, computed by the double backend, has these moments.
        (double[] Mean, double[] Variance) expected = StemMoments(network);
        for (int c = 0; c < mean.Length; c++)
        {
            Assert.Equal(expected.Mean[c], mean[c], 1e-4 * Math.Sqrt(expected.Variance[c]));
            Assert.Equal(1, variance[c] / expected.Variance[c], 1e-4);
        }
    }

    private (double[] Mean, double[] Variance) StemMoments(DeepLabResNet network)
    {
        const int channels = 64, side = 33;
        float[] weights = network.ResNet.Stem.Weight.ToArray();
        double[] sum = new double[channels], squares = new double[channels];
        long count = 0;
        using var loader = new SampleLoader(_dataset, Options.Recipe, Options.Seed);
        for (int n = 0; n < Trainer.CalibrationCrops; n++)
        {
            TrainingSample sample = loader.Next();
            for (int y = 0; y < side; y += 2)
            {
                for (int x = 0; x < side; x += 2, count++)
                {
                    for (int c = 0; c < channels; c++)
                    {
                        double value = Stem(sample.Pixels, weights, c, y - 3, x - 3);
                        sum[c] += value;
                        squares[c] += value * value;
                    }
                }
            }

            loader.Recycle(sample);
        }

        double[] mean = [.. sum.Select(s => s / count)];
        return (mean, [.. squares.Select((s, c) => (s / count) - (mean[c] * mean[c]))]);

        static double Stem(float[] pixels, float[] weights, int channel, int top, int left)
        {
            double value = 0;
            for (int i = 0; i < 3; i++)
            {
                for (int ky = Math.Max(0, -top); ky < Math.Min(7, side - top); ky++)
                {
                    for (int kx = Math.Max(0, -left); kx < Math.Min(7, side - left); kx++)
                        value += (double)weights[(((((channel * 3) + i) * 7) + ky) * 7) + kx] * pixels[((((top + ky) * side) + left + kx) * 3) + i];
                }
            }

            return value;
        }
    }
}
