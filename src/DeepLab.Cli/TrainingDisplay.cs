using System.Globalization;
using DeepLab.Data;
using DeepLab.Models;
using DeepLab.Training;

namespace DeepLab.Cli;

/// <summary>Runs a training and shows how it goes: a line that is rewritten, or a line every 20 iterations where nothing can be.</summary>
internal static class TrainingDisplay
{
    private const int PlainEvery = 20;

    /// <summary>Trains, telling what evaluations on the way find; at the end tells the time, the snapshot and how long the trainer waited for images.</summary>
    public static TrainingSummary Run(
        DeepLabResNet network, SegmentationDataset dataset, TrainingOptions options, CliConsole console, CancellationToken cancellation,
        TrainingWatch? watch = null, ITrainingSink? events = null)
    {
        var display = new ValidationDisplay(console);
        using var trainer = new Trainer(network, dataset, options)
        {
            Sinks = events is null ? [display] : [display, events],
            Validation = watch?.Validation is not SegmentationDataset validation ? null : new TrainingValidation(
                validation, watch.EvaluateEvery, done => console.Progress($"evaluating: {done}/{validation.Samples.Count} images")),
        };
        TrainingSummary summary = trainer.Run(
            progress => console.Progress(Describe(progress), progress.Iteration % PlainEvery == 0 || progress.Iteration == progress.Iterations),
            path => console.Line($"snapshot {path}"),
            cancellation);
        double waited = 100 * summary.LoaderWait.TotalSeconds / Math.Max(summary.Elapsed.TotalSeconds, 1e-9);
        string end = summary.Interrupted ? "interrupted after" : "trained";
        console.Line(CliConsole.Format(
            $"{end} {summary.Iterations} iterations in {CliConsole.Duration(summary.Elapsed)}; {waited:0.0} % of the time went by waiting for images"));
        return summary;
    }

    private static string Describe(in TrainingProgress progress)
    {
        string rate = progress.Rate.ToString("0.00e-0", CultureInfo.InvariantCulture);
        return CliConsole.Format(
            $"iteration {progress.Iteration}/{progress.Iterations}  loss {progress.MeanLoss:0.0000}  rate {rate}  {progress.ImagesPerSecond:0.00} images/s  {CliConsole.Duration(progress.Remaining)} left");
    }

    /// <summary>A line an evaluation.</summary>
    private sealed class ValidationDisplay(CliConsole console) : ITrainingSink
    {
        public void Record(in TrainingProgress progress)
        {
        }

        public void Record(ValidationResult result) => console.Line(CliConsole.Format(
            $"iteration {result.Iteration}  mean IoU {result.Report.MeanIoU:0.0000}  pixel accuracy {result.Report.PixelAccuracy:0.0000}  evaluated in {CliConsole.Duration(result.Elapsed)}"));
    }
}
