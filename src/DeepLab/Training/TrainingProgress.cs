namespace DeepLab.Training;

/// <summary>Where a run stands after an iteration.</summary>
/// <param name="Iteration">The number of iterations done.</param>
/// <param name="Iterations">The number of iterations of the run.</param>
/// <param name="Losses">The losses of the iteration, averaged over its images.</param>
/// <param name="MeanLoss">The total loss, averaged over the last <see cref="Trainer.LossWindow"/> iterations.</param>
/// <param name="LearningRate">The learning rate of the iteration.</param>
/// <param name="ImagesPerSecond">
/// Images per second in the last <see cref="Trainer.LossWindow"/> iterations, excluding snapshots, evaluations and
/// observers.
/// </param>
/// <param name="Elapsed">The time since the start.</param>
/// <param name="Remaining">The time left at this pace.</param>
/// <param name="LoaderWait">The time spent waiting for images.</param>
public readonly record struct TrainingProgress(
    int Iteration,
    int Iterations,
    LossValues Losses,
    double MeanLoss,
    double LearningRate,
    double ImagesPerSecond,
    TimeSpan Elapsed,
    TimeSpan Remaining,
    TimeSpan LoaderWait);

/// <summary>How a run ended.</summary>
/// <param name="Iterations">The number of iterations done.</param>
/// <param name="Interrupted">Whether it was cancelled before its end.</param>
/// <param name="LastSnapshot">The path of the last snapshot, or null.</param>
/// <param name="Elapsed">The time the run took.</param>
/// <param name="LoaderWait">The time spent waiting for images.</param>
public sealed record TrainingSummary(int Iterations, bool Interrupted, string? LastSnapshot, TimeSpan Elapsed, TimeSpan LoaderWait);
