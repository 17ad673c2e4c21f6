using DeepLab.Data;
using DeepLab.Imaging;
using Xunit;

namespace DeepLab.Tests.Imaging;

public sealed class LabelMapTests
{
    [Theory]
    [InlineData("gray1")]
    [InlineData("gray2")]
    [InlineData("gray4")]
    [InlineData("gray8")]
    [InlineData("palette1")]
    [InlineData("palette2")]
    [InlineData("palette4")]
    [InlineData("palette8")]
    [InlineData("gray1_adam7")]
    [InlineData("gray2_adam7")]
    [InlineData("gray4_adam7")]
    [InlineData("gray8_adam7")]
    [InlineData("palette1_adam7")]
    [InlineData("palette2_adam7")]
    [InlineData("palette4_adam7")]
    [InlineData("palette8_adam7")]
    public void Labels_are_the_raw_indices_and_gray_values(string name)
    {
        LabelMap map = LabelMap.Load(Fixtures.Path(name + ".png"));
        Assert.Equal((11, 13), (map.Height, map.Width));
        Assert.Equal(Fixtures.Read(name + ".labels"), map.Labels);
    }

    [Theory]
    [InlineData("rgb8.png", "its labels are colors, not class indices")]
    [InlineData("rgba8_adam7.png", "its labels are colors, not class indices")]
    [InlineData("gray16.png", "a gray image of 16 bits")]
    [InlineData("grayalpha8.png", "alpha channel")]
    [InlineData("rgb444.jpg", "labels cannot be read from a JPEG")]
    public void Files_that_hold_no_indices_are_errors_that_say_what_to_do(string file, string message)
    {
        var error = Assert.Throws<InvalidFileException>(() => LabelMap.Load(Fixtures.Path(file)));
        Assert.Equal(Fixtures.Path(file), error.Path);
        Assert.Contains(message, error.Message);
    }

    [Fact]
    public void Labels_come_back_as_they_were_saved_and_show_the_palette()
    {
        using var folder = new TemporaryFolder();
        var map = new LabelMap(16, 16, [.. Enumerable.Range(0, 256).Select(i => (byte)i)]);
        map.Save(folder.File("labels.png"), Palette.Voc);
        LabelMap again = LabelMap.Load(folder.File("labels.png"));
        Assert.Equal(map.Labels, again.Labels);
        byte[] expected = [.. Enumerable.Range(0, 256).SelectMany(i => new[] { Palette.Voc[i].R, Palette.Voc[i].G, Palette.Voc[i].B })];
        Assert.Equal(expected, RgbImage.Load(folder.File("labels.png")).Pixels);
    }

    [Theory]
    [InlineData(4, 2, new byte[] { 1, 3 })]
    [InlineData(2, 4, new byte[] { 0, 0, 1, 1 })]
    [InlineData(3, 5, new byte[] { 0, 0, 1, 2, 2 })]
    [InlineData(5, 3, new byte[] { 0, 2, 4 })]
    [InlineData(1, 3, new byte[] { 0, 0, 0 })]
    public void Resized_labels_are_those_under_each_new_pixels_center(int size, int newSize, byte[] expected)
    {
        byte[] source = [.. Enumerable.Range(0, size).Select(i => (byte)i)];
        Assert.Equal(expected, new LabelMap(1, size, source).ResizedTo(1, newSize).Labels);
        Assert.Equal(expected, new LabelMap(size, 1, source).ResizedTo(newSize, 1).Labels);
    }

    [Fact]
    public void Labels_are_resized_on_both_sides_at_once() =>
        Assert.Equal([1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4], new LabelMap(2, 2, [1, 2, 3, 4]).ResizedTo(3, 4).Labels);

    [Fact]
    public void Labels_are_not_written_as_Jpeg() =>
        Assert.Equal("x.jpg: labels are written as PNG only; name it .png", Assert.Throws<DeepLabException>(() => new LabelMap(1, 1).Save("x.jpg", Palette.Voc)).Message);

    [Fact]
    public void Colors_are_mapped_to_their_classes()
    {
        using var folder = new TemporaryFolder();
        LabelColors colors = LabelColors.Load(folder.Write("colors.txt", "# classes\n0 void 0 0 0\n\n1 road marking 10 20 30\n1 road 40 50 60\r\n255 ignored 255 255 255\n"));
        Assert.Equal("road marking", colors.Names[1]);
        Assert.Equal([0, 1, 255], colors.Names.Keys);
        new RgbImage(2, 2, [40, 50, 60, 0, 0, 0, 255, 255, 255, 10, 20, 30]).Save(folder.File("rgb.png"));
        Assert.Equal([1, 0, 255, 1], colors.LoadLabels(folder.File("rgb.png")).Labels);
    }

    [Fact]
    public void Palette_images_are_mapped_by_color_too()
    {
        using var folder = new TemporaryFolder();
        LabelColors colors = LabelColors.Load(folder.Write("colors.txt", "4 plane 128 0 0\n7 none 0 0 0\n"));
        new LabelMap(1, 3, [1, 0, 1]).Save(folder.File("p.png"), Palette.Voc);
        Assert.Equal([4, 7, 4], colors.LoadLabels(folder.File("p.png")).Labels);
    }

    [Fact]
    public void An_unknown_color_is_an_error_that_names_color_and_pixel()
    {
        using var folder = new TemporaryFolder();
        LabelColors colors = LabelColors.Load(folder.Write("colors.txt", "0 void 0 0 0\n"));
        new RgbImage(2, 2, [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3]).Save(folder.File("rgb.png"));
        var error = Assert.Throws<InvalidFileException>(() => colors.LoadLabels(folder.File("rgb.png")));
        Assert.Contains("the color 1 2 3 of the pixel in column 1, row 1", error.Message);
        Assert.Equal(folder.File("rgb.png"), error.Path);
        Assert.Equal(new Remedy(RemedyKind.LabelColors, "1 2 3"), error.Remedy);
    }

    [Theory]
    [InlineData("0 void 0 0\n", "line 1 is '0 void 0 0'; expected `index name r g b`")]
    [InlineData("0 void 0 0 0\n256 x 1 2 3\n", "line 2 is '256 x 1 2 3'")]
    [InlineData("0 void 0 0 -1\n", "line 1")]
    [InlineData("0 void 0 0 0\n1 x 0 0 0\n", "line 2 gives the color 0 0 0 to class 1, but an earlier line gives it to class 0")]
    [InlineData("# nothing\n", "no colors in it")]
    public void A_malformed_list_of_colors_is_an_error_that_names_the_line(string text, string message)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("colors.txt", text);
        Assert.Contains(message, Assert.Throws<InvalidFileException>(() => LabelColors.Load(path)).Message);
    }
}
