using DeepLab.Tests.Training.TensorBoard;
using Xunit;

namespace DeepLab.Tests.Cli;

public sealed class WatchArgumentsTests(ShapesFixture shapes) : IClassFixture<ShapesFixture>
{
    [Fact]
    public void A_watched_run_prints_its_mean_IoU_and_writes_it_to_eval_csv_and_to_an_event_file()
    {
        string snapshots = shapes.PathOf("watched"), runs = shapes.PathOf("runs");
        CliRun result = Train("--voc", shapes.Root, "--snapshots", snapshots, "--max-iter", "3", "--eval-every", "2", "--log-dir", runs);

        Assert.Equal(0, result.Status);
        Assert.Contains($"validation  1 images every 2 iterations ({Path.Combine(shapes.Root, "ImageSets", "Segmentation", "val.txt")})", result.Out, StringComparison.Ordinal);
        string events = Assert.Single(Directory.GetFiles(runs));
        Assert.Contains($"events      {events}", result.Out, StringComparison.Ordinal);
        List<EventRecord> records = EventReader.Read(events, out int cut);
        Assert.Equal(0, cut);
        Assert.Equal(
            [
                (0ul, 0), (1ul, 6), (2ul, 6), (2ul, 2), (2ul, 1), (3ul, 6), (3ul, 2), (3ul, 1),
            ],
            records.Select(r => (r.Step, r.Values.Count)));
        string[] measures = File.ReadAllLines(Path.Combine(snapshots, "eval.csv"));
        Assert.Equal(3, measures.Length);
        float meanIoU = records[6].Values[0].Number!.Value;
        Assert.Equal(FormattableString.Invariant($"3,{meanIoU:G7}"), string.Join(',', measures[2].Split(',')[..2]));
        Assert.Matches(FormattableString.Invariant($@"iteration 3  mean IoU {meanIoU:0.0000}  pixel accuracy 0\.\d{{4}}  evaluated in \d+s"), result.Out);
        Assert.Matches(@"iteration 2  mean IoU 0\.\d{4}", result.Out);
    }

    [Fact]
    public void A_list_dataset_is_evaluated_on_the_list_that_is_given()
    {
        string list = Path.Combine(shapes.Root, "ImageSets", "Segmentation", "val.txt");
        string[] dataset =
        [
            "--images", Path.Combine(shapes.Root, "JPEGImages"), "--labels", Path.Combine(shapes.Root, "SegmentationClass"),
            "--list", Path.Combine(shapes.Root, "ImageSets", "Segmentation", "train.txt"), "--snapshots", shapes.PathOf("list"), "--max-iter", "1",
        ];
        CliRun result = Train([.. dataset, "--eval-every", "5", "--eval-list", list]);
        Assert.Equal(0, result.Status);
        Assert.Contains($"validation  1 images every 5 iterations ({list})", result.Out, StringComparison.Ordinal);
        Assert.Matches(@"iteration 1  mean IoU 0\.\d{4}", result.Out);

        AssertUsage(Train([.. dataset, "--eval-every", "5"]), "there is no validation list: the default data/list/val.txt does not exist; give --eval-list FILE");
        AssertUsage(Train([.. dataset, "--eval-every", "5", "--eval-split", "val"]), "--eval-split requires --voc ROOT; with --images give --eval-list FILE");
    }

    [Theory]
    [InlineData("--eval-split val", "--eval-split requires --eval-every N")]
    [InlineData("--eval-list val.txt", "--eval-list requires --eval-every N")]
    [InlineData("--eval-every 2 --eval-list val.txt", "--voc and --eval-list are mutually exclusive: give --eval-split NAME")]
    [InlineData("--eval-every 0", "--eval-every is 0, expected at least 1")]
    public void Options_that_contradict_each_other_are_wrong_usage(string options, string told) =>
        AssertUsage(Train(["--voc", shapes.Root, .. options.Split(' ')]), told);

    [Fact]
    public void A_validation_split_that_is_not_there_or_has_no_files_stops_the_run_before_it_starts()
    {
        CliRun missing = Train("--voc", shapes.Root, "--eval-every", "2", "--eval-split", "test");
        Assert.Equal(1, missing.Status);
        Assert.Contains("test.txt: there is no such list; the lists there are ", missing.Error, StringComparison.Ordinal);

        File.WriteAllText(Path.Combine(shapes.Root, "ImageSets", "Segmentation", "gone.txt"), "gone_0001\n");
        CliRun gone = Train("--voc", shapes.Root, "--eval-every", "2", "--eval-split", "gone", "--log-dir", shapes.PathOf("never"));
        Assert.Equal(1, gone.Status);
        Assert.Contains("2 of the listed files are missing", gone.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(shapes.PathOf("never")));
    }

    private static void AssertUsage(CliRun result, string told)
    {
        Assert.Equal(2, result.Status);
        Assert.StartsWith($"deeplab: {told}; see deeplab train --help", result.Error, StringComparison.Ordinal);
    }

    private CliRun Train(params string[] more) => CliRun.Of(
        [
            "train", "--init", shapes.Network, "--crop", "33", "--iter-size", "1", "--threads", "1", "--classes", ShapesFixture.Classes, .. more,
        ]);
}
