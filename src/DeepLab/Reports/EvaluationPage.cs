using System.Xml.Linq;
using DeepLab.Evaluation;
using DeepLab.Imaging;
using DeepLab.IO;
using DeepLab.Training;

namespace DeepLab.Reports;

/// <summary>
/// A page about evaluations: classes, confusion matrix, the curve over snapshots, the best and worst images.
/// </summary>
public static class EvaluationPage
{
    private static readonly (string Name, Func<EvaluationReport, double> Of)[] Measures =
    [
        ("Mean IoU", r => r.MeanIoU), ("Mean IoU of each image, averaged", r => r.PerImageMeanIoU), ("Pixel accuracy", r => r.PixelAccuracy),
        ("Mean accuracy of the classes", r => r.MeanAccuracy), ("Frequency-weighted IoU", r => r.FrequencyWeightedIoU),
    ];

    /// <summary>Writes the page, atomically.</summary>
    /// <param name="path">The file.</param>
    /// <param name="evaluation">The evaluations, at least one.</param>
    /// <param name="palette">The labels' colors.</param>
    /// <param name="facts">
    /// Facts to add at its end, such as the dataset and versions; a term and what it is each.
    /// </param>
    /// <exception cref="ArgumentException">There is no evaluation.</exception>
    /// <exception cref="DeepLabException">The file cannot be written.</exception>
    public static void Write(string path, EvaluationRecord evaluation, Palette palette, IReadOnlyList<(string Term, string Value)> facts)
    {
        ArgumentNullException.ThrowIfNull(evaluation);
        EvaluationReport best = evaluation.Best ?? throw new ArgumentException("there is no evaluation", nameof(evaluation));
        bool isOneOfMany = evaluation.Reports.Count > 1;
        var confusion = new ConfusionTable((best.Crf ?? best).Confusion!, [.. best.Classes.Select(c => c.Name)]);
        string refined = best.Crf is null ? "" : " (with CRF)";

        List<PageSection> sections = [];
        if (isOneOfMany) sections.Add(new PageSection("snapshots", "Snapshots", Curve(evaluation.Reports), SnapshotTable(evaluation)));
        sections.Add(new PageSection("measures", isOneOfMany ? "Measures of the best snapshot" : "Measures", MeasureTable(best)));
        sections.Add(new PageSection("classes", "Classes", ClassTable.Of(best, palette)));
        sections.Add(new PageSection("confusion", "Confusion matrix" + refined, confusion.ToHeatMap(), confusion.ToList()));
        if (best.Trimap.Count > 0) sections.Add(new PageSection("boundaries", "Near boundaries", Boundaries(best)));
        if (evaluation.Images is ImageRanking images)
        {
            var gallery = new Gallery([.. best.Classes.Select(c => c.Name)], palette);
            if (images.Worst.Count > 0) sections.Add(new PageSection("worst", "Worst images", gallery.Explanation(), images.Worst.Select(gallery.Show)));
            if (images.Best.Count > 0) sections.Add(new PageSection("best", "Best images", images.Best.Select(gallery.Show)));
        }

        sections.Add(new PageSection("about", "About this page", HtmlPage.Facts([.. evaluation.Facts, .. facts])));
        HtmlPage.Write(path, "Evaluation", best.Weights, KeyFigures(best), sections);
    }

    private static List<(string, string)> KeyFigures(EvaluationReport report)
    {
        List<(string, string)> figures = [("Mean IoU", Numbers.Percent(report.MeanIoU))];
        if (report.Crf is not null) figures.Add(("Mean IoU with CRF", Numbers.Percent(report.Crf.MeanIoU)));
        figures.Add(("Pixel accuracy" + (report.Crf is null ? "" : " with CRF"), Numbers.Percent((report.Crf ?? report).PixelAccuracy)));
        figures.Add(("Classes", Numbers.Count(report.Classes.Count)));
        if (report.Images.Count > 0) figures.Add(("Images", Numbers.Count(report.Images.Count)));
        return figures;
    }

    private static XElement Curve(IReadOnlyList<EvaluationReport> reports)
    {
        long?[] iterations = [.. reports.Select(r => SnapshotFile.FromNumbered(r.Weights)?.Iteration)];
        bool isRun = iterations.All(i => i is not null) && iterations.Zip(iterations.Skip(1)).All(pair => pair.First < pair.Second);
        ChartPoint[] Points(Func<EvaluationReport, double> share) => [.. reports.Select((r, i) => new ChartPoint(isRun ? iterations[i]!.Value : i + 1, share(r)))];
        bool hasCrf = reports.Any(r => r.Crf is not null);
        return MeanIoUChart.Of(
            isRun ? "iteration" : "snapshot",
            "Mean IoU of each snapshot.",
            [(hasCrf ? "network" : "mean IoU", Points(r => r.MeanIoU)), .. hasCrf ? [("with CRF", Points(r => r.Crf?.MeanIoU ?? double.NaN))] : Array.Empty<(string, IReadOnlyList<ChartPoint>)>()]);
    }

    private static XElement SnapshotTable(EvaluationRecord evaluation)
    {
        bool hasCrf = evaluation.Reports.Any(r => r.Crf is not null);
        string[] names = ["Weights", "Mean IoU", .. hasCrf ? ["With CRF"] : Array.Empty<string>(), "Images' mean", "Pixel accuracy"];
        return Html.ScrollBox("Snapshots", Html.Element(
            "table",
            HtmlPage.TableHead(1, names),
            Html.Element("tbody", evaluation.Reports.Select(r => Html.Element(
                "tr",
                r == evaluation.Best ? Html.Class("best") : null,
                Html.Element("th", Html.Attribute("scope", "row"), Html.Name(Path.GetFileName(r.Weights)), r == evaluation.Best ? " (best)" : null),
                HtmlPage.NumberCell(Numbers.Percent(r.MeanIoU)),
                hasCrf ? HtmlPage.NumberCell(Numbers.Percent(r.Crf?.MeanIoU ?? double.NaN)) : null,
                HtmlPage.NumberCell(Numbers.Percent(r.PerImageMeanIoU)),
                HtmlPage.NumberCell(Numbers.Percent(r.PixelAccuracy)))))));
    }

    private static XElement MeasureTable(EvaluationReport report) => Html.ScrollBox("Measures", Html.Element(
        "table",
        HtmlPage.TableHead(1, report.Crf is null ? ["Measure", "Value"] : ["Measure", "Network", "With CRF"]),
        Html.Element("tbody", Measures.Select(m => Html.Element(
            "tr",
            Html.Element("th", Html.Attribute("scope", "row"), m.Name),
            HtmlPage.NumberCell(Numbers.Percent(m.Of(report))),
            report.Crf is null ? null : HtmlPage.NumberCell(Numbers.Percent(m.Of(report.Crf))))))));

    private static XElement Boundaries(EvaluationReport report)
    {
        EvaluationReport[] kinds = report.Crf is null ? [report] : [report, report.Crf];
        string[] names = ["network", "with CRF"];
        ChartSeries[] series = [.. kinds.Select((k, i) => new ChartSeries(
            kinds.Length == 1 ? "mean IoU" : names[i], [.. k.Trimap.Where(t => !double.IsNaN(t.MeanIoU)).Select(t => new ChartPoint(t.Width, t.MeanIoU))], HasMarkers: true))];
        double[] values = [.. series.SelectMany(s => s.Points).Select(p => p.Y)];
        var chart = new LineChart("Mean IoU near boundaries", "pixels from a boundary", series, [.. report.Trimap.Select((t, i) => new ChartStop(
            t.Width, $"within {t.Width} pixel{(t.Width == 1 ? "" : "s")}", [.. kinds.Select(k => Numbers.Percent(k.Trimap[i].MeanIoU))]))])
        {
            Range = (values.DefaultIfEmpty(0).Min(), values.DefaultIfEmpty(1).Max()),
            Format = MeanIoUChart.Percent,
        };
        return chart.ToFigure("Mean IoU of the pixels within some distance of a boundary between labels. The axis need not begin at 0.");
    }
}
