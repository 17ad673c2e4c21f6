using DeepLab.Evaluation;
using DeepLab.Imaging;
using Xunit;

namespace DeepLab.Tests.Evaluation;

public sealed class TrimapBandsTests
{
    [Fact]
    public void A_pixel_belongs_to_the_narrowest_band_that_reaches_it()
    {
        // Distances by row: 1 next to the boundary, √2 at one of its corners, and so on.
        var labels = new LabelMap(4, 4);
        labels.Labels[0] = 1;
        byte[] expected =
        [
            0, 0, 1, 2,
            0, 1, 2, 3,
            1, 2, 2, 3,
            2, 3, 3, 3,
        ];
        Assert.Equal(expected, new TrimapBands([1, 2, 3]).Of(labels).ToArray());
    }

    [Fact]
    public void Widths_are_read_from_lists_and_ranges()
    {
        Assert.Equal([1, 2, 5, 10, 20, 40], TrimapBands.ParseWidths("1,2,5,10,20,40"));
        Assert.Equal(Enumerable.Range(1, 40), TrimapBands.ParseWidths("1-40"));
        Assert.Equal([1, 2, 3, 10], TrimapBands.ParseWidths("10, 1-3,2"));
        Assert.Equal([1000], TrimapBands.ParseWidths("1000"));
    }

    [Theory]
    [InlineData("", "''")]
    [InlineData("1,,2", "''")]
    [InlineData("0", "'0'")]
    [InlineData("1001", "'1001'")]
    [InlineData("5-1", "'5-1'")]
    [InlineData("1-2-3", "'1-2-3'")]
    [InlineData("-4", "'-4'")]
    [InlineData("1.5", "'1.5'")]
    [InlineData("3,wide", "'wide'")]
    public void Other_texts_are_told_with_what_was_expected(string text, string quoted) => Assert.Equal(
        $"{quoted} is no width; expected whole numbers from 1 to 1000, as in 1,2,5,10,20,40 or 1-40",
        Assert.Throws<DeepLabException>(() => TrimapBands.ParseWidths(text)).Message);

    [Fact]
    public void There_are_at_most_100_widths() => Assert.Equal(
        "'1-101' are 101 widths; at most 100 are measured at once", Assert.Throws<DeepLabException>(() => TrimapBands.ParseWidths("1-101")).Message);

    [Fact]
    public void Bands_without_widths_or_with_widths_out_of_order_are_refused()
    {
        foreach (int[] widths in (int[][])[[], [0], [2, 1], [3, 3], [1001]]) Assert.Throws<ArgumentException>(() => new TrimapBands(widths));
    }
}
