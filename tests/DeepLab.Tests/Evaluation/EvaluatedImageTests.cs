using DeepLab.Data;
using DeepLab.Evaluation;
using DeepLab.Imaging;
using DeepLab.Tests.Data;
using Xunit;

namespace DeepLab.Tests.Evaluation;

public sealed class EvaluatedImageTests
{
    private static readonly EvaluatedImage Image = new(
        new SampleFile("a", "a.jpg", "a.png"),
        TinyDataset.RandomImage(2, 3, seed: 1),
        new LabelMap(2, 3, [0, 1, 255, 15, 0, 0]),
        new LabelMap(2, 3, [0, 1, 1, 15, 2, 0]));

    [Fact]
    public void Photograph_truth_and_prediction_stand_side_by_side_and_void_has_a_color_of_its_own()
    {
        RgbImage picture = Image.SideBySide(Palette.Voc);
        Assert.Equal((2, 9), (picture.Height, picture.Width));
        Assert.Equal(Image.Image.Pixels[..9], picture.Pixels[..9]);
        Assert.Equal(Image.Image.Pixels[9..], picture.Pixels[27..36]);
        byte[] black = [0, 0, 0], red = [128, 0, 0], cream = [224, 224, 192], pink = [192, 128, 128], green = [0, 128, 0];
        Assert.Equal([.. black, .. red, .. cream, .. black, .. red, .. red], picture.Pixels[9..27]);
        Assert.Equal([.. pink, .. black, .. black, .. pink, .. green, .. black], picture.Pixels[36..]);
    }

    [Fact]
    public void A_refined_prediction_is_the_fourth()
    {
        RgbImage picture = (Image with { Refined = new LabelMap(2, 3, [2, 0, 0, 0, 0, 0]) }).SideBySide(Palette.Voc);
        Assert.Equal((2, 12), (picture.Height, picture.Width));
        Assert.Equal([0, 128, 0, 0, 0, 0], picture.Pixels[27..33]);
    }

    [Fact]
    public void Too_large_a_picture_is_told()
    {
        var side = new EvaluatedImage(Image.Sample, new RgbImage(8000, 8000), new LabelMap(8000, 8000), new LabelMap(8000, 8000));
        Assert.Equal(
            "a.jpg: 3 times its 8000×8000 pixels are more than the 178956970 that a picture may have",
            Assert.Throws<DeepLabException>(() => side.SideBySide(Palette.Voc)).Message);
    }
}
