using DeepLab.Imaging;
using DeepLab.Tests.Data;
using DeepLab.Tests.Visualization;
using DeepLab.Visualization;
using Xunit;

namespace DeepLab.Tests.Cli;

/// <summary>What <c>predict</c> writes besides label images and overlays, and where.</summary>
public sealed class PredictFormatsTests : IDisposable
{
    private static readonly string s_photographs = Path.Combine(AppContext.BaseDirectory, "Golden", "predict");

    private readonly TinyDataset _files = new();

    public PredictFormatsTests()
    {
        TinyNetwork.Save(Weights, 2);
        File.WriteAllText(Path.Combine(_files.Root, "names.txt"), "0 sky\n1 dry land\n");
        TinyDataset.RandomImage(50, 70, 1).Save(Photograph);
    }

    private string Weights => Path.Combine(_files.Root, "net.safetensors");

    private string Photograph => _files.ImagePath("photo", ".png");

    private string Output => Path.Combine(_files.Root, "out");

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Chosen_classes_are_cut_out_and_the_labels_keep_all()
    {
        CliRun run = Predict("--only", "DRY land", Photograph);
        Assert.Equal((0, ""), (run.Status, run.Error));
        Assert.EndsWith($"\nmasks, overlays and cut-outs: {Output}\n", run.Out, StringComparison.Ordinal);
        Assert.Equal(["photo.png", "photo_cutout.png", "photo_overlay.jpg"], Written());
        LabelMap labels = LabelMap.Load(Path.Combine(Output, "photo.png"));
        Assert.Equal([0, 1], labels.Labels.Distinct().Order().Select(l => (int)l));
        RgbImage photograph = RgbImage.Load(Photograph);
        (int height, int width, byte[] pixels) = CutoutTests.DecodeRgba(File.ReadAllBytes(Path.Combine(Output, "photo_cutout.png")));
        Assert.Equal((50, 70), (height, width));
        for (int i = 0; i < labels.Labels.Length; i++)
            Assert.Equal(labels.Labels[i] == 1 ? [.. photograph.Pixels.AsSpan(3 * i, 3), 255] : new byte[4], pixels[(4 * i)..((4 * i) + 4)]);

        // The legend names the one class, in one row.
        Assert.Equal(50 + 14, RgbImage.ReadSize(Path.Combine(Output, "photo_overlay.jpg")).Height);
    }

    [Fact]
    public void Labels_are_written_as_run_lengths_or_to_a_pipe_which_carries_nothing_else()
    {
        byte[] image = File.ReadAllBytes(Photograph);
        (CliRun png, byte[] mask) = Piped(image, "-");
        Assert.Equal((0, ""), (png.Status, png.Out));
        Assert.Matches("^-: (sky|dry land) [^\n]*%\n$", png.Error);
        LabelMap labels = LabelMap.Decode(mask, "mask");
        Assert.Equal((50, 70), (labels.Height, labels.Width));

        (CliRun rle, byte[] piped) = Piped(image, "--format", "rle", "-");
        Assert.Equal((0, ""), (rle.Status, rle.Out));
        Assert.Equal(MaskJson.Encode(labels, "-", ["sky", "dry land"], compressed: true), piped);

        CliRun json = Predict("--format", "json", "--no-overlay", Photograph);
        Assert.Equal((0, ""), (json.Status, json.Error));
        Assert.EndsWith($"\nmasks: {Output}\n", json.Out, StringComparison.Ordinal);
        Assert.Equal(["photo.json"], Written());
        Assert.Equal(MaskJson.Encode(labels, "photo.png", ["sky", "dry land"], compressed: false), File.ReadAllBytes(Path.Combine(Output, "photo.json")));

        (_, byte[] cutout) = Piped([], "--only", "1", Photograph);
        Assert.Equal(Cutout.Encode(RgbImage.Load(Photograph), labels, [1]), cutout);

        (CliRun garbage, byte[] nothing) = Piped("no image"u8.ToArray(), "-");
        Assert.Equal((1, "", 0), (garbage.Status, garbage.Out, nothing.Length));
        Assert.StartsWith("deeplab: standard input: this is no JPEG or PNG image", garbage.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Photographs_are_turned_upright_large_ones_get_masks_of_their_size_and_standard_input_is_called_stdin()
    {
        string large = Path.Combine(_files.Root, "large.png");
        TinyDataset.RandomImage(131, 210, 4).Save(large);
        (CliRun run, _) = CliRun.Piped(
            File.ReadAllBytes(Path.Combine(s_photographs, "exif6.jpg")), "predict", "-w", Weights, "-o", Output, "--max-side", "64", "--crf", "--crf-iterations", "1", large, "-");
        Assert.Equal((0, ""), (run.Status, run.Error));
        Assert.Equal((17, 11), RgbImage.ReadSize(Path.Combine(Output, "stdin.png")));
        Assert.Equal((17, 11), RgbImage.ReadSize(Path.Combine(Output, "stdin_overlay.jpg")));
        Assert.Equal((131, 210), RgbImage.ReadSize(Path.Combine(Output, "large.png")));
        byte[] refined = File.ReadAllBytes(Path.Combine(Output, "large.png"));
        Predict("--max-side", "64", large);
        Assert.NotEqual(refined, File.ReadAllBytes(Path.Combine(Output, "large.png")));
    }

    [Fact]
    public void Many_images_are_told_in_order()
    {
        string[] images = [.. Enumerable.Range(0, 3).Select(i => Path.Combine(_files.Root, $"p{i}.png"))];
        for (int i = 0; i < images.Length; i++) TinyDataset.RandomImage(34 + (i * 7), 40, (ulong)i).Save(images[i]);
        File.WriteAllText(images[1], "");
        CliRun run = Predict(images);
        Assert.Equal(1, run.Status);
        Assert.Equal([images[0], images[2]], run.Out.Split('\n')[..2].Select(l => l[..l.IndexOf(':', StringComparison.Ordinal)]));
        Assert.StartsWith($"deeplab: {images[1]}: the file is empty", run.Error, StringComparison.Ordinal);
        Assert.Equal(4, Written().Length);
    }

    [Fact]
    public void Wrong_usage_is_told_before_anything_is_predicted()
    {
        AssertUsage("there is no class 'cat'; there are 0 to 1: sky, dry land", "--only", "sky,cat", "-o", Output);
        AssertUsage("there is no class '2'", "--only", "2", "-o", Output);
        AssertUsage("there is no class ''", "--only", "", "-o", Output);
        AssertUsage("--only writes a PNG to standard output, but --format rle writes JSON", "--only", "1", "--format", "rle", "-o", "-");
        AssertUsage("--output - takes one image, but there are 2", "-o", "-", "other.jpg");
        AssertUsage("--max-side is 7, expected 0, or 33 to 26000", "--max-side", "7", "-o", Output);
        AssertUsage("'tiff'", "--format", "tiff", "-o", Output);
        AssertUsage("--crf-iterations requires --crf", "--crf-iterations", "3", "-o", Output);
        Assert.False(Directory.Exists(Output));
    }

    [Fact]
    public void Help_tells_the_limits_and_an_example_of_a_pipe()
    {
        CliRun run = CliRun.Of("predict", "--help");
        Assert.Equal((0, ""), (run.Status, run.Error));
        Assert.Contains("[default: 1025]", run.Out, StringComparison.Ordinal);
        Assert.Contains("EXIF", run.Out, StringComparison.Ordinal);
        Assert.Contains("-o - - > mask.png", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Outputs_of_two_images_never_meet()
    {
        string odd = Path.Combine(_files.Root, "photo_cutout.png");
        File.Copy(Photograph, odd);
        CliRun both = Predict("--only", "1", Photograph, odd);
        Assert.Equal(
            (1, $"deeplab: {Photograph} and {odd} would both be written to {Output}/photo_cutout.png: predict them into different folders\n"), (both.Status, both.Error));
        CliRun onTop = CliRun.Of("predict", "-w", Weights, "-o", _files.Root, "--only", "1", Photograph, odd);
        Assert.Equal(1, onTop.Status);
        Assert.StartsWith($"deeplab: {odd} would be overwritten by an output for {Photograph}", onTop.Error, StringComparison.Ordinal);
    }

    private string[] Written() => [.. Directory.GetFiles(Output).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    private CliRun Predict(params string[] args) => CliRun.Of(["predict", "-w", Weights, "-o", Output, "--classes-file", Path.Combine(_files.Root, "names.txt"), .. args]);

    private (CliRun Run, byte[] Output) Piped(byte[] input, params string[] args) =>
        CliRun.Piped(input, ["predict", "-w", Weights, "-o", "-", "--classes-file", Path.Combine(_files.Root, "names.txt"), .. args]);

    private void AssertUsage(string message, params string[] args)
    {
        CliRun run = CliRun.Of(["predict", "-w", Weights, "--classes-file", Path.Combine(_files.Root, "names.txt"), Photograph, .. args]);
        Assert.Equal((2, ""), (run.Status, run.Out));
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
        Assert.Equal(1, run.Error.Count(c => c == '\n'));
    }
}
