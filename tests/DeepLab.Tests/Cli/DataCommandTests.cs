using System.Text.Json.Nodes;
using DeepLab.Tests.Data;
using Xunit;

namespace DeepLab.Tests.Cli;

public sealed class DataCommandTests : IDisposable
{
    private readonly TinyDataset _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void A_sound_dataset_is_told_by_numbers()
    {
        File.WriteAllText(Path.Combine(_files.Root, "labels.txt"), "0 ground\n1 tree\n");
        _files.Add("a", 4, 6, ".png", 0, 1).Add("b", 2, 10, ".png", 0, 255).Add("c", 4, 6, ".png", 0).List("a", "b", "c");
        CliRun run = CliRun.Of("data", "check", "--voc", _files.Root, "--classes", "2");
        Assert.Equal((0, ""), (run.Status, run.Error));
        Assert.Equal(
            $"""
            {_files.ListPath()}: 3 listed, 3 usable for training
            widths 6 to 10 (median 6), heights 2 to 4 (median 4), 2 different sizes

            label  class     share   images
                0  ground    67.6%        3
                1  tree      17.6%        1
              255  ignored   14.7%        1

            no problems found

            """,
            run.Out);
    }

    [Fact]
    public void Faults_are_listed_errors_first_and_the_status_says_so()
    {
        _files.Add("good", values: [0, 1]).Add("bad", values: [0, 9]).List("good", "good", "bad", "gone");
        string json = Path.Combine(_files.Root, "report.json");
        CliRun run = CliRun.Of("data", "check", "--voc", _files.Root, "--classes", "3", "--threads", "2", "--json", json);
        Assert.Equal((1, ""), (run.Status, run.Error));
        string[] problems = [.. run.Out.Split('\n').Where(l => l.StartsWith("error", StringComparison.Ordinal) || l.StartsWith("warning", StringComparison.Ordinal))];
        Assert.Equal(5, problems.Length);
        Assert.Equal(
            $"error: {_files.LabelPath("bad")}: label value 9 at pixel x 1, y 0, expected 0 to 2 or 255 (ignored): give --classes N, or give --map-label 9=NEW", problems[0]);
        Assert.Equal($"error: {_files.ImagePath("gone")}: is not there", problems[1]);
        Assert.Equal($"warning: {_files.ListPath()}: good is listed 2 times", problems[3]);
        Assert.Equal("warning: no pixel has class 2 (class 2)", problems[4]);
        Assert.Contains("       none of these   16.7%", run.Out.Split('\n'));

        JsonNode report = JsonNode.Parse(File.ReadAllText(json))!;
        Assert.Equal((4, 2), ((int)report["listed"]!, (int)report["usable"]!));
        Assert.Equal(["missingFile", "missingFile"], report["problems"]!.AsArray().Where(p => (string)p!["level"]! == "error").Skip(1).Select(p => (string)p!["kind"]!));
        Assert.Equal(6, (int)report["heights"]!["median"]!);
        Assert.Equal(255, (int)report["ignored"]!["label"]!);
    }

    [Fact]
    public void Warnings_alone_are_no_failure_and_an_ignored_foreground_is_one()
    {
        _files.Add("a", values: [0, 1]).List("a");
        Assert.Equal(0, CliRun.Of("data", "check", "--voc", _files.Root, "--classes", "3").Status);
        _files.AddLabels("a", 6, 8, 0, 255);
        CliRun run = CliRun.Of("data", "check", "--voc", _files.Root, "--classes", "2");
        Assert.Equal(1, run.Status);
        Assert.Contains("--map-label 255=1", run.Out, StringComparison.Ordinal);
        Assert.Equal(0, CliRun.Of("data", "check", "--voc", _files.Root, "--classes", "2", "--map-label", "255=1").Status);
    }

    [Fact]
    public void A_dataset_that_is_not_there_is_an_error()
    {
        CliRun run = CliRun.Of("data", "check", "--voc", _files.Root, "--split", "trian");
        Assert.Equal(1, run.Status);
        Assert.EndsWith("trian.txt: there is no such list; the folder has no list at all\n", run.Error, StringComparison.Ordinal);
    }
}
