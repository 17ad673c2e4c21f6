namespace DeepLab.Training.TensorBoard;

/// <summary>
/// Shows a training run in TensorBoard (<c>tensorboard --logdir DIR</c>). For every iteration: the losses, not averaged
/// over iterations (TensorBoard smooths curves itself), the learning rate and the images per second. For every
/// evaluation: mean IoU, pixel accuracy and <see cref="ValidationResult.Panel"/>.
/// </summary>
public sealed class TensorBoardLog : ITrainingObserver, IDisposable
{
    private readonly EventFile _file;

    /// <summary>Starts an event file.</summary>
    /// <param name="directory">
    /// Its folder, created if needed. TensorBoard treats a folder as a run, so one folder per run keeps their curves
    /// apart.
    /// </param>
    /// <param name="clock">The clock for the time of events; null for the system's.</param>
    /// <exception cref="DeepLabException">The file cannot be written.</exception>
    public TensorBoardLog(string directory, TimeProvider? clock = null) => _file = EventFile.Create(directory, clock);

    /// <summary>The event file.</summary>
    public string Path => _file.Path;

    /// <inheritdoc/>
    /// <exception cref="DeepLabException">The file cannot be written.</exception>
    public void OnIteration(in TrainingProgress progress) => _file.AddScalars(
        progress.Iteration,
        [
            .. LossNames.Tags.Zip(progress.Losses.Values),
            ("learning_rate", progress.LearningRate),
            ("images_per_second", progress.ImagesPerSecond),
        ]);

    /// <inheritdoc/>
    /// <exception cref="DeepLabException">The file cannot be written.</exception>
    public void OnEvaluation(ValidationResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        _file.AddScalars(result.Iteration, ("mean_iou", result.Report.MeanIoU), ("pixel_accuracy", result.Report.PixelAccuracy));
        _file.AddImage(result.Iteration, "photograph_truth_prediction", result.Panel);
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();
}
