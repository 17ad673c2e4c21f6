using System.Text.Json.Nodes;
using DeepLab.Imaging;
using DeepLab.Models;
using DeepLab.Tests.Data;
using DeepLab.Tests.Reports;
using Xunit;

namespace DeepLab.Tests.Cli;

public sealed class EvalCommandTests : IDisposable
{
    private readonly TinyDataset _files = new();

    private string Snapshots => Path.Combine(_files.Root, "snapshots");

    public void Dispose() => _files.Dispose();

    [Fact]
    public void All_snapshots_are_evaluated_in_the_order_of_their_iterations()
    {
        _files.Add("one", 40, 60, ".jpg").Add("two", 40, 60, ".jpg").List("one", "two");
        File.Move(_files.ListPath(), _files.ListPath("val"));
        TinyNetwork.Save(Snapshot("S_1000"), 2, seed: 1);
        TinyNetwork.Save(Snapshot("S_200"), 2, seed: 2);
        File.WriteAllText(Snapshot("other_1"), "not looked at");
        string json = Path.Combine(_files.Root, "new", "m.json"), pictures = Path.Combine(_files.Root, "pictures"), report = Path.Combine(_files.Root, "page", "eval.html");
        string[] line = ["eval", "--snapshots", Snapshots, "--snapPrefix", "S_", "--voc", _files.Root];
        CliRun run = CliRun.Of([.. line, "--json", json, "--visualize", "--output", pictures, "--report", report]);
        Assert.Equal("", run.Error);
        Assert.Equal(0, run.Status);

        string[] lines = run.Out.Split('\n');
        string[] means = [.. lines.Where(l => l.StartsWith("mean IoU ", StringComparison.Ordinal))];
        Assert.Equal(2, means.Length);
        Assert.All(means, m => Assert.Matches(@"^mean IoU 0\.\d{4}$", m));
        Assert.StartsWith($"{Snapshot("S_200")}: DeepLab-ResNet-18, 2 classes, 2 images of ", lines[0], StringComparison.Ordinal);
        Assert.Matches(@"\nbest of 2: \S+, mean IoU 0\.\d{4}\n", run.Out);

        JsonArray measures = JsonNode.Parse(File.ReadAllText(json))!.AsArray();
        Assert.Equal([Snapshot("S_200"), Snapshot("S_1000")], measures.Select(m => (string)m!["weights"]!));
        Assert.Equal(means, measures.Select(m => FormattableString.Invariant($"mean IoU {(double)m!["meanIoU"]!:0.0000}")));
        RgbImage picture = RgbImage.Load(Path.Combine(pictures, "S_1000", "one.png"));
        Assert.Equal((40, 180), (picture.Height, picture.Width));
        Assert.Equal(RgbImage.Load(_files.ImagePath("one")).Pixels[..180], picture.Pixels[..180]);
        Assert.Contains($"\npictures (photograph, ground truth, prediction): {pictures}/S_1000\n", run.Out, StringComparison.Ordinal);
        Assert.EndsWith($"report: {report}\n", run.Out, StringComparison.Ordinal);
        AssertPageAboutBoth(report);
        AssertFails(2, $"deeplab: --report is '{_files.Root}', expected a file name; see deeplab eval --help\n", [.. line[1..], "--report", _files.Root]);
    }

    [Fact]
    public void Measures_come_without_and_with_the_crf_and_for_each_band()
    {
        _files.Add("one", 40, 60, ".png", 0, 0, 0, 0, 0, 0, 0, 0, 0, 1).List("one");
        TinyNetwork.Save(Snapshot("S_1"), 2);
        string[] line = ["eval", "--weights", Snapshot("S_1"), "--voc", _files.Root, "--split", "train"];
        string plainJson = Path.Combine(_files.Root, "plain.json"), json = Path.Combine(_files.Root, "m.json"), pictures = Path.Combine(_files.Root, "pictures");
        Assert.Equal(0, CliRun.Of([.. line, "--json", plainJson]).Status);
        CliRun run = CliRun.Of([
            .. line, "--json", json, "--crf", "--crf-iterations", "3", "--crf-color-deviation", "80", "--crf-appearance-deviation", "30",
            "--trimap", "1,5-6", "--visualize", pictures]);
        Assert.Equal((0, ""), (run.Status, run.Error));
        Assert.Contains("\nboundary within  mean IoU  accuracy  mean IoU with CRF  accuracy with CRF\n1 pixel  ", run.Out, StringComparison.Ordinal);
        Assert.Contains("\n5 pixels  ", run.Out, StringComparison.Ordinal);
        Assert.EndsWith($"\npictures (photograph, ground truth, prediction, refined prediction): {pictures}/S_1\n", run.Out, StringComparison.Ordinal);
        Assert.Equal(240, RgbImage.Load(Path.Combine(pictures, "S_1", "one.png")).Width);

        // The metrics without CRF are unchanged, and both are those that the table shows.
        JsonObject plain = JsonNode.Parse(File.ReadAllText(plainJson))!.AsArray()[0]!.AsObject(), both = JsonNode.Parse(File.ReadAllText(json))!.AsArray()[0]!.AsObject();
        foreach ((string name, JsonNode? value) in plain) Assert.Equal(value!.ToJsonString(), both[name]!.ToJsonString());
        Assert.Equal(3, (int)both["crf"]!["options"]!["iterations"]!);
        Assert.Equal([1, 5, 6], both["crf"]!["trimap"]!.AsArray().Select(t => (int)t!["width"]!));
        double mean = (double)both["meanIoU"]!, refined = (double)both["crf"]!["meanIoU"]!;
        Assert.NotEqual(mean, refined);
        Assert.Contains(FormattableString.Invariant($"\nmean IoU {mean:0.0000}, with CRF {refined:0.0000}\n"), run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_places_and_contradictions_are_told_in_one_line()
    {
        _files.Add("one").List("one", "gone");
        string weights = Snapshot("S_1");
        TinyNetwork.Save(weights, 2);
        AssertFails(1, $"deeplab: {_files.Root}/nowhere: no such folder; expected one with snapshots named VOC12_scenes_<iteration>(.pth|.safetensors)\n", "--snapshots", $"{_files.Root}/nowhere");
        AssertFails(1, $"deeplab: {Snapshots}: contains no snapshot named X_<iteration>(.pth|.safetensors); it contains S_1.safetensors\n", "--snapshots", Snapshots, "--snapshot-prefix", "X_");
        AssertFails(2, "deeplab: --weights and --snapshots are mutually exclusive: give one file, or a folder of snapshots; see deeplab eval --help\n", "--weights", weights, "--snapshots", Snapshots);
        AssertFails(2, "deeplab: --output requires --visualize; see deeplab eval --help\n", "--weights", weights, "--output", "x");
        AssertFails(2, "deeplab: --visualize DIR and --output DIR both name the folder of the pictures: give one; see deeplab eval --help\n", "--weights", weights, "--output", "x", "--visualize", "y");
        AssertFails(2, "deeplab: the folder for --visualize is empty, expected a path; see deeplab eval --help\n", "--weights", weights, "--visualize", "");
        AssertFails(2, "deeplab: --crf-iterations requires --crf; see deeplab eval --help\n", "--weights", weights, "--crf-iterations", "5");
        AssertFails(2, "deeplab: --trimap: '0' is no width; expected whole numbers from 1 to 1000, as in 1,2,5,10,20,40 or 1-40; see deeplab eval --help\n", "--weights", weights, "--trimap", "0,5");
        AssertFails(1, $"deeplab: {weights} has 2 classes, but --classes says 3\n", "--weights", weights, "--voc", _files.Root, "--split", "train", "--classes", "3");
        CliRun missing = CliRun.Of("eval", "--weights", weights, "--voc", _files.Root, "--split", "train");
        Assert.Equal(1, missing.Status);
        Assert.Contains("2 of the listed files are missing: ", missing.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_snapshot_is_told_before_any_is_evaluated()
    {
        _files.Add("one").List("one");
        TinyNetwork.Save(Snapshot("S_1"), 2);
        File.WriteAllBytes(Snapshot("S_2"), File.ReadAllBytes(Snapshot("S_1"))[..100_000]);
        CliRun run = CliRun.Of("eval", "--snapshots", Snapshots, "--snapshot-prefix", "S_", "--voc", _files.Root, "--split", "train");
        Assert.Equal((1, ""), (run.Status, run.Out));
        Assert.StartsWith($"deeplab: {Snapshot("S_2")}: not a valid safetensors file: ", run.Error, StringComparison.Ordinal);
        Assert.EndsWith("the file is cut short: fetch or write it again\n", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void An_interruption_stops_between_images_with_status_130()
    {
        _files.Add("one").List("one");
        TinyNetwork.Save(Snapshot("S_1"), 2);
        CliRun run = CliRun.Of(new CancellationToken(canceled: true), "eval", "--weights", Snapshot("S_1"), "--voc", _files.Root, "--split", "train");
        Assert.Equal(130, run.Status);
    }

    private void AssertPageAboutBoth(string report)
    {
        var page = new ReportPage(report);
        page.AssertSound();
        Assert.Equal(2, page.Section("snapshots").Descendants("tbody").Last().Elements("tr").Count());
        Assert.Equal(4, page.Section("worst").Descendants("img").Count());
        Assert.Equal(4, page.Section("best").Descendants("img").Count());
        string about = page.Section("about").Value;
        Assert.Contains($"deeplab eval --snapshots {Snapshots} --snapPrefix S_", about, StringComparison.Ordinal);
        Assert.Contains("DeepLab-ResNet-18, 2 classes", about, StringComparison.Ordinal);
        Assert.Matches("Checksum[0-9a-f]{16}", about);
    }

    private static void AssertFails(int status, string message, params string[] args)
    {
        CliRun run = CliRun.Of(["eval", .. args]);
        Assert.Equal((status, message), (run.Status, run.Error));
    }

    private string Snapshot(string name) => Path.Combine(Snapshots, name + ".safetensors");
}
