namespace DeepLab.Training;

/// <summary>
/// Follows a training run: <c>log.csv</c>, <see cref="TensorBoard.TensorBoardLog"/> and the command line's display are
/// three observers. Every method does nothing unless it is implemented.
/// </summary>
/// <remarks>
/// <para>
/// Threads: all methods are called one at a time, on the thread that called <c>Trainer.Run</c>, so an observer needs no
/// locks. The run waits for each call.
/// </para>
/// <para>
/// Order: after each iteration comes <see cref="OnIteration"/>; then, where they are due, <see cref="OnSnapshot"/>,
/// <see cref="OnEvaluationProgress"/> for each image and <see cref="OnEvaluation"/>. A run that is interrupted, or
/// whose evaluation fails, still writes a snapshot of its last iteration. <see cref="OnFinished"/> comes once, last of
/// all. Every event goes to <c>log.csv</c> first, then to the observers in the order of their list.
/// </para>
/// <para>
/// Exceptions: what an observer throws ends the run. Observers later in the list miss that event. A snapshot is
/// written if the iteration has none yet, and reported to all observers. Then <c>Trainer.Run</c> throws the exception;
/// <see cref="OnFinished"/> is not called.
/// </para>
/// </remarks>
public interface ITrainingObserver
{
    /// <summary>An iteration is done.</summary>
    /// <param name="progress">Where the run stands.</param>
    void OnIteration(in TrainingProgress progress)
    {
    }

    /// <summary>A snapshot has been written.</summary>
    /// <param name="snapshot">The file, and the iteration whose weights it holds.</param>
    void OnSnapshot(SnapshotFile snapshot)
    {
    }

    /// <summary>An image of an evaluation is done.</summary>
    /// <param name="iteration">The iteration whose weights are evaluated.</param>
    /// <param name="evaluated">The number of images evaluated so far.</param>
    /// <param name="total">The number of images to evaluate.</param>
    void OnEvaluationProgress(int iteration, int evaluated, int total)
    {
    }

    /// <summary>An evaluation is done. Not called for one that was cancelled.</summary>
    /// <param name="result">What it measured.</param>
    void OnEvaluation(ValidationResult result)
    {
    }

    /// <summary>The run has ended, normally or because it was cancelled.</summary>
    /// <param name="summary">What <c>Run</c> is about to return.</param>
    void OnFinished(TrainingSummary summary)
    {
    }
}
