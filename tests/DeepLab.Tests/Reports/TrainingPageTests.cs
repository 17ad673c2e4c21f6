using System.Globalization;
using System.Text;
using System.Xml.Linq;
using DeepLab.Reports;
using DeepLab.Tests.Cli;
using Xunit;

namespace DeepLab.Tests.Reports;

public sealed class TrainingPageTests : IDisposable
{
    private const string Measures = """{"weights":"run/NAME","meanIoU":IOU,"perImageMeanIoU":0,"pixelAccuracy":0,"meanAccuracy":0,"frequencyWeightedIoU":0,"classes":[]}""";

    private readonly string _folder = Directory.CreateTempSubdirectory("deeplab-training-").FullName;

    private string Page => Path.Combine(_folder, "report.html");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_training_becomes_curves_and_a_table_of_snapshots()
    {
        WriteLog(60);
        TinyNetwork.Save(Path.Combine(_folder, "s_30.safetensors"), 2);
        File.WriteAllText(Path.Combine(_folder, "s_60.pth"), "damaged");
        File.WriteAllText(Path.Combine(_folder, "measures.json"), $"[{Measures.Replace("NAME", "s_30.safetensors").Replace("IOU", "0.75")}]");

        CliRun run = CliRun.Of("report", _folder);

        Assert.Equal((0, ""), (run.Status, run.Error));
        Assert.StartsWith($"60 iterations, 2 snapshots\nwritten {Page}, ", run.Out, StringComparison.Ordinal);
        var page = new ReportPage(Page);
        page.AssertSound();
        Assert.Equal(["Loss", "Mean IoU", "Learning rate", "Time", "Snapshots", "About this page"], page.Root.Descendants("h2").Select(h => h.Value));
        Assert.Equal(8, page.Section("loss").Descendants("polyline").Count());
        Assert.Equal("iteration 60: fused 0.5000, scale 1 1.500, scale 0.75 2.000, scale 0.5 3.000", (string?)page.Section("loss").Descendants("g").Last(g => (string?)g.Attribute("class") == "stop").Attribute("aria-label"));
        Assert.Equal("iteration 30: 75.00 %", (string?)Assert.Single(page.Section("iou").Descendants("g"), g => (string?)g.Attribute("class") == "stop").Attribute("aria-label"));
        XElement[] rows = [.. page.Section("snapshots").Descendants("tbody").Single().Elements("tr")];
        Assert.Equal(["s_30.safetensors (best)", "s_60.pth"], rows.Select(r => r.Element("th")!.Value));
        Assert.Equal(["30", "0.5000", "75.00 %"], rows[0].Elements("td").Take(3).Select(d => d.Value));
        Assert.Contains("cannot be told: ", page.Section("about").Value, StringComparison.Ordinal);
        Assert.Contains($"deeplab report {_folder}", page.Section("about").Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Evaluations_on_the_way_are_a_curve_and_the_measures_of_their_snapshots()
    {
        WriteLog(60);
        TinyNetwork.Save(Path.Combine(_folder, "s_30.safetensors"), 2);
        TinyNetwork.Save(Path.Combine(_folder, "s_50.safetensors"), 2);
        File.WriteAllText(Path.Combine(_folder, "eval.csv"), "iteration,mean_iou,pixel_accuracy,seconds\n20,0.25,0.5,1\n30,0.625,0.75,1\n60,0.5,0.75,1\n");

        CliRun run = CliRun.Of("report", _folder);

        Assert.Equal((0, ""), (run.Status, run.Error));
        Assert.StartsWith("60 iterations, 2 snapshots, 3 evaluations during training\n", run.Out, StringComparison.Ordinal);
        var page = new ReportPage(Page);
        page.AssertSound();
        Assert.Equal(["iteration 20: 25.00 %", "iteration 30: 62.50 %", "iteration 60: 50.00 %"], Stops(page, "iou"));
        Assert.Equal(["62.50 %", "–"], page.Section("snapshots").Descendants("tbody").Single().Elements("tr").Select(r => r.Elements("td").ElementAt(2).Value));

        // 120 s are logged, including two for the evaluations after iterations 20 and 30; the one after the last
        // iteration comes on top.
        Assert.Equal(["60", "0.5000", "2 min 01 s", "1.967", "62.50 %"], page.OfClass("figures").Single().Descendants("dd").Select(d => d.Value));
        Assert.Equal("Best mean IoU on the way", page.OfClass("figures").Single().Descendants("dt").Last().Value);
        Assert.Contains($"{_folder}/eval.csv, 3 s", page.Section("about").Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Measures_of_snapshots_are_drawn_beside_evaluations_on_the_way()
    {
        WriteLog(60);
        TinyNetwork.Save(Path.Combine(_folder, "s_30.safetensors"), 2);
        File.WriteAllText(Path.Combine(_folder, "measures.json"), $"[{Measures.Replace("NAME", "s_30.safetensors").Replace("IOU", "0.75")}]");
        File.WriteAllText(Path.Combine(_folder, "eval.csv"), "iteration,mean_iou,pixel_accuracy,seconds\n30,0.875,0.5,1\n60,NaN,NaN,1\n");

        TrainingPage.Write(Page, TrainingRecord.Load(_folder), []);

        var page = new ReportPage(Page);
        page.AssertSound();
        Assert.Equal(["iteration 30: on the way 87.50 %, snapshots 75.00 %", "iteration 60: on the way –, snapshots –"], Stops(page, "iou"));
        Assert.Equal("75.00 %", page.OfClass("figures").Single().Descendants("dd").Last().Value);
        Assert.Equal("75.00 %", page.Section("snapshots").Descendants("tbody").Single().Element("tr")!.Elements("td").ElementAt(2).Value);
    }

    [Fact]
    public void A_log_of_200000_iterations_makes_a_small_page()
    {
        WriteLog(200_000);
        TrainingPage.Write(Page, TrainingRecord.Load(_folder), []);

        var page = new ReportPage(Page);
        Assert.InRange(page.Length, 1, 400_000);
        Assert.All(page.OfClass("curve").Where(e => e.Name == "polyline"), c => Assert.InRange(((string)c.Attribute("points")!).Split(' ').Length, 500, TrainingHistory.MostBuckets));
        Assert.All(page.Root.Descendants("tbody"), t => Assert.InRange(t.Elements().Count(), 0, 50));
    }

    [Fact]
    public void A_spike_does_not_press_the_curves_flat()
    {
        WriteLog(1000, spikeAt: 500);
        TrainingPage.Write(Page, TrainingRecord.Load(_folder), []);
        string[] ticks = [.. new ReportPage(Page).Section("loss").Descendants("svg").First(s => s.Elements("text").Any()).Elements("text").Select(t => t.Value)];
        Assert.Equal("0", ticks[0]);
        Assert.InRange(double.Parse(ticks[^1], CultureInfo.InvariantCulture), 3, 60);
    }

    [Fact]
    public void A_last_line_that_was_cut_off_is_noted_and_the_page_is_written_where_it_is_asked_for()
    {
        WriteLog(3);
        File.AppendAllText(Path.Combine(_folder, "log.csv"), "4,1,1");
        string other = Path.Combine(_folder, "new", "page.html");

        CliRun run = CliRun.Of("report", _folder, "-o", other);

        Assert.Equal(0, run.Status);
        Assert.Equal($"note: the last line of {Path.Combine(_folder, "log.csv")} is cut off and left out\n", run.Error);
        Assert.Contains("its last line is cut off and left out", new ReportPage(other).Section("about").Value, StringComparison.Ordinal);
        Assert.Contains("The folder holds no snapshot.", new ReportPage(other).Section("snapshots").Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_folders_and_files_are_told_in_one_line()
    {
        AssertFails(1, $"deeplab: {_folder}/gone: there is no such folder; it should hold the log.csv of a training\n", $"{_folder}/gone");
        AssertFails(1, $"deeplab: {_folder}: holds no log.csv; expected the folder that a training wrote its snapshots to\n", _folder);
        WriteLog(0);
        AssertFails(1, $"deeplab: {_folder}/log.csv: holds no iteration yet\n", _folder);
        WriteLog(1);
        File.WriteAllText($"{_folder}/m.json", "{}");
        AssertFails(1, $"deeplab: {_folder}/m.json: it is no array; expected the measures of an evaluation: \"deeplab eval --json FILE\" writes them\n", _folder, "--eval", $"{_folder}/m.json");
        Assert.Equal(2, CliRun.Of("report").Status);
        Assert.False(File.Exists(Page));
    }

    private static IEnumerable<string?> Stops(ReportPage page, string section) =>
        page.Section(section).Descendants("g").Where(g => (string?)g.Attribute("class") == "stop").Select(g => (string?)g.Attribute("aria-label"));

    private static void AssertFails(int status, string message, params string[] args)
    {
        CliRun run = CliRun.Of(["report", .. args]);
        Assert.Equal((status, message), (run.Status, run.Error));
    }

    private void WriteLog(int iterations, int spikeAt = 0)
    {
        var text = new StringBuilder("iteration,loss_1,loss_075,loss_05,loss_fused,rate,seconds\n");
        for (int i = 1; i <= iterations; i++) text.Append(CultureInfo.InvariantCulture, $"{i},1.5,2,3,{(i == spikeAt ? 1000 : 0.5)},{0.01 / i},{i * 2}\n");
        File.WriteAllText(Path.Combine(_folder, "log.csv"), text.ToString());
    }
}
