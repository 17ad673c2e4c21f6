using System.Text;
using DeepLab.Crf;
using DeepLab.Imaging;
using DeepLab.Inference;
using DeepLab.IO;
using DeepLab.Tensors;
using DeepLab.Tests.Data;
using Xunit;

namespace DeepLab.Tests.Cli;

public sealed class CrfCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("deeplab-crf-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Labels_and_marginals_are_those_of_pydensecrf()
    {
        string golden = Path.Combine(AppContext.BaseDirectory, "Golden", "crf"), photo = Path.Combine(golden, "photo.png"), scores = Path.Combine(golden, "photo-scores.npy");
        CliRun run = CliRun.Of("crf", photo, scores, "-o", At("labels.png"));
        RgbImage image = RgbImage.Load(photo);
        (int[] coarse, _) = NpyFile.Read(scores);
        Assert.Equal((0, "", $"labels of {image.Width}×{image.Height} pixels and {coarse[0]} classes, from {coarse[2]}×{coarse[1]} scores over the image, 10 iterations: {At("labels.png")}\n"), (run.Status, run.Error, run.Out));
        byte[] labels = LabelMap.Load(Path.Combine(golden, "photo-labels.png")).Labels;
        Assert.InRange(labels.Zip(LabelMap.Load(At("labels.png")).Labels).Count(pair => pair.First != pair.Second), 0, labels.Length / 1000);

        Assert.Equal(0, CliRun.Of("crf", photo, scores, "--output", At("new/marginals.npy"), "--threads", "1").Status);
        (int[] shape, float[] marginals) = NpyFile.Read(At("new/marginals.npy"));
        Assert.Equal([coarse[0], image.Height, image.Width], shape);
        (int[] part, float[] expected) = NpyFile.Read(Path.Combine(golden, "photo-marginals.npy"));
        double largest = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            int c = i / (part[1] * part[2]), y = i / part[2] % part[1] * 2, x = i % part[2] * 2;
            largest = Math.Max(largest, Math.Abs(expected[i] - marginals[(((c * image.Height) + y) * image.Width) + x]));
        }

        Assert.InRange(largest, 0, 2e-5);
    }

    [Fact]
    public void A_photograph_is_turned_by_EXIF_as_predict_turns_it()
    {
        NpyFile.Write(At("scores.npy"), [2, 17, 11], new float[2 * 17 * 11]);
        CliRun run = CliRun.Of("crf", Path.Combine(AppContext.BaseDirectory, "Golden", "predict", "exif6.jpg"), At("scores.npy"), "-o", At("labels.png"));
        Assert.Equal((0, ""), (run.Status, run.Error));
        Assert.Equal((17, 11), RgbImage.ReadSize(At("labels.png")));
    }

    [Fact]
    public void Scores_that_predict_saved_give_the_labels_of_refining_them_at_once()
    {
        RgbImage image = SaveImage("photo.png", 40, 60);
        float[] values = [.. HashUniform.Values(HashUniform.Seed("crf", "padded"), 65 * 65 * 3).Select(u => 5 * u)];
        var map = new ScoreMap(values, new MapSize(65, 65), 3, 513);
        ScoreFile.Write(At("scores.npy"), map.Values, map.Size, map.Classes);
        string[] colors = ["--crf-color-deviation", "50", "--crf-iterations", "2"];

        Assert.Equal($"labels of 60×40 pixels and 3 classes, from 65×65 scores over its padded square of 513, 2 iterations: {At("labels.png")}\n", Crf("labels.png", [.. colors, "--padded"]).Out);
        using var refinement = new CrfRefinement(new DenseCrfOptions { Iterations = 2, ColorDeviation = 50 });
        Assert.Equal(refinement.Labels(map, image).Labels, LabelMap.Load(At("labels.png")).Labels);
        Assert.Equal(0, Crf("again.png", [.. colors, "--padded-side", "513"]).Status);
        Assert.Equal(File.ReadAllBytes(At("labels.png")), File.ReadAllBytes(At("again.png")));

        // Without the option, 65 rows are more than the image has.
        Assert.Equal(
            (1, $"deeplab: {At("scores.npy")}: scores of 65×65 (height × width), more than the 40×60 pixels that they cover: give the image they were computed for, or tell how far it was padded\n"),
            ErrorOf(Crf("labels.png")));
        Assert.Equal(
            (1, "deeplab: --padded-side is 59, but an image of 60×40 is padded to 60 or more\n"), ErrorOf(Crf("labels.png", "--padded-side", "59")));
    }

    [Fact]
    public void Probabilities_are_taken_as_they_are_and_resized_between_their_corners()
    {
        SaveImage("photo.png", 3, 3);
        NpyFile.Write(At("scores.npy"), [2, 2, 2], new float[] { 1, 0.5f, 0.25f, 0, 0, 0.5f, 0.75f, 1 });
        Assert.Equal(0, Crf("out.npy", "--probabilities", "--crf-iterations", "0").Status);
        (_, float[] marginals) = NpyFile.Read(At("out.npy"));
        float[] expected = [1, 0.75f, 0.5f, 0.625f, 0.4375f, 0.25f, 0.25f, 0.125f, 0];
        float[] all = [.. expected, .. expected.Select(p => 1 - p)];
        Assert.All(all.Zip(marginals), pair => Assert.Equal(pair.First, pair.Second, 2e-5));

        // As scores, the same numbers go through the softmax.
        Assert.Equal(0, Crf("out.npy", "--crf-iterations", "0").Status);
        (_, marginals) = NpyFile.Read(At("out.npy"));
        Assert.Equal(Math.E / (Math.E + 1), marginals[0], 1e-6);
    }

    [Theory]
    [InlineData(new[] { 2, 3 }, null, "an array of shape [2, 3]; expected the scores of one image, [classes, height, width]")]
    [InlineData(new[] { 1, 2, 3, 4 }, null, "an array of shape [1, 2, 3, 4]; expected the scores of one image, [classes, height, width]")]
    [InlineData(new[] { 2, 0, 3 }, null, "an array of shape [2, 0, 3]; expected the scores of one image, [classes, height, width]")]
    [InlineData(new[] { 375, 5, 2 }, null, "an array of shape [375, 5, 2] has 375 classes, and 255 are the most; expected the order [classes, height, width]")]
    [InlineData(new[] { 2, 8, 6 }, null, "scores of 8×6 (height × width), more than the 6×8 pixels that they cover: give the image they were computed for, or tell how far it was padded")]
    [InlineData(new[] { 2, 2, 2 }, new[] { 0f, 1, 2, 3, 4, 5, float.NaN, 7 }, "the score of class 1 at row 1, column 0 is NaN; expected a number from -1e30 to 1e30")]
    [InlineData(new[] { 1, 1, 2 }, new[] { 0f, float.NegativeInfinity }, "the score of class 0 at row 0, column 1 is -Infinity; expected a number from -1e30 to 1e30")]
    public void Arrays_that_are_no_scores_of_the_image_are_refused(int[] shape, float[]? values, string problem)
    {
        SaveImage("photo.png", 6, 8);
        NpyFile.Write(At("scores.npy"), shape, values ?? new float[shape.Aggregate(1, (a, b) => a * b)]);
        Assert.Equal((1, $"deeplab: {At("scores.npy")}: {problem}\n"), ErrorOf(Crf("out.npy")));
        Assert.False(File.Exists(At("out.npy")));
    }

    [Theory]
    [InlineData(new[] { -0.1f, 1.1f }, "the probability of class 0 at row 0, column 0 is -0.1; expected 0 to 1, since the file was said to hold probabilities: leave out --probabilities to take any numbers, as scores")]
    [InlineData(new[] { 0.7f, 0.7f }, "the probabilities at row 0, column 0 add up to 1.4; expected 1 (to within 0.001), since the file was said to hold probabilities: leave out --probabilities to take any numbers, as scores")]
    [InlineData(new[] { 0f, 0f }, "the probabilities at row 0, column 0 add up to 0; expected 1 (to within 0.001), since the file was said to hold probabilities: leave out --probabilities to take any numbers, as scores")]
    [InlineData(new[] { float.NaN, 1f }, "the probability of class 0 at row 0, column 0 is NaN; expected 0 to 1, since the file was said to hold probabilities: leave out --probabilities to take any numbers, as scores")]
    public void Numbers_that_are_no_probabilities_are_refused(float[] values, string problem)
    {
        SaveImage("photo.png", 2, 2);
        NpyFile.Write(At("scores.npy"), [2, 1, 1], values);
        Assert.Equal((1, $"deeplab: {At("scores.npy")}: {problem}\n"), ErrorOf(Crf("out.npy", "--probabilities")));
    }

    [Theory]
    [InlineData("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 1, 1), }", "an array of type '<f8'; expected '<f4', little-endian float32: save it with array.astype('<f4')")]
    [InlineData("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 1, 1), }", "an array in Fortran's order; expected C order: save it with numpy.ascontiguousarray(array)")]
    [InlineData("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", "its header does not describe an array of numbers of one type; expected little-endian float32 ('<f4') in C order")]
    public void Arrays_of_another_type_or_order_are_told_with_what_to_do(string header, string problem)
    {
        SaveImage("photo.png", 2, 2);
        File.WriteAllBytes(At("scores.npy"), [0x93, .. "NUMPY\u0001\0"u8, 118, 0, .. Encoding.ASCII.GetBytes(header.PadRight(117) + "\n"), .. new byte[16]]);
        Assert.Equal((1, $"deeplab: {At("scores.npy")}: {problem}\n"), ErrorOf(Crf("out.npy")));
    }

    [Fact]
    public void Wrong_usage_and_missing_files_are_reported_in_one_line()
    {
        RgbImage image = SaveImage("photo.png", 2, 2);
        NpyFile.Write(At("scores.npy"), [2, 1, 1], new float[2]);
        const string Help = "; see deeplab crf --help\n";
        Assert.Equal((2, $"deeplab: '{At("out.jpg")}' has no known extension: it must end in .npy (marginals) or .png (labels){Help}"), ErrorOf(Crf("out.jpg")));
        Assert.Equal((2, $"deeplab: {At("photo.png")} is an input that would be overwritten: give --output another name{Help}"), ErrorOf(Crf("photo.png")));
        Assert.Equal((2, $"deeplab: {At("scores.npy")} is an input that would be overwritten: give --output another name{Help}"), ErrorOf(Crf("scores.npy")));
        Assert.Equal((2, $"deeplab: --padded and --padded-side are mutually exclusive: give the one for the side that predict pads to, the other for another side{Help}"), ErrorOf(Crf("out.png", "--padded", "--padded-side", "600")));
        Assert.Equal((2, $"deeplab: --crf-iterations is 1001, expected 0 to 1000{Help}"), ErrorOf(Crf("out.png", "--crf-iterations", "1001")));
        Assert.Equal(2, CliRun.Of("crf", At("photo.png"), At("scores.npy")).Status);
        Assert.Equal(2, CliRun.Of("crf", At("photo.png"), "-o", At("out.png")).Status);
        Assert.Equal((1, $"deeplab: {At("gone.png")}: no such file\n"), ErrorOf(CliRun.Of("crf", At("gone.png"), At("scores.npy"), "-o", At("out.png"))));
        CliRun gone = CliRun.Of("crf", At("photo.png"), At("gone.npy"), "-o", At("out.png"));
        Assert.Equal(1, gone.Status);
        Assert.StartsWith($"deeplab: {At("gone.npy")}: cannot be read: ", gone.Error, StringComparison.Ordinal);
        Assert.Equal(image.Pixels, RgbImage.Load(At("photo.png")).Pixels);
        Assert.Equal(["photo.png", "scores.npy"], Directory.GetFiles(_folder).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));
    }

    private static (int Status, string Error) ErrorOf(CliRun run) => (run.Status, run.Error);

    private CliRun Crf(string output, params string[] more) => CliRun.Of(["crf", At("photo.png"), At("scores.npy"), "-o", At(output), .. more]);

    private RgbImage SaveImage(string name, int height, int width)
    {
        RgbImage image = TinyDataset.RandomImage(height, width, seed: 3);
        image.Save(At(name));
        return image;
    }

    private string At(string name) => Path.Combine(_folder, name);
}
