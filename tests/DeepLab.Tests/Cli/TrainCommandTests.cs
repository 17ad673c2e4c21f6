using System.Globalization;
using DeepLab.Data;
using DeepLab.Imaging;
using DeepLab.Models;
using DeepLab.Weights;
using Xunit;

namespace DeepLab.Tests.Cli;

/// <summary>A few synthetic images, and a folder for the files that commands write.</summary>
public sealed class ShapesFixture : IDisposable
{
    public ShapesFixture() => SyntheticShapes.Write(Root, trainCount: 3, valCount: 1, seed: 5);

    /// <summary>
    /// A network for them, to train without first initializing weights at random and measuring batch norms.
    /// </summary>
    public string Network
    {
        get
        {
            string path = PathOf("start.safetensors");
            if (!File.Exists(path)) TinyNetwork.Save(path, SyntheticShapes.ClassNames.Count);
            return path;
        }
    }

    public static string Classes => SyntheticShapes.ClassNames.Count.ToString(CultureInfo.InvariantCulture);

    public string Root { get; } = Directory.CreateTempSubdirectory("deeplab-cli-").FullName;

    public string PathOf(string name) => Path.Combine(Root, name);

    public void Dispose() => Directory.Delete(Root, recursive: true);
}

public sealed class TrainCommandTests(ShapesFixture shapes) : IClassFixture<ShapesFixture>
{
    [Fact]
    public void Training_writes_a_snapshot_and_a_log_and_goes_on_from_a_snapshot_with_other_classes()
    {
        string snapshots = shapes.PathOf("first");
        CliRun result = Train("first", "--init", "scratch", "--depth", "18", "--max-iter", "2", "--gpu0", "3");

        Assert.Equal(0, result.Status);
        Assert.StartsWith("note: --gpu0 is ignored", result.Error, StringComparison.Ordinal);
        string snapshot = Path.Combine(snapshots, "VOC12_scenes_2.pth");
        Assert.Equal(new DeepLabConfiguration(18, SyntheticShapes.ClassNames.Count), NetworkFile.ReadConfiguration(snapshot));
        Assert.Equal(3, File.ReadAllLines(Path.Combine(snapshots, "log.csv")).Length);
        Assert.Contains("iteration 2/2  loss ", result.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("iteration 1/2", result.Out, StringComparison.Ordinal);
        Assert.Contains($"snapshot {snapshot}", result.Out, StringComparison.Ordinal);
        Assert.Contains(" % of it waiting for images", result.Out, StringComparison.Ordinal);

        CliRun next = Train("second", "--init", snapshot, "--classes", "21", "--max-iter", "1", "--snapshot-format", "safetensors");

        Assert.Equal(0, next.Status);
        Assert.Contains("has no last layer for 21 classes; the last layer is initialised at random", next.Error, StringComparison.Ordinal);
        Assert.Equal(new DeepLabConfiguration(18, 21), NetworkFile.ReadConfiguration(Path.Combine(shapes.PathOf("second"), "VOC12_scenes_1.safetensors")));

        CliRun wrongDepth = Train("third", "--init", snapshot, "--depth", "34");
        Assert.Equal(1, wrongDepth.Status);
        Assert.Contains("give --depth 18", wrongDepth.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void An_interrupted_training_finishes_its_update_writes_a_snapshot_and_exits_with_130()
    {
        using var interruption = new CancellationTokenSource();
        interruption.Cancel();
        CliRun result = Train(interruption.Token, "interrupted", "--init", shapes.Network, "--max-iter", "50");

        Assert.Equal(130, result.Status);
        Assert.True(File.Exists(Path.Combine(shapes.PathOf("interrupted"), "VOC12_scenes_1.pth")));
        Assert.Contains("interrupted after 1 iteration in ", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void A_loss_that_is_not_finite_stops_the_run_and_names_iteration_and_image()
    {
        CliRun result = Train("wild", "--init", shapes.Network, "--max-iter", "50", "--lr", "1e6");

        Assert.Equal(1, result.Status);
        Assert.Matches(@"^deeplab: the loss is \S+ in iteration \d+ at image train_000[123]", result.Error);
        Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void Training_without_weights_asks_for_a_file_or_scratch()
    {
        CliRun result = Train("none");

        Assert.Equal(1, result.Status);
        Assert.Contains("--init scratch", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Masks_of_0_and_255_stop_the_run_before_it_starts()
    {
        string images = shapes.PathOf("JPEGImages"), masks = Directory.CreateDirectory(shapes.PathOf("masks")).FullName, list = shapes.PathOf("masks.txt");
        RgbImage image = RgbImage.Load(Path.Combine(images, "train_0001.jpg"));
        var mask = new LabelMap(image.Height, image.Width);
        mask.Labels.AsSpan(0, 1000).Fill(255);
        mask.Save(Path.Combine(masks, "train_0001.png"), Palette.Voc);
        File.WriteAllText(list, "train_0001\n");

        CliRun result = CliRun.Of("train", "--images", images, "--labels", masks, "--list", list, "--classes", "2", "--init", "scratch");

        Assert.Equal(1, result.Status);
        Assert.Contains("--map-label 255=1", result.Error, StringComparison.Ordinal);
        Assert.Contains("training was not started because of the error above", result.Error, StringComparison.Ordinal);
    }

    private CliRun Train(string snapshots, params string[] more) => Train(CancellationToken.None, snapshots, more);

    private CliRun Train(CancellationToken cancellation, string snapshots, params string[] more)
    {
        string[] common = ["train", "--voc", shapes.Root, "--crop", "33", "--iter-size", "1", "--threads", "1", "--snapshots", shapes.PathOf(snapshots)];
        string[] classes = more.Contains("--classes") ? [] : ["--classes", ShapesFixture.Classes];
        return CliRun.Of(cancellation, [.. common, .. classes, .. more]);
    }
}
