namespace DeepLab.Training.TensorBoard;

/// <summary>
/// Shows a training run in TensorBoard (<c>tensorboard --logdir DIR</c>). Of every iteration: the four losses, not averaged over iterations (TensorBoard smooths),
/// the learning rate and the images a second. Of every evaluation: mean IoU, pixel accuracy and <see cref="ValidationResult.Panel"/>.
/// </summary>
public sealed class TensorBoardLog : ITrainingSink, IDisposable
{
    private readonly EventFile _file;

    /// <summary>Starts an event file.</summary>
    /// <param name="directory">Its folder, which TensorBoard takes for a run: one for each run keeps their curves apart. It is made if needed.</param>
    /// <param name="clock">What tells the time of events; null for the system's.</param>
    /// <exception cref="DeepLabException">The file cannot be written.</exception>
    public TensorBoardLog(string directory, TimeProvider? clock = null) => _file = EventFile.Create(directory, clock);

    /// <summary>The event file.</summary>
    public string Path => _file.Path;

    /// <inheritdoc/>
    /// <exception cref="DeepLabException">The file cannot be written.</exception>
    public void Record(in TrainingProgress progress) => _file.AddScalars(
        progress.Iteration,
        ("loss/scale_1", progress.Losses.Values[0]),
        ("loss/scale_075", progress.Losses.Values[1]),
        ("loss/scale_05", progress.Losses.Values[2]),
        ("loss/fused", progress.Losses.Fused),
        ("learning_rate", progress.Rate),
        ("images_per_second", progress.ImagesPerSecond));

    /// <inheritdoc/>
    /// <exception cref="DeepLabException">The file cannot be written.</exception>
    public void Record(ValidationResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        _file.AddScalars(result.Iteration, ("mean_iou", result.Report.MeanIoU), ("pixel_accuracy", result.Report.PixelAccuracy));
        _file.AddImage(result.Iteration, "photograph_truth_prediction", result.Panel);
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();
}
