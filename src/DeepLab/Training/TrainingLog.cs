using System.Globalization;
using DeepLab.IO;

namespace DeepLab.Training;

/// <summary>
/// The files <c>log.csv</c>, one line per iteration, and <c>eval.csv</c>, one line per evaluation, of a run. Every line
/// is written through immediately, so that a crash loses none. They replace those of an earlier run in the same folder.
/// </summary>
internal sealed class TrainingLog : ITrainingObserver, IDisposable
{
    public const string IterationsName = "log.csv", EvaluationsName = "eval.csv";

    public const string EvaluationColumns = "iteration,mean_iou,pixel_accuracy,seconds";

    private readonly string _evaluationsPath;
    private readonly AppendedFile _iterations;
    private AppendedFile? _evaluations;

    public TrainingLog(string folder)
    {
        _evaluationsPath = Path.Combine(folder, EvaluationsName);
        _iterations = AppendedFile.Open(Path.Combine(folder, IterationsName), FileMode.Create);
        _iterations.WriteLine(IterationColumns);
        DeleteEvaluations();
    }

    public static string IterationColumns { get; } = $"iteration,{string.Join(',', LossNames.Columns)},rate,seconds";

    public void OnIteration(in TrainingProgress progress)
    {
        string losses = string.Join(',', progress.Losses.Values.Select(l => l.ToString("G7", CultureInfo.InvariantCulture)));
        _iterations.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{progress.Iteration},{losses},{progress.LearningRate:G7},{progress.Elapsed.TotalSeconds:F3}"));
    }

    public void OnEvaluation(ValidationResult result)
    {
        if (_evaluations is null)
        {
            _evaluations = AppendedFile.Open(_evaluationsPath, FileMode.Create);
            _evaluations.WriteLine(EvaluationColumns);
        }

        _evaluations.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{result.Iteration},{result.Report.MeanIoU:G7},{result.Report.PixelAccuracy:G7},{result.Elapsed.TotalSeconds:F3}"));
    }

    public void Dispose()
    {
        _iterations.Dispose();
        _evaluations?.Dispose();
    }

    // Measures of an earlier run next to this run's losses would be mistaken for this run's.
    private void DeleteEvaluations()
    {
        try
        {
            File.Delete(_evaluationsPath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _iterations.Dispose();
            throw new DeepLabException($"{_evaluationsPath}: belongs to an earlier run and cannot be deleted: {e.Message}", e);
        }
    }
}
