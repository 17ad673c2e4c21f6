using System.Diagnostics;
using DeepLab.Backends;
using DeepLab.Data;
using DeepLab.Layers;
using DeepLab.Models;
using DeepLab.Tensors;
using DeepLab.Weights;

namespace DeepLab.Training;

/// <summary>
/// Trains a network on a dataset following the regime of its options. One thread at a time may use it.
/// </summary>
public sealed class Trainer : IDisposable
{
    /// <summary>The number of iterations that the reported loss is averaged over.</summary>
    internal const int LossWindow = 20;

    /// <summary>
    /// The number of crops that batch norm's statistics are measured on when training starts from scratch.
    /// </summary>
    internal const int CalibrationCrops = 32;

    private readonly DeepLabResNet _network;
    private readonly SegmentationDataset _dataset;
    private readonly TrainingOptions _options;
    private readonly Execution _execution;
    private readonly SgdOptimizer _optimizer;
    private readonly TrainingStep _step;

    /// <summary>Allocates what training needs in addition to the network.</summary>
    /// <exception cref="DeepLabException">
    /// Network and dataset have different classes, or an option is out of range.
    /// </exception>
    public Trainer(DeepLabResNet network, SegmentationDataset dataset, TrainingOptions options)
    {
        if (dataset.Classes != network.Configuration.Classes)
            throw new DeepLabException($"the network has {network.Configuration.Classes} classes, the dataset {dataset.Classes}");
        if (options.Iterations < 1 || options.IterationSize < 1 || options.SnapshotEvery < 1)
            throw new DeepLabException("iterations, images per update and iterations between snapshots must be at least 1");
        _network = network;
        _dataset = dataset;
        _options = options;

        // Kernels that change after each image have no packed copies worth keeping.
        _execution = network.Backend.CreateExecution(new ExecutionOptions { Checkpointing = options.Checkpointing, Prepack = options.IterationSize == 1 ? PrepackPolicy.Never : null });
        _optimizer = new SgdOptimizer(_execution, network.Parameters);
        _step = new TrainingStep(_execution, network, options.IterationSize);
        network.SetHeadLearningRateMultiplier((float)options.HeadLearningRateMultiplier);
    }

    /// <summary>
    /// Evaluates the network during training; null to not evaluate it. With a snapshot directory, <c>eval.csv</c> there
    /// lists the measures.
    /// </summary>
    public TrainingValidation? Validation { get; init; }

    /// <summary>
    /// Initializes all weights at random and measures batch norm's statistics on <see cref="CalibrationCrops"/>
    /// training crops.
    /// </summary>
    public static void InitializeFromScratch(DeepLabResNet network, SegmentationDataset dataset, TrainingOptions options)
    {
        Initialization.FromScratch(network, options.Seed);
        using Execution execution = network.Backend.CreateExecution();
        using var loader = new SampleLoader(dataset, options.Recipe, options.Seed, options.LoaderThreads, shuffle: options.Shuffle, preprocessing: network.Configuration.Preprocessing);
        var pixels = new List<float[]>();
        var sizes = new List<MapSize>();
        for (int i = 0; i < CalibrationCrops; i++)
        {
            TrainingSample sample = loader.Next();
            sizes.Add(new MapSize(sample.Height, sample.Width));
            pixels.Add(sample.Pixels[..(3 * sample.Height * sample.Width)]);
            loader.Recycle(sample);
        }

        float[] all = [.. pixels.SelectMany(p => p)];
        Initialization.MeasureBatchNorm(execution, network, all, new RaggedShape([.. sizes], 3));
    }

    /// <summary>
    /// Trains to the end, or until it is cancelled: an update under way is finished, an evaluation under way is not,
    /// and a snapshot is written.
    /// </summary>
    /// <param name="progress">
    /// Called after every iteration, on this thread. The run waits for it; what it throws ends the run.
    /// </param>
    /// <param name="cancellation">Stops the run.</param>
    /// <exception cref="DeepLabException">As for the other overload.</exception>
    public TrainingSummary Run(Action<TrainingProgress>? progress = null, CancellationToken cancellation = default) =>
        Run(progress is null ? [] : [new ProgressObserver(progress)], cancellation);

    /// <summary>
    /// Trains to the end, or until it is cancelled: an update under way is finished, an evaluation under way is not,
    /// and a snapshot is written.
    /// </summary>
    /// <param name="observers">
    /// What follows the run, in addition to the <c>log.csv</c> of a snapshot directory. They are not
    /// disposed. See <see cref="ITrainingObserver"/> for when they are called.
    /// </param>
    /// <param name="cancellation">Stops the run.</param>
    /// <exception cref="DeepLabException">
    /// A loss is not finite, the validation dataset has different classes, or a file cannot be read or written. When an
    /// evaluation fails, there is a snapshot of its iteration.
    /// </exception>
    public TrainingSummary Run(IReadOnlyList<ITrainingObserver> observers, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(observers);
        if (Validation is not null && Validation.Dataset.Classes != _dataset.Classes)
            throw new DeepLabException($"the network has {_dataset.Classes} classes, the validation dataset {Validation.Dataset.Classes}");
        _step.Restart();
        _optimizer.ClearGradients(); // a run before this one may have failed in the middle of an update
        using var loader = new SampleLoader(_dataset, _options.Recipe, _options.Seed, _options.LoaderThreads, shuffle: _options.Shuffle, preprocessing: _network.Configuration.Preprocessing);
        using TrainingLog? log = _options.SnapshotDirectory is null ? null : new TrainingLog(_options.SnapshotDirectory);
        var all = new TrainingObservers(log is null ? observers : [log, .. observers]);
        bool imageIsIteration = _options.Recipe.CountsImages;
        int imagesPerIteration = imageIsIteration ? 1 : _options.IterationSize;
        var recent = new RecentIterations(LossWindow);
        var clock = Stopwatch.StartNew();
        var last = new LastSnapshot(this, all);
        int iteration = 0;
        bool stop = false, evaluated = true;
        while (!stop)
        {
            TimeSpan begun = clock.Elapsed;
            int group = imageIsIteration ? iteration / _options.IterationSize * _options.IterationSize : iteration;
            double rate = _options.LearningRateAt(group);
            LossValues losses = Images(loader, imagesPerIteration, iteration + 1);
            iteration++;
            bool updated = !imageIsIteration || iteration % _options.IterationSize == 0;
            if (updated) _optimizer.Step(rate, _options.Momentum, _options.WeightDecay, _options.ClipNorm);

            TimeSpan elapsed = clock.Elapsed;
            recent.Add(losses.Total, (elapsed - begun).TotalSeconds);
            var state = new TrainingProgress(
                iteration, _options.Iterations, losses, recent.MeanLoss, rate, recent.PerSecond * imagesPerIteration, elapsed,
                elapsed * ((double)(_options.Iterations - iteration) / iteration), loader.Waited);
            bool done = iteration == _options.Iterations;
            try
            {
                all.OnIteration(state);
                if (done || iteration % _options.SnapshotEvery == 0) last.Write(iteration);
                if (Validation is not null && (done || iteration % Validation.Every == 0)) evaluated = TryValidate(iteration, all, cancellation);
            }
            catch
            {
                last.Write(iteration); // A damaged validation image or an unwritable log should not cost what was learned.
                throw;
            }

            // An interrupted run ends after a whole update, not in the middle of one.
            stop = done || (cancellation.IsCancellationRequested && updated);
        }

        last.Write(iteration);
        var summary = new TrainingSummary(iteration, iteration < _options.Iterations || !evaluated, last.Path, clock.Elapsed, loader.Waited);
        all.OnFinished(summary);
        return summary;
    }

    /// <summary>Frees the memory of the step; the network stays.</summary>
    public void Dispose()
    {
        _step.Dispose();
        _optimizer.Dispose();
        _execution.Dispose();
        _network.ReleasePrepacked();
    }

    // Forward and backward passes of an iteration's images; returns their mean losses, which are read from the device
    // once.
    private LossValues Images(SampleLoader loader, int count, int iteration)
    {
        var names = new string[count];
        for (int i = 0; i < count; i++)
        {
            TrainingSample sample = loader.Next();
            _step.Accumulate(sample, _options.Recipe, 1.0 / _options.IterationSize);
            names[i] = sample.Name;
            loader.Recycle(sample);
        }

        var losses = new double[count * _step.Outputs];
        _step.ReadLosses(losses);
        for (int i = 0; i < count; i++)
        {
            double total = LossValues.MeanOf(losses.AsSpan(i * _step.Outputs, _step.Outputs), 1).Total;
            if (!double.IsFinite(total))
            {
                throw new DeepLabException($"the loss is {total} in iteration {iteration} at image {names[i]}; snapshots written before are kept")
                {
                    Remedy = new Remedy(RemedyKind.LearningRate) { Alternative = new Remedy(RemedyKind.GradientClipping) },
                };
            }
        }

        return LossValues.MeanOf(losses, count);
    }

    /// <returns>Whether the evaluation was finished; false if it was cancelled.</returns>
    private bool TryValidate(int iteration, TrainingObservers observers, CancellationToken cancellation)
    {
        ValidationResult result;
        try
        {
            result = Validation!.Run(_network, iteration, observers, cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return false;
        }

        observers.OnEvaluation(result);
        return true;
    }

    /// <summary>The snapshots of a run, at most one per iteration; none without a directory.</summary>
    private sealed class LastSnapshot(Trainer trainer, TrainingObservers observers)
    {
        private int _iteration;

        public string? Path { get; private set; }

        public void Write(int iteration)
        {
            if (trainer._options.SnapshotDirectory is null || iteration == _iteration) return;
            _iteration = iteration; // One that cannot be written is not tried again.
            string path = trainer._options.SnapshotPath(iteration);
            NetworkFile.Save(path, trainer._network, trainer._dataset.ClassNames);
            Path = path;
            observers.OnSnapshot(new SnapshotFile(path, iteration));
        }
    }
}
