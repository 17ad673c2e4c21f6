using System.Globalization;
using DeepLab.IO;

namespace DeepLab.Training;

/// <summary>
/// The files <c>log.csv</c>, an iteration a line, and <c>eval.csv</c>, an evaluation a line, of a run; written through at once so that a crash loses
/// nothing. They take the place of those of an earlier run in the same folder.
/// </summary>
internal sealed class TrainingLog : ITrainingSink, IDisposable
{
    public const string IterationsName = "log.csv", EvaluationsName = "eval.csv";

    public const string IterationColumns = "iteration,loss_1,loss_075,loss_05,loss_fused,rate,seconds", EvaluationColumns = "iteration,mean_iou,pixel_accuracy,seconds";

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

    public void Record(in TrainingProgress progress)
    {
        LossValues losses = progress.Losses;
        _iterations.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{progress.Iteration},{losses.Values[0]:G7},{losses.Values[1]:G7},{losses.Values[2]:G7},{losses.Fused:G7},{progress.Rate:G7},{progress.Elapsed.TotalSeconds:F3}"));
    }

    public void Record(ValidationResult result)
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

    // Measures of an earlier run beside this run's losses would pass for this run's.
    private void DeleteEvaluations()
    {
        try
        {
            File.Delete(_evaluationsPath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _iterations.Dispose();
            throw new DeepLabException($"{_evaluationsPath}: is of an earlier run and cannot be deleted: {e.Message}", e);
        }
    }
}
