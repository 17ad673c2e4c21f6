using System.Globalization;
using DeepLab.Training;

namespace DeepLab.Cli;

/// <summary>
/// Shows how a training run goes: on a terminal a line that is rewritten, elsewhere a line every 20 iterations; and a
/// line for each snapshot, each evaluation and the end.
/// </summary>
internal sealed class TrainingDisplay(CliConsole console) : ITrainingObserver
{
    private const int PlainEvery = 20;

    public void OnIteration(in TrainingProgress progress)
    {
        string learningRate = progress.LearningRate.ToString("0.00e-0", CultureInfo.InvariantCulture);
        console.Progress(
            CliConsole.Format(
                $"iteration {progress.Iteration}/{progress.Iterations}  loss {progress.MeanLoss:0.0000}  lr {learningRate}  {progress.ImagesPerSecond:0.00} images/s  {CliConsole.Duration(progress.Remaining)} left"),
            progress.Iteration % PlainEvery == 0 || progress.Iteration == progress.Iterations);
    }

    public void OnSnapshot(SnapshotFile snapshot) => console.Line($"snapshot {snapshot.Path}");

    public void OnEvaluationProgress(int iteration, int evaluated, int total) => console.Progress($"evaluating: {evaluated}/{total} images");

    public void OnEvaluation(ValidationResult result) => console.Line(CliConsole.Format(
        $"iteration {result.Iteration}  mean IoU {result.Report.MeanIoU:0.0000}  pixel accuracy {result.Report.PixelAccuracy:0.0000}  evaluated in {CliConsole.Duration(result.Elapsed)}"));

    public void OnFinished(TrainingSummary summary)
    {
        double waited = 100 * summary.LoaderWait.TotalSeconds / Math.Max(summary.Elapsed.TotalSeconds, 1e-9);
        string iterations = $"{summary.Iterations} iteration{(summary.Iterations == 1 ? "" : "s")}";
        console.Line(CliConsole.Format(
            $"{(summary.Interrupted ? "interrupted after" : "trained for")} {iterations} in {CliConsole.Duration(summary.Elapsed)}, {waited:0.0} % of it waiting for images"));
    }
}
