using System.Xml.Linq;
using DeepLab.IO;

namespace DeepLab.Reports;

/// <summary>Curves of mean IoU over a run.</summary>
internal static class MeanIoUChart
{
    private const double SmallestSpan = 0.02;

    /// <summary>A share as an axis tells it.</summary>
    public static string Percent(double share) => Numbers.Format($"{100 * share:0.##} %");

    /// <summary>The chart of some curves, whose places need not be the same.</summary>
    /// <param name="xLabel">What runs to the right.</param>
    /// <param name="caption">What stands under it.</param>
    /// <param name="curves">
    /// The curves from left to right, each with what the legend calls it; NaN where there is no number.
    /// </param>
    public static XElement Of(string xLabel, string caption, params IReadOnlyList<(string Name, IReadOnlyList<ChartPoint> Points)> curves)
    {
        ChartSeries[] series = [.. curves.Select(c => new ChartSeries(c.Name, [.. c.Points.Where(p => !double.IsNaN(p.Y))], HasMarkers: c.Points.Count <= LineChart.MostStops))];
        double[] values = [.. series.SelectMany(s => s.Points).Select(p => p.Y)];
        double least = values.DefaultIfEmpty(0).Min(), largest = values.DefaultIfEmpty(1).Max();
        double spread = Math.Max(SmallestSpan - (largest - least), 0) / 2;
        double[] places = [.. curves.SelectMany(c => c.Points).Select(p => p.X).Distinct().Order()];
        ILookup<double, double>[] numbers = [.. series.Select(s => s.Points.ToLookup(p => p.X, p => p.Y))];
        ChartStop Stop(double place) =>
            new(place, $"{xLabel} {Numbers.Count((long)place)}", [.. numbers.Select(n => Numbers.Percent(n[place].DefaultIfEmpty(double.NaN).Last()))]);
        var chart = new LineChart("Mean IoU", xLabel, series, [.. LineChart.Spread(places.Length).Select(i => Stop(places[i]))])
        {
            Range = (Math.Max(least - spread, 0), Math.Min(largest + spread, 1)),
            Format = Percent,
        };
        return chart.ToFigure(caption + " The axis need not begin at 0.");
    }
}
