using System.Text.Json.Nodes;
using DeepLab.Imaging;
using DeepLab.Tests.Data;
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
        _files.Add("one", 40, 60, ".jpg").List("one");
        File.Move(_files.ListPath(), _files.ListPath("val"));
        TinyNetwork.Save(Snapshot("S_1000"), 2, seed: 1);
        TinyNetwork.Save(Snapshot("S_200"), 2, seed: 2);
        File.WriteAllText(Snapshot("other_1"), "not looked at");
        string json = Path.Combine(_files.Root, "new", "m.json"), pictures = Path.Combine(_files.Root, "pictures");
        CliRun run = CliRun.Of("eval", "--snapshots", Snapshots, "--snapPrefix", "S_", "--voc", _files.Root, "--json", json, "--visualize", "--output", pictures);
        Assert.Equal("", run.Error);
        Assert.Equal(0, run.Status);

        string[] lines = run.Out.Split('\n');
        string[] means = [.. lines.Where(l => l.StartsWith("mean IoU ", StringComparison.Ordinal))];
        Assert.Equal(2, means.Length);
        Assert.All(means, m => Assert.Matches(@"^mean IoU 0\.\d{4}$", m));
        Assert.StartsWith($"{Snapshot("S_200")}: DeepLab-ResNet-18, 2 classes, 1 image of ", lines[0], StringComparison.Ordinal);
        Assert.Contains("\nbest of 2: ", run.Out, StringComparison.Ordinal);

        JsonArray measures = JsonNode.Parse(File.ReadAllText(json))!.AsArray();
        Assert.Equal([Snapshot("S_200"), Snapshot("S_1000")], measures.Select(m => (string)m!["weights"]!));
        Assert.Equal(means, measures.Select(m => FormattableString.Invariant($"mean IoU {(double)m!["meanIoU"]!:0.0000}")));
        RgbImage picture = RgbImage.Load(Path.Combine(pictures, "S_1000", "one.jpg"));
        Assert.Equal((40, 120), (picture.Height, picture.Width));
    }

    [Fact]
    public void Wrong_places_and_contradictions_are_told_in_one_line()
    {
        _files.Add("one").List("one", "gone");
        string weights = Snapshot("S_1");
        TinyNetwork.Save(weights, 2);
        AssertFails(1, $"deeplab: {_files.Root}/nowhere: there is no such folder; it should hold snapshots, VOC12_scenes_<iteration>(.pth|.safetensors)\n", "--snapshots", $"{_files.Root}/nowhere");
        AssertFails(1, $"deeplab: {Snapshots}: holds no snapshot X_<iteration>(.pth|.safetensors); it has S_1.safetensors\n", "--snapshots", Snapshots, "--snapshot-prefix", "X_");
        AssertFails(2, "deeplab: --weights and --snapshots exclude each other: one file, or all snapshots of a folder; see deeplab eval --help\n", "--weights", weights, "--snapshots", Snapshots);
        AssertFails(2, "deeplab: --output is for the pictures of --visualize, which is missing; see deeplab eval --help\n", "--weights", weights, "--output", "x");
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

    private static void AssertFails(int status, string message, params string[] args)
    {
        CliRun run = CliRun.Of(["eval", .. args]);
        Assert.Equal((status, message), (run.Status, run.Error));
    }

    private string Snapshot(string name) => Path.Combine(Snapshots, name + ".safetensors");
}
