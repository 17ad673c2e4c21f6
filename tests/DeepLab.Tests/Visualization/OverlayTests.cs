using DeepLab.Imaging;
using DeepLab.Visualization;
using Xunit;

namespace DeepLab.Tests.Visualization;

public sealed class OverlayTests
{
    [Theory] // from VOCdevkit's class color table
    [InlineData(0, 0, 0, 0)]
    [InlineData(1, 128, 0, 0)]
    [InlineData(2, 0, 128, 0)]
    [InlineData(3, 128, 128, 0)]
    [InlineData(4, 0, 0, 128)]
    [InlineData(8, 64, 0, 0)]
    [InlineData(15, 192, 128, 128)]
    [InlineData(16, 0, 64, 0)]
    [InlineData(20, 0, 64, 128)]
    [InlineData(255, 224, 224, 192)]
    public void The_Voc_palette_has_Vocs_colors(int index, byte r, byte g, byte b) => Assert.Equal((r, g, b), Palette.Voc[index]);

    [Fact]
    public void The_Voc_palettes_colors_are_all_different() =>
        Assert.Equal(256, Enumerable.Range(0, 256).Select(i => Palette.Voc[i]).Distinct().Count());

    [Fact]
    public void An_overlay_mixes_classes_in_and_leaves_background_and_unlabelled_pixels()
    {
        var image = new RgbImage(1, 3, [10, 20, 30, 100, 101, 255, 40, 50, 60]);
        var labels = new LabelMap(1, 3, [0, 1, 255]);
        Assert.Equal([10, 20, 30, 114, 51, 128, 40, 50, 60], Overlay.Blend(image, labels, Palette.Voc).Pixels);
        Assert.Equal([10, 20, 30, 128, 0, 0, 40, 50, 60], Overlay.Blend(image, labels, Palette.Voc, 1).Pixels);
        Assert.Equal(image.Pixels, Overlay.Blend(image, labels, Palette.Voc, 0).Pixels);
        Assert.Equal([5, 10, 15, 114, 51, 128, 40, 50, 60], Overlay.Blend(image, labels, Palette.Voc, paintBackground: true).Pixels);
        Assert.Equal(100, image.Pixels[3]);
    }

    [Fact]
    public void An_overlay_of_another_size_or_an_impossible_opacity_is_refused()
    {
        Assert.Throws<ArgumentException>(() => Overlay.Blend(new RgbImage(1, 2), new LabelMap(2, 1), Palette.Voc));
        Assert.Throws<ArgumentOutOfRangeException>(() => Overlay.Blend(new RgbImage(1, 1), new LabelMap(1, 1), Palette.Voc, double.NaN));
    }
}
