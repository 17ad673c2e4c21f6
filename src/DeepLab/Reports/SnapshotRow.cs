using DeepLab.Evaluation;
using DeepLab.Training;

namespace DeepLab.Reports;

/// <summary>A line of the table of snapshots.</summary>
/// <param name="File">The snapshot.</param>
/// <param name="Loss">The mean fused loss where it was written; NaN where the log does not reach it.</param>
/// <param name="MeanIoU">
/// Its mean IoU: of the measures that were given or, without any, of the evaluations on the way; NaN where it was not
/// measured.
/// </param>
/// <param name="Bytes">Its size.</param>
/// <param name="Written">When it was written.</param>
internal sealed record SnapshotRow(SnapshotFile File, double Loss, double MeanIoU, long Bytes, DateTimeOffset Written)
{
    /// <summary>The rows of a training; <paramref name="loss"/> is one number per bucket of its history.</summary>
    public static IReadOnlyList<SnapshotRow> From(TrainingRecord training, double[] loss)
    {
        Dictionary<string, double> measures = [];
        foreach (EvaluationReport report in training.Evaluations) measures[Path.GetFileName(report.Weights)] = report.MeanIoU;
        Dictionary<long, double> onTheWay = training.Evaluations.Count > 0 ? [] : training.History.Evaluations
            .Where(b => b.Count == 1).ToDictionary(b => b.Last, b => b.Values[TrainingHistory.MeanIoU].Mean);
        long[] ends = [.. training.History.Buckets.Select(b => b.Last)];
        return
        [
            .. training.Snapshots.Select(s => From(
                s, ends, loss, measures.TryGetValue(Path.GetFileName(s.Path), out double measured) ? measured : onTheWay.GetValueOrDefault(s.Iteration, double.NaN))),
        ];
    }

    private static SnapshotRow From(SnapshotFile file, long[] ends, double[] loss, double meanIoU)
    {
        var info = new FileInfo(file.Path);
        int bucket = Array.FindIndex(ends, e => e >= file.Iteration);
        return new SnapshotRow(
            file, bucket < 0 ? double.NaN : loss[bucket], meanIoU, info.Exists ? info.Length : 0, info.LastWriteTime);
    }
}
