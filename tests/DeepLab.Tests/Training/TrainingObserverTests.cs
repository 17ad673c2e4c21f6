using DeepLab.Backends.Cpu;
using DeepLab.Data;
using DeepLab.Models;
using DeepLab.Tests.Models;
using DeepLab.Training;
using Xunit;

namespace DeepLab.Tests.Training;

public sealed class TrainingObserverTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("deeplab-observers-").FullName;
    private readonly SegmentationDataset _dataset;
    private readonly List<string> _events = [];

    public TrainingObserverTests()
    {
        SyntheticShapes.Write(_root, 2, 1, seed: 4);
        _dataset = SegmentationDataset.FromVoc(_root, "train", options: new DatasetOptions { Classes = SyntheticShapes.ClassNames.Count });
    }

    private TrainingOptions Options => new()
    {
        Recipe = AugmentationRecipe.Caffe with { Crop = 65 },
        Iterations = 3,
        IterationSize = 1,
        BaseLearningRate = 0.01,
        SnapshotEvery = 2,
        SnapshotDirectory = Path.Combine(_root, "snapshots"),
    };

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void All_are_told_in_the_order_of_the_list_on_the_thread_that_trains()
    {
        int thread = Environment.CurrentManagedThreadId;
        TrainingSummary summary = Run(Options, new Recorder("a", _events), new Recorder("b", _events), new Silent());

        Assert.Equal(
            ["a1", "b1", "a2", "b2", "a snapshot 2", "b snapshot 2", "a3", "b3", "a snapshot 3", "b snapshot 3", "a finished", "b finished"],
            _events.Select(e => e.Split('@')[0]));
        Assert.All(_events, e => Assert.EndsWith($"@{thread}", e, StringComparison.Ordinal));
        Assert.False(summary.Interrupted);
    }

    [Fact]
    public void What_an_observer_throws_ends_the_run_but_what_was_learnt_is_kept()
    {
        var failing = new Recorder("f", _events) { FailsAt = 1 };
        Assert.Same(failing.Failure, Assert.Throws<InvalidOperationException>(() => Run(Options, new Recorder("a", _events), failing, new Recorder("b", _events))));

        // The observer after it is not notified of the iteration; all are notified of the snapshot, and none of an end.
        Assert.Equal(["a1", "f1", "a snapshot 1", "f snapshot 1", "b snapshot 1"], _events.Select(e => e.Split('@')[0]));
        Assert.True(File.Exists(Options.SnapshotPath(1)));
    }

    [Fact]
    public void What_an_observer_throws_without_a_snapshot_directory_ends_the_run_at_once()
    {
        var failing = new Recorder("f", _events) { FailsAt = 2 };
        Assert.Throws<InvalidOperationException>(() => Run(Options with { SnapshotDirectory = null }, failing));
        Assert.Equal(["f1", "f2"], _events.Select(e => e.Split('@')[0]));
    }

    [Fact]
    public void A_callback_is_told_of_iterations()
    {
        var seen = new List<(int, double)>();
        using var backend = new CpuBackend(2);
        using var trainer = NewTrainer(backend, Options);
        trainer.Run(progress => seen.Add((progress.Iteration, progress.LearningRate)));
        Assert.Equal([.. Enumerable.Range(1, 3).Select(i => (i, Options.LearningRateAt(i - 1)))], seen);
    }

    [Fact]
    public void Losses_are_named_after_their_scales()
    {
        Assert.Equal(["loss_1", "loss_075", "loss_05", "loss_fused"], LossNames.Columns);
        Assert.Equal(["loss/scale_1", "loss/scale_075", "loss/scale_05", "loss/fused"], LossNames.Tags);
    }

    private TrainingSummary Run(TrainingOptions options, params ITrainingObserver[] observers)
    {
        using var backend = new CpuBackend(2);
        using Trainer trainer = NewTrainer(backend, options);
        return trainer.Run(observers, CancellationToken.None);
    }

    private Trainer NewTrainer(CpuBackend backend, TrainingOptions options) =>
        new(TinyNetwork.FromScratch(backend, SyntheticShapes.ClassNames.Count), _dataset, options);

    /// <summary>An observer need not implement any method.</summary>
    private sealed class Silent : ITrainingObserver;

    private sealed class Recorder(string name, List<string> events) : ITrainingObserver
    {
        public int FailsAt { get; init; }

        public InvalidOperationException Failure { get; } = new("by intent");

        public void OnIteration(in TrainingProgress progress)
        {
            Add($"{progress.Iteration}");
            if (progress.Iteration == FailsAt) throw Failure;
        }

        public void OnSnapshot(SnapshotFile snapshot) => Add($" snapshot {snapshot.Iteration}");

        public void OnFinished(TrainingSummary summary) => Add(" finished");

        private void Add(string what) => events.Add($"{name}{what}@{Environment.CurrentManagedThreadId}");
    }
}
