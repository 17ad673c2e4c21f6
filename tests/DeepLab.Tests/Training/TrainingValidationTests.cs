using System.Globalization;
using DeepLab.Backends.Cpu;
using DeepLab.Cpu;
using DeepLab.Data;
using DeepLab.Evaluation;
using DeepLab.Imaging;
using DeepLab.Models;
using DeepLab.Tests.Data;
using DeepLab.Tests.Models;
using DeepLab.Training;
using DeepLab.Weights;
using Xunit;

namespace DeepLab.Tests.Training;

/// <summary>A few synthetic images. The split <c>one</c> is the first image of <c>val</c>.</summary>
public sealed class ValidationFixture : IDisposable
{
    public ValidationFixture()
    {
        SyntheticShapes.Write(Root, 3, 2, seed: 4);
        List("one", File.ReadLines(Path.Combine(Lists, "val.txt")).First());
    }

    public string Root { get; } = Path.Combine(Path.GetTempPath(), "deeplab-validation-" + Path.GetRandomFileName());

    private string Lists => Path.Combine(Root, "ImageSets", "Segmentation");

    public void List(string split, string name) => File.WriteAllText(Path.Combine(Lists, split + ".txt"), name);

    public void Dispose() => Directory.Delete(Root, recursive: true);
}

/// <summary>
/// Runs that are evaluated during training. One test counts allocations of the whole process: nothing else may run at
/// the same time.
/// </summary>
[Collection(nameof(Alone))]
public sealed class TrainingValidationTests : IClassFixture<ValidationFixture>, IDisposable
{
    private readonly ValidationFixture _files;
    private readonly string _snapshots;
    private readonly SegmentationDataset _training, _validation, _twoImages;

    public TrainingValidationTests(ValidationFixture files)
    {
        _files = files;
        _snapshots = Path.Combine(files.Root, "snapshots");
        (_training, _validation, _twoImages) = (Voc("train"), Voc("one"), Voc("val"));
    }

    private TrainingOptions Options => new()
    {
        Recipe = AugmentationRecipe.Caffe with { Crop = 33 },
        Iterations = 3,
        IterationSize = 1,
        BaseLearningRate = 0.01,
        ClipNorm = 1,
        HeadLearningRateMultiplier = 1,
        SnapshotEvery = 100,
        SnapshotDirectory = _snapshots,
    };

    public void Dispose()
    {
        if (Directory.Exists(_snapshots)) Directory.Delete(_snapshots, recursive: true);
    }

    [Theory]
    [InlineData("caffe")]
    [InlineData("seed")]
    public void The_weights_become_the_same_bits_with_and_without_evaluations(string recipe)
    {
        // With the seed's recipe an update spans two iterations, with an evaluation between them.
        bool isSeed = recipe == "seed";
        TrainingOptions options = isSeed ? Options with { Recipe = AugmentationRecipe.Seed with { Warp = 33 }, IterationSize = 2, Iterations = 4 } : Options with { Iterations = 4 };
        int every = isSeed ? 3 : 2;
        (byte[] Snapshot, List<LossValues> Losses) without = Train(options, null, out _), with = Train(options, new TrainingValidation(_validation, every), out Recorder recorder);

        Assert.Equal(without.Losses, with.Losses);
        Assert.Equal(without.Snapshot, with.Snapshot);
        Assert.Equal([every, 4], recorder.Results.Select(r => r.Iteration));
        if (isSeed) return;

        // All crops have one size. The first iteration plans the memory of a step; the second iteration, and the third
        // and fourth after an evaluation, allocate nothing more.
        Assert.Equal(recorder.Buffers["1"], recorder.Buffers["2"]);
        Assert.Equal(recorder.Buffers["evaluated 2"], recorder.Buffers["4"]);
    }

    [Fact]
    public void Evaluations_come_when_due_and_at_the_end_with_the_measures_of_the_weights_as_they_are()
    {
        Train(Options, new TrainingValidation(_twoImages, 2), out Recorder recorder);

        Assert.Equal([2, 3], recorder.Results.Select(r => r.Iteration));
        Assert.Equal(
            ["1", "2", "2: 1 of 2", "2: 2 of 2", "evaluated 2", "3", "snapshot 3", "3: 1 of 2", "3: 2 of 2", "evaluated 3", "finished 3"], recorder.Order);
        using var backend = new CpuBackend(2);
        DeepLabResNet network = NetworkFile.Load(Options.SnapshotPath(3), backend);
        RgbImage? panel = null;
        EvaluationReport report = Evaluator.Evaluate(network, _twoImages, "w", predicted: image => panel ??= TrainingValidation.Panel(image));
        Assert.Equal(report.Classes, recorder.Results[1].Report.Classes);
        Assert.Equal((report.MeanIoU, report.PixelAccuracy), (recorder.Results[1].Report.MeanIoU, recorder.Results[1].Report.PixelAccuracy));
        Assert.Equal(panel!.Pixels, recorder.Results[1].Panel.Pixels);

        AssertListed(recorder);
    }

    /// <summary>The metrics are listed in a file next to the log, and the next run removes it with the log.</summary>
    private void AssertListed(Recorder recorder)
    {
        string path = Path.Combine(Options.SnapshotDirectory!, "eval.csv");
        string[] lines = File.ReadAllLines(path);
        Assert.Equal("iteration,mean_iou,pixel_accuracy,seconds", lines[0]);
        Assert.Equal(3, lines.Length);
        for (int i = 0; i < 2; i++)
        {
            double[] fields = [.. lines[i + 1].Split(',').Select(f => double.Parse(f, CultureInfo.InvariantCulture))];
            ValidationResult result = recorder.Results[i];
            Assert.Equal(result.Iteration, fields[0]);
            Assert.Equal(result.Report.MeanIoU, fields[1], 1e-7);
            Assert.Equal(result.Report.PixelAccuracy, fields[2], 1e-7);
            Assert.Equal(result.Elapsed.TotalSeconds, fields[3], 1e-3);
        }

        Train(Options with { Iterations = 1 }, null, out _);
        Assert.False(File.Exists(path));
        Assert.Equal(2, File.ReadAllLines(Path.Combine(Options.SnapshotDirectory!, "log.csv")).Length);
    }

    [Fact]
    public void An_evaluation_that_is_cancelled_ends_the_run_with_a_snapshot()
    {
        using var cancellation = new CancellationTokenSource();
        var recorder = new Recorder { OnEvaluated = cancellation.Cancel };
        TrainingSummary summary = Run(Options with { Iterations = 50 }, new TrainingValidation(_twoImages, 2), recorder, cancellation.Token);

        Assert.Equal(["1", "2", "2: 1 of 2", "snapshot 2", "finished 2"], recorder.Order);
        Assert.Equal((2, true, Options.SnapshotPath(2)), (summary.Iterations, summary.Interrupted, summary.LastSnapshot));
        Assert.True(File.Exists(summary.LastSnapshot));
    }

    [Fact]
    public void A_run_whose_last_evaluation_is_cancelled_counts_as_interrupted()
    {
        using var cancellation = new CancellationTokenSource();
        var recorder = new Recorder { OnEvaluated = cancellation.Cancel };
        TrainingSummary summary = Run(Options with { Iterations = 1 }, new TrainingValidation(_twoImages, 1), recorder, cancellation.Token);
        Assert.Equal((1, true, Options.SnapshotPath(1)), (summary.Iterations, summary.Interrupted, summary.LastSnapshot));
    }

    [Fact]
    public void A_damaged_validation_image_ends_the_run_but_what_was_learnt_is_kept()
    {
        SampleFile sound = _validation.Samples[0];
        string damaged = Path.Combine(Path.GetDirectoryName(sound.ImagePath)!, "damaged.jpg");
        File.WriteAllText(damaged, "no image");
        File.Copy(sound.LabelPath, Path.Combine(Path.GetDirectoryName(sound.LabelPath)!, "damaged.png"));
        _files.List("damaged", "damaged");
        var recorder = new Recorder();
        var e = Assert.Throws<InvalidFileException>(() => Run(Options, new TrainingValidation(Voc("damaged"), 2), recorder));
        Assert.Equal(damaged, e.Path);
        Assert.True(File.Exists(Options.SnapshotPath(2)));
        Assert.Equal(["1", "2", "snapshot 2"], recorder.Order);
    }

    [Fact]
    public void A_validation_dataset_of_other_classes_is_told_before_the_first_iteration()
    {
        var other = new TrainingValidation(Voc("val", SyntheticShapes.ClassNames.Count + 1), 1);
        var e = Assert.Throws<DeepLabException>(() => Run(Options, other, new Recorder()));
        Assert.Equal("the network has 7 classes, the validation dataset 8", e.Message);
        Assert.False(Directory.Exists(Options.SnapshotDirectory));
    }

    [Fact]
    public void A_panel_is_photograph_ground_truth_and_prediction_side_by_side()
    {
        RgbImage image = TinyDataset.RandomImage(3, 4, 1);
        LabelMap labels = new(3, 4, [0, 1, 2, 255, 0, 0, 0, 0, 5, 5, 5, 5]), prediction = new(3, 4, [1, 1, 1, 1, 0, 0, 0, 0, 6, 6, 6, 6]);
        RgbImage panel = TrainingValidation.Panel(new EvaluatedImage(new SampleFile("a", "a.jpg", "a.png"), image, labels, prediction));

        Assert.Equal((3, 12), (panel.Height, panel.Width));
        byte[] Colours(LabelMap map, int row) => [.. map.Labels.AsSpan(4 * row, 4).ToArray().Select(l => Palette.Voc[l]).SelectMany(c => (byte[])[c.R, c.G, c.B])];
        for (int y = 0; y < 3; y++)
            Assert.Equal([.. image.Pixels[(12 * y)..(12 * (y + 1))], .. Colours(labels, y), .. Colours(prediction, y)], panel.Pixels[(36 * y)..(36 * (y + 1))]);
    }

    [Theory]
    [InlineData(1025, 2000, 262, 512)]
    [InlineData(1024, 3, 512, 2)]
    [InlineData(512, 512, 512, 512)]
    public void A_large_image_is_shrunk_with_its_labels(int height, int width, int expectedHeight, int expectedWidth)
    {
        // Gray levels and labels increase with the rows, so that those of each row of the panel are known.
        var image = new RgbImage(height, width);
        for (int i = 0; i < image.Pixels.Length; i++) image.Pixels[i] = (byte)(i / 3 / width * 200 / height);
        var labels = new LabelMap(height, width);
        for (int i = 0; i < labels.Labels.Length; i++) labels.Labels[i] = (byte)(i / width * 20 / height);
        RgbImage panel = TrainingValidation.Panel(new EvaluatedImage(new SampleFile("a", "a.jpg", "a.png"), image, labels, labels));

        Assert.Equal((expectedHeight, 3 * expectedWidth), (panel.Height, panel.Width));
        for (int y = 0; y < expectedHeight; y++)
        {
            int row = panel.Width * 3 * y;
            Assert.Equal(((y + 0.5) * 200 / expectedHeight) - 0.5, panel.Pixels[row], 1.1);
            (byte r, byte g, byte b) = Palette.Voc[(int)((y + 0.5) * height / expectedHeight) * 20 / height];
            Assert.Equal([r, g, b], panel.Pixels.AsSpan(row + (3 * expectedWidth), 3).ToArray());
        }
    }

    private SegmentationDataset Voc(string split, int classes = 7) => SegmentationDataset.FromVoc(_files.Root, split, options: new DatasetOptions { Classes = classes });

    private (byte[] Snapshot, List<LossValues> Losses) Train(TrainingOptions options, TrainingValidation? validation, out Recorder recorder)
    {
        recorder = new Recorder();
        TrainingSummary summary = Run(options, validation, recorder);
        Assert.False(summary.Interrupted);
        return (File.ReadAllBytes(summary.LastSnapshot!), recorder.Losses);
    }

    private TrainingSummary Run(TrainingOptions options, TrainingValidation? validation, Recorder recorder, CancellationToken cancellation = default)
    {
        using var backend = new CpuBackend(2);
        DeepLabResNet network = TinyNetwork.FromScratch(backend, SyntheticShapes.ClassNames.Count);
        using var trainer = new Trainer(network, _training, options) { Validation = validation };
        return trainer.Run([recorder], cancellation);
    }

    private sealed class Recorder : ITrainingObserver
    {
        /// <summary>Called after each evaluated image.</summary>
        public Action? OnEvaluated { get; init; }

        public List<LossValues> Losses { get; } = [];

        public List<ValidationResult> Results { get; } = [];

        /// <summary>The events, each as a short text.</summary>
        public List<string> Order { get; } = [];

        /// <summary>The number of buffers allocated by the time of each event.</summary>
        public Dictionary<string, long> Buffers { get; } = [];

        public void OnIteration(in TrainingProgress progress)
        {
            Losses.Add(progress.Losses);
            Add($"{progress.Iteration}");
        }

        public void OnSnapshot(SnapshotFile snapshot) => Add($"snapshot {snapshot.Iteration}");

        public void OnEvaluationProgress(int iteration, int evaluated, int total)
        {
            Add($"{iteration}: {evaluated} of {total}");
            OnEvaluated?.Invoke();
        }

        public void OnEvaluation(ValidationResult result)
        {
            Results.Add(result);
            Add($"evaluated {result.Iteration}");
        }

        public void OnFinished(TrainingSummary summary) => Add($"finished {summary.Iterations}");

        private void Add(string name)
        {
            Order.Add(name);
            Buffers[name] = NativeAllocations.Count;
        }
    }
}
