using System.Xml.Linq;

namespace DeepLab.Reports;

/// <summary>The curve of mean IoU over the snapshots of a run.</summary>
internal static class MeanIoUChart
{
    private const double SmallestSpan = 0.02;

    /// <summary>A share as an axis tells it.</summary>
    public static string Percent(double share) => Numbers.Format($"{100 * share:0.##} %");

    /// <summary>The chart of snapshots, the earliest first.</summary>
    /// <param name="xLabel">What their numbers are.</param>
    /// <param name="snapshots">The snapshots; the mean IoU with CRF is null where there is none.</param>
    public static XElement Of(string xLabel, IReadOnlyList<(long Number, double MeanIoU, double? WithCrf)> snapshots)
    {
        bool hasCrf = snapshots.Any(s => s.WithCrf is not null);
        ChartSeries[] series =
        [
            new(hasCrf ? "network" : "mean IoU", Points(snapshots.Select(s => (s.Number, s.MeanIoU))), HasMarkers: true),
            .. hasCrf ? [new ChartSeries("with CRF", Points(snapshots.Select(s => (s.Number, s.WithCrf ?? double.NaN))), HasMarkers: true)] : Array.Empty<ChartSeries>(),
        ];
        double[] values = [.. series.SelectMany(s => s.Points).Select(p => p.Y)];
        double least = values.DefaultIfEmpty(0).Min(), largest = values.DefaultIfEmpty(1).Max();
        double spread = Math.Max(SmallestSpan - (largest - least), 0) / 2;
        ChartStop Stop((long Number, double MeanIoU, double? WithCrf) s) => new(
            s.Number, $"{xLabel} {Numbers.Count(s.Number)}", hasCrf ? [Numbers.Percent(s.MeanIoU), Numbers.Percent(s.WithCrf ?? double.NaN)] : [Numbers.Percent(s.MeanIoU)]);
        var chart = new LineChart("Mean IoU over the snapshots", xLabel, series, [.. snapshots.Select(Stop)])
        {
            Range = (Math.Max(least - spread, 0), Math.Min(largest + spread, 1)),
            Format = Percent,
        };
        return chart.ToFigure("Mean IoU of each snapshot. The axis need not begin at 0.");
    }

    private static ChartPoint[] Points(IEnumerable<(long Number, double Share)> shares) =>
        [.. shares.Where(s => !double.IsNaN(s.Share)).Select(s => new ChartPoint(s.Number, s.Share))];
}
