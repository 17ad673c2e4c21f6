using System.Xml.Linq;
using DeepLab.Evaluation;
using DeepLab.Imaging;
using DeepLab.Reports;
using Xunit;

namespace DeepLab.Tests.Reports;

public sealed class EvaluationPageTests : IDisposable
{
    private const string Hostile = "</script><img src=x onerror=alert(1)>\"'&\u202e\0";

    private readonly string _path = Path.Combine(Path.GetTempPath(), "deeplab-page-" + Path.GetRandomFileName() + ".html");

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void Classes_have_bars_and_the_confusion_matrix_has_shares_of_its_rows()
    {
        ReportPage page = Write(Report("a.pth", ["sky", "road", "car"], (0, 0, 90), (0, 1, 10), (1, 1, 998), (1, 0, 2)));

        page.AssertSound();
        XElement[] rows = [.. page.Section("classes").Descendants("tbody").Single().Elements("tr")];
        Assert.Equal(["sky", "road", "car"], rows.Select(r => r.Element("th")!.Value));
        Assert.Equal(["88.24 %", "90.00 %", "97.83 %", "9.09 %"], rows[0].Elements("td").Skip(1).Select(d => d.Value));
        Assert.Equal("88.24%", (string?)rows[0].Descendants("rect").Single(r => (string?)r.Attribute("class") == "fill").Attribute("width"));
        Assert.Equal(["–", "–", "–", "0.00 %"], rows[2].Elements("td").Skip(1).Select(d => d.Value));

        XElement matrix = page.OfClass("matrix").Single();
        XElement[] cells = [.. matrix.Element("tbody")!.Descendants("td")];
        Assert.Equal("3", (string?)matrix.Attribute("data-columns"));
        Assert.Equal(["90", "10", "", "<1", "100", "", "", "", ""], cells.Select(c => (c.FirstNode as XText)?.Value ?? ""));
        Assert.Equal(["hit10", "miss6", null, "miss1", "hit10", null, null, null, null], cells.Select(c => (string?)c.Attribute("class")));
        Assert.Equal("sky taken for road: 10.00 % (10 of 100 pixels)", cells[1].Element("span")!.Value);
        Assert.Equal("road found: 99.80 % (998 of 1,000 pixels)", cells[4].Element("span")!.Value);
        Assert.Equal("car found: no pixel has this label", cells[8].Element("span")!.Value);
        Assert.Equal(["0", .. Enumerable.Repeat("-1", 8)], cells.Select(c => (string?)c.Attribute("tabindex")));
        Assert.Contains("skyroad1010.00 %", page.Section("confusion").Value, StringComparison.Ordinal);
        Assert.DoesNotContain(page.Root.Descendants("section"), s => (string?)s.Attribute("id") is "snapshots" or "boundaries" or "worst");
    }

    [Fact]
    public void Names_from_files_are_text_and_nothing_else()
    {
        var ranking = new ImageRanking(2, Palette.Voc);
        ranking.Add(PicturesTests.Image(Hostile, 1));
        ReportPage page = Write(ranking, [("Weights", Hostile)], Report(Hostile, [Hostile, "b"], (0, 0, 1), (0, 1, 1)));

        page.AssertSound();
        string shown = Hostile.Replace('\u202e', '\ufffd').Replace('\0', '\ufffd');
        Assert.Equal(shown, page.Section("worst").Descendants("h3").Single().Value);
        Assert.Equal(shown, page.Section("classes").Descendants("th").Single(t => (string?)t.Attribute("scope") == "row" && t.Value != "b").Value);
        Assert.Equal("Photograph: " + shown, (string?)page.Section("worst").Descendants("img").First().Attribute("alt"));
        Assert.Equal(4, page.Root.Descendants("img").Count());
        Assert.Single(page.Root.Descendants("script"));
    }

    [Fact]
    public void Several_snapshots_make_a_curve_and_the_best_is_shown()
    {
        var record = new EvaluationRecord();
        foreach ((int iteration, long right) in (ReadOnlySpan<(int, long)>)[(100, 50), (200, 90), (400, 70)])
            record.Add(Report($"run/x_{iteration}.pth", ["a", "b"], (0, 0, right), (0, 1, 100 - right), (1, 1, 100)), new ImageRanking(2, Palette.Voc), [("Checksum", $"of {iteration}")]);
        EvaluationPage.Write(_path, record, Palette.Voc, [("Command", "deeplab eval")]);
        var page = new ReportPage(_path);

        page.AssertSound();
        Assert.Equal("run/x_200.pth", record.Best!.Weights);
        Assert.Null(record.Reports[2].Confusion);
        string[] stops = [.. page.OfClass("stop").Select(s => (string)s.Attribute("aria-label")!)];
        Assert.Equal(["iteration 100: 58.33 %", "iteration 200: 90.45 %", "iteration 400: 73.46 %"], stops.Select(s => s));
        Assert.Equal(["x_100.pth", "x_200.pth (best)", "x_400.pth"], page.Section("snapshots").Descendants("th").Where(t => (string?)t.Attribute("scope") == "row").Select(t => t.Value));
        Assert.Contains("of 200", page.Section("about").Value, StringComparison.Ordinal);
        Assert.Contains("deeplab eval", page.Section("about").Value, StringComparison.Ordinal);
    }

    [Fact]
    public void The_crf_and_the_bands_around_boundaries_have_their_places()
    {
        EvaluationReport plain = Report("a.pth", ["a", "b"], (0, 0, 50), (0, 1, 50), (1, 1, 100)) with { Trimap = [new TrimapScore(1, 10, 0.5, 0.6), new TrimapScore(20, 90, 0.75, 0.8)] };
        EvaluationReport refined = Report("a.pth", ["a", "b"], (0, 0, 90), (0, 1, 10), (1, 1, 100)) with { Trimap = [new TrimapScore(1, 10, 0.6, 0.6), new TrimapScore(20, 90, 0.875, 0.8)] };
        ReportPage page = Write(plain with { Crf = refined });

        page.AssertSound();
        Assert.Equal("Mean IoU58.33 %90.45 %", page.Section("measures").Descendants("tbody").Single().Elements("tr").First().Value);
        Assert.Equal("90", ((XText)page.OfClass("matrix").Single().Element("tbody")!.Descendants("td").First().FirstNode!).Value);
        Assert.Equal(["within 1 pixel: network 50.00 %, with CRF 60.00 %", "within 20 pixels: network 75.00 %, with CRF 87.50 %"], page.OfClass("stop").Select(s => (string?)s.Attribute("aria-label")));
    }

    [Fact]
    public void Of_many_classes_the_largest_are_in_the_matrix_and_the_page_stays_small()
    {
        const int Classes = 255;
        var counts = Enumerable.Range(0, Classes).Select(c => (c, c, (long)c)).ToArray();
        ReportPage page = Write(Report("a.pth", [.. Enumerable.Range(0, Classes).Select(c => $"class {c}")], counts));

        Assert.Equal("64", (string?)page.OfClass("matrix").Single().Attribute("data-columns"));
        Assert.Equal("class 191", page.OfClass("matrix").Single().Element("tbody")!.Element("tr")!.Element("th")!.Value);
        Assert.Contains("The 64 of 255 classes", page.Section("confusion").Value, StringComparison.Ordinal);
        Assert.InRange(page.Length, 1, 1_500_000);
    }

    [Fact]
    public void A_page_that_cannot_be_written_is_told()
    {
        var record = new EvaluationRecord();
        Assert.Throws<ArgumentException>(() => EvaluationPage.Write(_path, record, Palette.Voc, []));
        record.Add(Report("a", ["a", "b"], (0, 0, 1)), null, []);
        Assert.Contains("cannot be written", Assert.Throws<DeepLabException>(() => EvaluationPage.Write("/proc/none/page.html", record, Palette.Voc, [])).Message, StringComparison.Ordinal);
    }

    private static EvaluationReport Report(string weights, string[] names, params (int Label, int Prediction, long Count)[] counts)
    {
        var matrix = new ConfusionMatrix(names.Length);
        foreach ((int label, int prediction, long count) in counts)
            matrix.Add([.. Enumerable.Repeat((byte)label, (int)count)], [.. Enumerable.Repeat((byte)prediction, (int)count)]);
        return EvaluationReport.Create(weights, SegmentationMetrics.From(matrix), 0.5, names) with { Confusion = matrix };
    }

    private ReportPage Write(EvaluationReport report) => Write(null, [], report);

    private ReportPage Write(ImageRanking? images, IReadOnlyList<(string, string)> facts, EvaluationReport report)
    {
        var record = new EvaluationRecord();
        record.Add(report, images, facts);
        EvaluationPage.Write(_path, record, Palette.Voc, []);
        return new ReportPage(_path);
    }
}
