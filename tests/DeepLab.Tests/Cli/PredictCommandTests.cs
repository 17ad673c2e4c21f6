using DeepLab.Imaging;
using DeepLab.IO;
using DeepLab.Tests.Data;
using Xunit;

namespace DeepLab.Tests.Cli;

public sealed class PredictCommandTests : IDisposable
{
    private readonly TinyDataset _files = new();

    private string Weights => Path.Combine(_files.Root, "net.safetensors");

    private string Output => Path.Combine(_files.Root, "out", "masks");

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Every_image_gets_a_mask_an_overlay_scores_and_a_line_and_an_unreadable_one_is_told()
    {
        TinyNetwork.Save(Weights, 2);
        File.WriteAllText(Path.Combine(_files.Root, "labels.txt"), "0 sky\n1 dry land\n");
        TinyDataset.RandomImage(50, 70, 1).Save(_files.ImagePath("a b's ünï", ".png"));
        File.WriteAllText(_files.ImagePath("broken"), "no picture");
        File.WriteAllText(_files.ImagePath("._a", ".png"), "left behind by another system");
        string odd = Path.Combine(_files.Root, "x.y.JPEG");
        TinyDataset.RandomImage(30, 20, 2).Save(odd);
        string scores = Path.Combine(_files.Root, "scores");

        CliRun run = CliRun.Of("predict", "--weights", Weights, "-o", Output, "--save-scores", scores, _files.Images, odd);
        Assert.Equal(1, run.Status);
        Assert.StartsWith($"deeplab: {_files.ImagePath("broken")}: ", run.Error, StringComparison.Ordinal);
        Assert.EndsWith("deeplab: 1 of 3 images could not be predicted\n", run.Error, StringComparison.Ordinal);
        string[] lines = run.Out.TrimEnd('\n').Split('\n');
        Assert.Equal(3, lines.Length);
        Assert.Matches(@"a b's ünï\.png: (sky|dry land) \d+\.\d%", lines[0]);
        Assert.Matches(@"x\.y\.JPEG: class [01] \d+\.\d%", lines[1]);
        Assert.Equal($"masks and overlays: {Output}", lines[2]);

        Assert.Equal(
            ["a b's ünï.png", "a b's ünï_overlay.jpg", "x.y.png", "x.y_overlay.jpg"],
            Directory.GetFiles(Output).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));
        LabelMap mask = LabelMap.Load(Path.Combine(Output, "a b's ünï.png"));
        Assert.Equal((50, 70), (mask.Height, mask.Width));
        RgbImage overlay = RgbImage.Load(Path.Combine(Output, "x.y_overlay.jpg"));
        Assert.Equal((30, 20), (overlay.Height, overlay.Width));
        (int[] shape, float[] values) = NpyFile.Read(Path.Combine(scores, "x.y.npy"));
        Assert.Equal([2, 65, 65], shape);

        // The top left pixel's label is the arg-max of the scores there.
        float[] corner = [values[0], values[65 * 65]];
        Assert.Equal(Array.IndexOf(corner, corner.Max()), LabelMap.Load(Path.Combine(Output, "x.y.png")).Labels[0]);
    }

    [Fact]
    public void Nothing_is_replaced_that_was_not_written_for_the_same_image()
    {
        _files.Add("a", extension: ".png").Add("a", extension: ".jpg");
        CliRun same = Predict(Output, _files.Images);
        Assert.Equal((1, $"deeplab: {_files.ImagePath("a")} and {_files.ImagePath("a", ".png")} would both be written to {Output}/a.png: predict them into different folders\n"), (same.Status, same.Error));
        CliRun onTop = Predict(_files.Images, _files.ImagePath("a", ".png"));
        Assert.Equal(1, onTop.Status);
        Assert.Contains("would be overwritten by an output for", onTop.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Output));
    }

    [Fact]
    public void Wrong_usage_and_wrong_files_are_told_in_one_line()
    {
        Directory.CreateDirectory(Path.Combine(_files.Root, "empty"));
        CliRun empty = Predict(Output, Path.Combine(_files.Root, "empty"));
        Assert.Equal((1, $"deeplab: {_files.Root}/empty: the folder has no .jpg, .jpeg or .png file (subfolders are not searched)\n"), (empty.Status, empty.Error));
        Assert.Equal(2, CliRun.Of("predict", "--weights", Weights, "-o", Output).Status);
        Assert.Equal(2, CliRun.Of("predict", "-o", Output, "x.jpg").Status);
        Assert.Equal(2, CliRun.Of("predict", "--weights", Weights, "x.jpg").Status);
        Assert.Equal(2, Predict("", "x.jpg").Status);

        CliRun gone = Predict(Output, "x.jpg");
        Assert.Equal(1, gone.Status);
        Assert.StartsWith($"deeplab: {Weights}: cannot be read: ", gone.Error, StringComparison.Ordinal);
        File.WriteAllBytes(Weights, new byte[64]);
        CliRun corrupt = Predict(Output, "x.jpg");
        Assert.Equal((1, 1), (corrupt.Status, corrupt.Error.Count(c => c == '\n')));
        Assert.StartsWith($"deeplab: {Weights}: not a valid safetensors file", corrupt.Error, StringComparison.Ordinal);
    }

    private CliRun Predict(string output, params string[] images) => CliRun.Of(["predict", "--weights", Weights, "-o", output, .. images]);
}
