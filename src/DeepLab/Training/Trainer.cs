using System.Diagnostics;
using DeepLab.Backends;
using DeepLab.Data;
using DeepLab.Layers;
using DeepLab.Models;
using DeepLab.Tensors;
using DeepLab.Weights;

namespace DeepLab.Training;

/// <summary>Where a run stands after an iteration.</summary>
/// <param name="Iteration">Iterations done.</param>
/// <param name="Iterations">Iterations of the run.</param>
/// <param name="Losses">The losses of the iteration, averaged over its images.</param>
/// <param name="MeanLoss">The total loss, averaged over the last 20 iterations.</param>
/// <param name="Rate">The learning rate of the iteration.</param>
/// <param name="ImagesPerSecond">Images a second in the last 20 iterations, without what snapshots and evaluations took.</param>
/// <param name="Elapsed">Time since the start.</param>
/// <param name="Remaining">The time left at this pace.</param>
/// <param name="LoaderWait">The time spent waiting for images.</param>
public readonly record struct TrainingProgress(
    int Iteration, int Iterations, LossValues Losses, double MeanLoss, double Rate, double ImagesPerSecond, TimeSpan Elapsed, TimeSpan Remaining, TimeSpan LoaderWait);

/// <summary>How a run ended.</summary>
/// <param name="Iterations">Iterations done.</param>
/// <param name="Interrupted">Whether it was asked to stop early.</param>
/// <param name="LastSnapshot">The last snapshot, or null.</param>
/// <param name="Elapsed">Time of the run.</param>
/// <param name="LoaderWait">The time spent waiting for images.</param>
public sealed record TrainingSummary(int Iterations, bool Interrupted, string? LastSnapshot, TimeSpan Elapsed, TimeSpan LoaderWait);

/// <summary>Trains a network on a dataset by the regime of its options.</summary>
public sealed class Trainer : IDisposable
{
    /// <summary>Iterations that the reported loss is averaged over.</summary>
    public const int LossWindow = 20;

    /// <summary>Crops that batch norm's statistics are measured on when training starts from nothing.</summary>
    public const int CalibrationCrops = 32;

    private readonly DeepLabResNet _network;
    private readonly SegmentationDataset _dataset;
    private readonly TrainingOptions _options;
    private readonly Execution _execution;
    private readonly SgdOptimizer _optimizer;
    private readonly TrainingStep _step;

    /// <summary>Allocates what training needs beside the network.</summary>
    /// <exception cref="DeepLabException">Network and dataset have different classes, or an option is out of its range.</exception>
    public Trainer(DeepLabResNet network, SegmentationDataset dataset, TrainingOptions options)
    {
        if (dataset.Classes != network.Configuration.Classes)
            throw new DeepLabException($"the network has {network.Configuration.Classes} classes, the dataset {dataset.Classes}");
        if (options.Iterations < 1 || options.IterationSize < 1 || options.SnapshotEvery < 1)
            throw new DeepLabException("iterations, images an update and iterations between snapshots must be at least 1");
        _network = network;
        _dataset = dataset;
        _options = options;

        // Kernels that change after each image have no packed copies worth keeping.
        _execution = network.Backend.CreateExecution(new ExecutionOptions { Memory = options.Memory, Prepack = options.IterationSize == 1 ? PrepackPolicy.Never : null });
        _optimizer = new SgdOptimizer(_execution, network.Parameters);
        _step = new TrainingStep(_execution, network, options.IterationSize);
        network.SetHeadLearningRateMultiplier((float)options.HeadRateMultiplier);
    }

    /// <summary>Evaluates the network on the way; null for not at all. With a snapshot directory, <c>eval.csv</c> there lists the measures.</summary>
    public TrainingValidation? Validation { get; init; }

    /// <summary>What records the run, beside the <c>log.csv</c> of a snapshot directory; they stay the caller's.</summary>
    public IReadOnlyList<ITrainingSink> Sinks { get; init; } = [];

    /// <summary>Draws all weights anew and measures batch norm's statistics on <see cref="CalibrationCrops"/> training crops.</summary>
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

    /// <summary>Trains to the end, or until it is cancelled: the update under way is finished, an evaluation under way is not, and a snapshot is written.</summary>
    /// <param name="progress">Told after every iteration.</param>
    /// <param name="snapshot">Told after every snapshot, with its path.</param>
    /// <param name="cancellation">Asks the run to stop.</param>
    /// <exception cref="DeepLabException">
    /// A loss is not finite, the validation dataset has other classes, or a file cannot be read or written. When an evaluation fails, there is a snapshot of its iteration.
    /// </exception>
    public TrainingSummary Run(
        Action<TrainingProgress>? progress = null, Action<string>? snapshot = null, CancellationToken cancellation = default)
    {
        if (Validation is not null && Validation.Dataset.Classes != _dataset.Classes)
            throw new DeepLabException($"the network has {_dataset.Classes} classes, the validation dataset {Validation.Dataset.Classes}");
        using var loader = new SampleLoader(_dataset, _options.Recipe, _options.Seed, _options.LoaderThreads, shuffle: _options.Shuffle, preprocessing: _network.Configuration.Preprocessing);
        using TrainingLog? log = _options.SnapshotDirectory is null ? null : new TrainingLog(_options.SnapshotDirectory);
        IReadOnlyList<ITrainingSink> sinks = log is null ? Sinks : [log, .. Sinks];
        bool imageIsIteration = _options.Recipe.CountsImages;
        int imagesPerIteration = imageIsIteration ? 1 : _options.IterationSize;
        var recent = new RecentIterations(LossWindow);
        var clock = Stopwatch.StartNew();
        var last = new LastSnapshot(this, snapshot);
        int iteration = 0;
        bool stop = false, evaluated = true;
        while (!stop)
        {
            TimeSpan begun = clock.Elapsed;
            int group = imageIsIteration ? iteration / _options.IterationSize * _options.IterationSize : iteration;
            double rate = _options.RateAfter(group);
            LossValues losses = Images(loader, imagesPerIteration, iteration + 1);
            iteration++;
            bool updated = !imageIsIteration || iteration % _options.IterationSize == 0;
            if (updated) _optimizer.Step(rate, _options.Momentum, _options.WeightDecay, _options.ClipNorm);

            TimeSpan elapsed = clock.Elapsed;
            recent.Add(losses.Total, (elapsed - begun).TotalSeconds);
            var state = new TrainingProgress(
                iteration, _options.Iterations, losses, recent.MeanLoss, rate, recent.PerSecond * imagesPerIteration, elapsed,
                elapsed * ((double)(_options.Iterations - iteration) / iteration), loader.Waited);
            foreach (ITrainingSink sink in sinks) sink.Record(state);
            progress?.Invoke(state);

            bool done = iteration == _options.Iterations;
            if (done || iteration % _options.SnapshotEvery == 0) last.Write(iteration);
            if (Validation is not null && (done || iteration % Validation.Every == 0)) evaluated = TryValidate(iteration, sinks, last, cancellation);

            // An interrupted run ends after a whole update, not amid the images of one.
            stop = done || (cancellation.IsCancellationRequested && updated);
        }

        last.Write(iteration);
        return new TrainingSummary(iteration, iteration < _options.Iterations || !evaluated, last.Path, clock.Elapsed, loader.Waited);
    }

    /// <summary>Frees the memory of the step; the network stays.</summary>
    public void Dispose()
    {
        _step.Dispose();
        _optimizer.Dispose();
        _execution.Dispose();
        _network.ReleasePrepacked();
    }

    // Forward and backward of the images of an iteration; their mean losses, which are read from the device once.
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
                throw new DeepLabException($"the loss is {total} in iteration {iteration} at image {names[i]}: lower --lr or set --clip; snapshots written before are kept");
        }

        return LossValues.MeanOf(losses, count);
    }

    private bool TryValidate(int iteration, IReadOnlyList<ITrainingSink> sinks, LastSnapshot snapshot, CancellationToken cancellation)
    {
        try
        {
            ValidationResult result = Validation!.Run(_network, iteration, cancellation);
            foreach (ITrainingSink sink in sinks) sink.Record(result);
            return true;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return false;
        }
        catch (DeepLabException)
        {
            snapshot.Write(iteration); // a damaged validation image should not cost what was learnt
            throw;
        }
    }

    /// <summary>The snapshots of a run, one an iteration at most; none without a directory.</summary>
    private sealed class LastSnapshot(Trainer trainer, Action<string>? written)
    {
        private int _iteration;

        public string? Path { get; private set; }

        public void Write(int iteration)
        {
            if (trainer._options.SnapshotDirectory is null || iteration == _iteration) return;
            string path = trainer._options.SnapshotPath(iteration);
            NetworkFile.Save(path, trainer._network, trainer._dataset.ClassNames);
            (_iteration, Path) = (iteration, path);
            written?.Invoke(path);
        }
    }
}
