using DeepLab.Imaging;
using DeepLab.Visualization;
using Xunit;

namespace DeepLab.Tests.Visualization;

public sealed class OverlayDrawTests
{
    private static readonly OverlayOptions s_colorsAlone = new() { Outlines = false, Legend = false };

    [Fact]
    public void Class_0_is_left_as_it_is_only_if_it_is_called_background()
    {
        var image = new RgbImage(1, 3, [10, 20, 30, 100, 101, 255, 40, 50, 60]);
        var labels = new LabelMap(1, 3, [0, 1, 255]);
        Assert.Equal([10, 20, 30, 114, 51, 128, 40, 50, 60], Overlay.Draw(image, labels, ["background", "car"], Palette.Voc, s_colorsAlone).Pixels);
        Assert.Equal([5, 10, 15, 114, 51, 128, 40, 50, 60], Overlay.Draw(image, labels, ["sky", "car"], Palette.Voc, s_colorsAlone).Pixels);

        // The classes requested explicitly are shown, and nothing else.
        Assert.Equal([5, 10, 15, 100, 101, 255, 40, 50, 60], Overlay.Draw(image, labels, ["background", "car"], Palette.Voc, s_colorsAlone with { Only = [0] }).Pixels);
        Assert.Equal([10, 20, 30, 114, 51, 128, 40, 50, 60], Overlay.Draw(image, labels, ["sky", "car"], Palette.Voc, s_colorsAlone with { Only = [1] }).Pixels);
        Assert.Throws<ArgumentOutOfRangeException>(() => Overlay.Draw(image, labels, [], Palette.Voc, s_colorsAlone with { Opacity = double.NaN }));
        Assert.Throws<ArgumentException>(() => Overlay.Draw(image, new LabelMap(3, 1), [], Palette.Voc));
    }

    [Fact]
    public void Outlines_are_white_within_the_greater_label_and_black_around_it()
    {
        // A square of label 1 in rows and columns 3 to 5 of 9.
        var image = new RgbImage(9, 9);
        image.Pixels.AsSpan().Fill(90);
        var labels = new LabelMap(9, 9);
        for (int y = 3; y < 6; y++) labels.Labels.AsSpan((y * 9) + 3, 3).Fill(1);
        RgbImage drawn = Overlay.Draw(image, labels, ["background", "thing"], Palette.Voc, new OverlayOptions { Opacity = 0, Legend = false });
        string[] expected =
        [
            ".........",
            ".........",
            "...###...",
            "..#ooo#..",
            "..#o.o#..",
            "..#ooo#..",
            "...###...",
            ".........",
            ".........",
        ];
        Assert.Equal(expected, Enumerable.Range(0, 9).Select(y => string.Concat(Enumerable.Range(0, 9).Select(x => drawn.Pixels[3 * ((y * 9) + x)] switch { 0 => '#', 255 => 'o', _ => '.' }))));
    }

    [Fact]
    public void Outlines_of_large_images_are_thicker()
    {
        var labels = new LabelMap(10, 256_000);
        labels.Labels.AsSpan(0, 5 * labels.Width).Fill(1);
        RgbImage drawn = Overlay.Draw(new RgbImage(10, 256_000), labels, [], Palette.Voc, new OverlayOptions { Opacity = 0, Legend = false });
        Assert.Equal([0, 0, 0, 255, 255, 0, 0, 0, 0, 0], Enumerable.Range(0, 10).Select(y => drawn.Pixels[3 * y * drawn.Width]));
    }

    [Theory]
    [InlineData(33, 33, 33)]
    [InlineData(61, 61, 61)]
    [InlineData(64, 64, 64 + 24)]
    [InlineData(300, 200, 300 + 24)]
    public void The_legend_is_a_strip_below_if_letters_fit(int height, int width, int expectedHeight)
    {
        var labels = new LabelMap(height, width);
        labels.Labels[0] = 2;
        string[] names = ["background", "nowhere", width > 100 ? "here, by the name of far too many letters" : "here"];
        var image = new RgbImage(height, width);
        RgbImage drawn = Overlay.Draw(image, labels, names, Palette.Voc, new OverlayOptions { Outlines = false });
        Assert.Equal((expectedHeight, width), (drawn.Height, drawn.Width));
        Assert.Equal(Overlay.Draw(image, labels, names, Palette.Voc, s_colorsAlone).Pixels, drawn.Pixels[..image.Pixels.Length]);
        if (expectedHeight == height) return;

        // Two rows: the background's swatch is empty; the other one has its color.
        Assert.Equal((250, 250, 250), PixelAt(drawn, 6, height + 6));
        Assert.Equal(Palette.Voc[2], PixelAt(drawn, 6, height + 16));
        Assert.Equal((110, 110, 110), PixelAt(drawn, 3, height + 3));
    }

    [Fact]
    public void The_legend_grows_with_the_image_and_never_beyond_its_height()
    {
        var many = new LabelMap(120, 70);
        for (int i = 0; i < many.Labels.Length; i++) many.Labels[i] = (byte)(i % 200);
        Assert.Equal(120 + 114, Overlay.Draw(new RgbImage(120, 70), many, [], Palette.Voc).Height);

        var large = new LabelMap(900, 1200);
        large.Labels[0] = 1;
        Assert.Equal(900 + (4 * (10 + 4)), Overlay.Draw(new RgbImage(900, 1200), large, ["background", "b"], Palette.Voc).Height);
    }

    [Fact]
    public void Letters_are_drawn_by_whole_factors_and_what_has_none_is_a_box()
    {
        Assert.Equal([".###.", "#...#", "#...#", "#####", "#...#", "#...#", "#...#", "....."], Picture("A", 1));
        Assert.Equal([".....", ".....", "#...#", "#...#", "#...#", ".####", "....#", ".###."], Picture("y", 1));
        Assert.Equal(Picture("\uFFFF", 1), Picture("ß", 1));
        Assert.Equal(Picture("\u0001", 1), Picture("\u007F", 1));
        Assert.Equal(["##########", "##########", "##......##"], Picture("é", 2).Take(3));
        Assert.Equal(95, Enumerable.Range(' ', 95).Select(c => string.Concat(Picture($"{(char)c}", 1))).Distinct().Count());
    }

    [Fact]
    public void Shares_are_counted_largest_first()
    {
        IReadOnlyList<ClassShare> shares = ClassShare.Of(new LabelMap(1, 8, [3, 3, 0, 3, 255, 1, 0, 1]));
        Assert.Equal([new ClassShare(3, 0.375), new ClassShare(0, 0.25), new ClassShare(1, 0.25)], shares);
        Assert.Equal(["<0.1%", "0.1%", "100.0%", "0.0%"], new[] { 0.0004, 0.0005, 1, 0 }.Select(ClassShare.Percent));
    }

    private static (byte R, byte G, byte B) PixelAt(RgbImage image, int x, int y)
    {
        int at = 3 * ((y * image.Width) + x);
        return (image.Pixels[at], image.Pixels[at + 1], image.Pixels[at + 2]);
    }

    private static string[] Picture(string text, int factor)
    {
        var image = new RgbImage(BitmapFont.Height * factor, BitmapFont.WidthOf(text) * factor);
        BitmapFont.Draw(image, text, 0, 0, factor, (255, 255, 255));
        return [.. Enumerable.Range(0, image.Height).Select(y => string.Concat(Enumerable.Range(0, image.Width).Select(x => image.Pixels[3 * ((y * image.Width) + x)] > 0 ? '#' : '.')))];
    }
}
