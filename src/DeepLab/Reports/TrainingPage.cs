using System.Xml.Linq;
using DeepLab.IO;
using DeepLab.Training;

namespace DeepLab.Reports;

/// <summary>A page about a training: curves of loss, mean IoU, learning rate and time, and its snapshots.</summary>
public static class TrainingPage
{
    private const int MostSnapshots = 500, SmallestWindow = 20;
    private const double WindowShare = 0.02, SpikesLeftOut = 0.005;

    // The fused score is what predicts, so its curve comes first.
    private static readonly (int Column, string Name)[] Losses =
    [
        (TrainingHistory.FusedLoss, LossNames.Titles[^1]), .. LossNames.Titles.SkipLast(1).Select((title, column) => (column, title)),
    ];

    /// <summary>Writes the page, atomically.</summary>
    /// <param name="path">The file.</param>
    /// <param name="training">What it tells.</param>
    /// <param name="facts">Facts to add at its end, such as versions; a term and what it is each.</param>
    /// <exception cref="DeepLabException">The log has no iteration, or the file cannot be written.</exception>
    public static void Write(string path, TrainingRecord training, IReadOnlyList<(string Term, string Value)> facts)
    {
        TrainingHistory history = training.History;
        if (history.Lines == 0) throw new DeepLabException($"{history.Path}: holds no iteration yet");
        long window = Math.Max(SmallestWindow, (long)(WindowShare * history.Lines));
        IReadOnlyList<LogBucket> buckets = history.Buckets;
        double[][] smooth = [.. Enumerable.Range(0, buckets[0].Values.Count).Select(c => Smooth(buckets, c, window))];
        IReadOnlyList<SnapshotRow> snapshots = SnapshotRow.From(training, smooth[TrainingHistory.FusedLoss]);
        SnapshotRow[] measured = training.Evaluations.Count == 0 ? [] : [.. snapshots.Where(s => !double.IsNaN(s.MeanIoU))];
        double[] shares = measured.Length > 0
            ? [.. measured.Select(m => m.MeanIoU)]
            : [.. history.Evaluations.Select(b => b.Values[TrainingHistory.MeanIoU].Largest).Where(v => !double.IsNaN(v))];

        List<(string, string)> figures =
        [
            ("Iterations", Numbers.Count(history.LastIteration)),
            ("Fused loss at the end", Numbers.Measured(smooth[TrainingHistory.FusedLoss][^1])),
            ("Time", Numbers.Duration(history.TotalSeconds)),
            ("Seconds per iteration", Numbers.Measured(history.TrainingSeconds / history.Lines)),
        ];
        if (shares.Length > 0) figures.Add((measured.Length > 0 ? "Best mean IoU" : "Best mean IoU on the way", Numbers.Percent(shares.Max())));

        List<PageSection> sections = [new("loss", "Loss", LossChart(buckets, smooth, window))];
        if (MeasureChart(history, measured) is XElement measures) sections.Add(new PageSection("iou", "Mean IoU", measures));
        sections.Add(new PageSection("rate", "Learning rate", SingleChart(buckets, TrainingHistory.LearningRate, "learning rate", "The learning rate of the layers before the last; the last layer has a multiple of it.", null)));
        sections.Add(new PageSection("time", "Time", SingleChart(
            buckets, TrainingHistory.Seconds, "seconds per iteration", $"Seconds per iteration{(history.Evaluations.Count > 0 ? ", without the evaluations on the way" : "")}: faint as logged, bold the mean over {Numbers.Count(window)} iterations.", smooth[TrainingHistory.Seconds])));
        sections.Add(new PageSection("snapshots", "Snapshots", SnapshotTable(snapshots)));
        sections.Add(new PageSection("about", "About this page", HtmlPage.Facts(
        [
            ("Log", $"{history.Path}, {Numbers.Count(history.Lines)} iterations{CutOff(history, history.Path)}"),
            .. history.EvaluationsPath is string evaluations ? [("Evaluations on the way", $"{evaluations}, {Numbers.Duration(history.EvaluationSeconds)}{CutOff(history, evaluations)}")] : Array.Empty<(string, string)>(),
            .. training.Network is null ? Array.Empty<(string, string)>() : [("Network", training.Network)],
            .. facts,
        ])));
        HtmlPage.Write(path, "Training", training.Folder, figures, sections);
    }

    private static XElement LossChart(IReadOnlyList<LogBucket> buckets, double[][] smooth, long window)
    {
        ChartSeries[] series = [.. Losses.Select(l => new ChartSeries(l.Name, Points(buckets, smooth[l.Column]), Raw(buckets, l.Column)))];
        var chart = new LineChart("Losses of the four scores", "iteration", series, [.. LineChart.Spread(buckets.Count).Select(b => Stop(buckets[b], Losses.Select(l => smooth[l.Column][b])))])
        {
            Range = (0, Losses.Max(l => Largest(buckets, l.Column, smooth[l.Column]))),
        };
        return chart.ToFigure($"Softmax cross-entropy of the scores at three scales and of their maximum: faint as logged, bold the mean over {Numbers.Count(window)} iterations.");
    }

    // Both kinds of measures may be there, of datasets that need not be the same.
    private static XElement? MeasureChart(TrainingHistory history, IReadOnlyList<SnapshotRow> measured)
    {
        ChartPoint[] onTheWay = [.. history.Evaluations.Select(b => new ChartPoint(b.Last, b.Values[TrainingHistory.MeanIoU].Mean))];
        ChartPoint[] snapshots = [.. measured.Select(s => new ChartPoint(s.File.Iteration, s.MeanIoU))];
        return (onTheWay.Length, snapshots.Length) switch
        {
            (0, 0) => null,
            (0, _) => MeanIoUChart.Of("iteration", "Mean IoU of each snapshot.", ("mean IoU", snapshots)),
            (_, 0) => MeanIoUChart.Of("iteration", "Mean IoU that training measured on the way.", ("mean IoU", onTheWay)),
            _ => MeanIoUChart.Of("iteration", "Mean IoU that training measured on the way, and of the snapshots that were evaluated later.", ("on the way", onTheWay), ("snapshots", snapshots)),
        };
    }

    private static string CutOff(TrainingHistory history, string path) => history.CutOff.Contains(path) ? "; its last line is cut off and left out" : "";

    private static XElement SingleChart(IReadOnlyList<LogBucket> buckets, int column, string name, string caption, double[]? smooth)
    {
        double[] values = smooth ?? [.. buckets.Select(b => b.Values[column].Mean)];
        var series = new ChartSeries(name, Points(buckets, values), smooth is null ? null : Raw(buckets, column));
        var chart = new LineChart(name, "iteration", [series], [.. LineChart.Spread(buckets.Count).Select(b => Stop(buckets[b], [values[b]]))])
        {
            Range = (0, Largest(buckets, column, values)),
        };
        return chart.ToFigure(caption);
    }

    private static IEnumerable<XElement> SnapshotTable(IReadOnlyList<SnapshotRow> snapshots)
    {
        if (snapshots.Count == 0) yield return Html.Element("p", "The folder holds no snapshot.");
        if (snapshots.Count == 0) yield break;
        SnapshotRow? best = snapshots.Where(s => !double.IsNaN(s.MeanIoU)).MaxBy(s => s.MeanIoU);
        yield return Html.ScrollBox("Snapshots", Html.Element(
            "table",
            HtmlPage.TableHead(1, "File", "Iteration", "Fused loss", "Mean IoU", "Size", "Written"),
            Html.Element("tbody", snapshots.Take(MostSnapshots).Select(s => Html.Element(
                "tr",
                s == best ? Html.Class("best") : null,
                Html.Element("th", Html.Attribute("scope", "row"), Html.Name(Path.GetFileName(s.File.Path)), s == best ? " (best)" : null),
                HtmlPage.NumberCell(Numbers.Count(s.File.Iteration)),
                HtmlPage.NumberCell(Numbers.Measured(s.Loss)),
                HtmlPage.NumberCell(Numbers.Percent(s.MeanIoU)),
                HtmlPage.NumberCell(Numbers.Size(s.Bytes)),
                HtmlPage.NumberCell(Numbers.Date(s.Written)))))));
        if (snapshots.Count > MostSnapshots) yield return Html.Element("p", Html.Class("note"), $"{snapshots.Count - MostSnapshots} later ones are left out.");
    }

    private static ChartStop Stop(LogBucket bucket, IEnumerable<double> values) =>
        new(bucket.Last, $"iteration {Numbers.Count(bucket.Last)}", [.. values.Select(Numbers.Measured)]);

    private static ChartPoint[] Points(IReadOnlyList<LogBucket> buckets, double[] values) => [.. buckets.Select((b, i) => new ChartPoint(b.Last, values[i]))];

    private static ChartPoint[] Raw(IReadOnlyList<LogBucket> buckets, int column) =>
    [
        .. buckets.SelectMany(b => b.Count == 1
            ? [new ChartPoint(b.Last, b.Values[column].Mean)]
            : new[] { new ChartPoint(b.Last, b.Values[column].Least), new ChartPoint(b.Last, b.Values[column].Largest) }),
    ];

    // A single wild iteration should not press the curve flat: the axis holds the means and all but the wildest values.
    private static double Largest(IReadOnlyList<LogBucket> buckets, int column, double[] means)
    {
        double[] raw = [.. buckets.Select(b => b.Values[column].Largest).Order()];
        return Math.Max(means.Max(), raw[(int)((1 - SpikesLeftOut) * (raw.Length - 1))]);
    }

    /// <summary>The mean of a column over the window that ends with each bucket.</summary>
    private static double[] Smooth(IReadOnlyList<LogBucket> buckets, int column, long window)
    {
        var means = new double[buckets.Count];
        for (int b = 0; b < buckets.Count; b++)
        {
            double sum = 0;
            long count = 0;
            for (int i = b; i >= 0 && count < window; i--)
            {
                sum += buckets[i].Values[column].Mean * buckets[i].Count;
                count += buckets[i].Count;
            }

            means[b] = sum / count;
        }

        return means;
    }
}
