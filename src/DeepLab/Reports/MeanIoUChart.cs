using System.Xml.Linq;

namespace DeepLab.Reports;

/// <summary>The curve of mean IoU over the snapshots of a run.</summary>
internal static class MeanIoUChart
{
    private const double SmallestSpan = 0.02;

    /// <summary>The chart of snapshots, the earliest first.</summary>
    public static XElement Of(IReadOnlyList<(long Iteration, double MeanIoU)> snapshots)
    {
        ChartPoint[] points = [.. snapshots.Where(s => !double.IsNaN(s.MeanIoU)).Select(s => new ChartPoint(s.Iteration, s.MeanIoU))];
        double least = points.Select(p => p.Y).DefaultIfEmpty(0).Min(), largest = points.Select(p => p.Y).DefaultIfEmpty(1).Max();
        double spread = Math.Max(SmallestSpan - (largest - least), 0) / 2;
        var chart = new LineChart(
            "Mean IoU over the snapshots",
            "iteration",
            [new ChartSeries("mean IoU", points, HasMarkers: true)],
            [.. points.Select(p => new ChartStop(p.X, $"iteration {Numbers.Count((long)p.X)}", [Numbers.Percent(p.Y)]))])
        {
            Range = (Math.Max(least - spread, 0), Math.Min(largest + spread, 1)),
            Format = share => Numbers.Format($"{100 * share:0.##} %"),
        };
        return chart.ToFigure("Mean IoU of each snapshot. The axis need not begin at 0.");
    }
}
