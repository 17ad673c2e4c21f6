using DeepLab.Evaluation;
using DeepLab.Training;

namespace DeepLab.Reports;

/// <summary>A line of the table of snapshots.</summary>
/// <param name="File">The snapshot.</param>
/// <param name="Loss">The mean fused loss where it was written; NaN where the log does not reach it.</param>
/// <param name="MeanIoU">Its mean IoU, or NaN where it was not measured.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Written">When it was written.</param>
internal sealed record SnapshotRow(SnapshotFile File, double Loss, double MeanIoU, long Bytes, DateTimeOffset Written)
{
    /// <summary>The rows of a training; <paramref name="loss"/> is a number a bucket of its history.</summary>
    public static IReadOnlyList<SnapshotRow> From(TrainingRecord training, double[] loss)
    {
        Dictionary<string, double> measures = [];
        foreach (EvaluationReport report in training.Evaluations) measures[Path.GetFileName(report.Weights)] = report.MeanIoU;
        return [.. training.Snapshots.Select(s => From(s, [.. training.History.Buckets.Select(b => b.Last)], loss, measures))];
    }

    private static SnapshotRow From(SnapshotFile file, long[] ends, double[] loss, Dictionary<string, double> measures)
    {
        var info = new FileInfo(file.Path);
        int bucket = Array.FindIndex(ends, e => e >= file.Iteration);
        return new SnapshotRow(
            file, bucket < 0 ? double.NaN : loss[bucket], measures.GetValueOrDefault(Path.GetFileName(file.Path), double.NaN), info.Exists ? info.Length : 0, info.LastWriteTime);
    }
}
