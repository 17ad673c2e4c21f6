using DeepLab.Data;
using DeepLab.Evaluation;
using DeepLab.Imaging;
using DeepLab.Reports;
using DeepLab.Tests.Data;
using Xunit;

namespace DeepLab.Tests.Reports;

public sealed class PicturesTests
{
    private const byte Void = 255;

    [Fact]
    public void Wrong_pixels_are_red_right_ones_gray_and_void_striped()
    {
        var image = new RgbImage(1, 4, [255, 255, 255, 0, 0, 0, 255, 255, 255, 0, 255, 0]);
        RgbImage map = ErrorMap.Draw(image, new LabelMap(1, 4, [1, 1, 0, Void]), new LabelMap(1, 4, [1, 0, 0, 1]));
        Assert.Equal([255, 255, 255, 226, 20, 62, 255, 255, 255, 96, 96, 96], map.Pixels);
        Assert.Throws<ArgumentException>(() => ErrorMap.Draw(image, new LabelMap(1, 4), new LabelMap(2, 2)));
    }

    [Fact]
    public void Large_pictures_shrink_to_480_pixels_by_means_and_small_ones_stay()
    {
        var image = new RgbImage(1000, 1920);
        for (int i = 0; i < image.Pixels.Length; i++) image.Pixels[i] = (byte)(i / 3 % 2 == 0 ? 0 : 200);

        var thumbnail = Thumbnail.Of(image);
        RgbImage small = Decode(thumbnail);

        Assert.Equal((250, 480), (thumbnail.Height, thumbnail.Width));
        Assert.Equal((250, 480), (small.Height, small.Width));
        Assert.All(small.Pixels, p => Assert.InRange(p, 98, 102));
        Assert.Equal((7, 5), (Thumbnail.Of(new RgbImage(7, 5)).Height, Thumbnail.Of(new RgbImage(7, 5)).Width));
        Assert.Equal((1, 480), (Thumbnail.Of(new RgbImage(1, 5000)).Height, Thumbnail.Of(new RgbImage(1, 5000)).Width));
    }

    [Fact]
    public void Labels_keep_the_colors_of_their_classes()
    {
        var labels = new LabelMap(960, 2);
        labels.Labels.AsSpan(960).Fill(15);
        RgbImage small = Decode(Thumbnail.Of(labels, Palette.Voc));
        Assert.Equal((480, 1), (small.Height, small.Width));
        Assert.Equal([0, 0, 0], small.Pixels[..3]);
        Assert.Equal([192, 128, 128], small.Pixels[^3..]);
    }

    [Fact]
    public void The_worst_and_the_best_are_kept_each_once_with_their_numbers_in_the_dataset()
    {
        var ranking = new ImageRanking(classes: 2, Palette.Voc, count: 2);
        foreach (int wrong in (int[])[3, 0, 5, 1, 3, 0]) ranking.Add(Image($"wrong {wrong}", wrong));

        Assert.Equal(6, ranking.Images);
        Assert.Equal(["wrong 5", "wrong 3"], ranking.Worst.Select(i => i.Name));
        Assert.Equal([3, 1], ranking.Worst.Select(i => i.Number));
        Assert.Equal([2, 6], ranking.Best.Select(i => i.Number));
        Assert.Equal(1, ranking.Best[0].MeanIoU);
        Assert.Equal(0.5, ranking.Worst[0].PixelAccuracy);
        Assert.Equal(["Photograph", "Truth", "Prediction", "Errors"], ranking.Best[0].Pictures.Select(p => p.Kind));
    }

    [Fact]
    public void Of_few_images_none_is_both_best_and_worst()
    {
        var ranking = new ImageRanking(classes: 2, Palette.Voc);
        for (int wrong = 0; wrong < 3; wrong++) ranking.Add(Image($"{wrong}", wrong));
        Assert.Equal(["2", "1"], ranking.Worst.Select(i => i.Name));
        Assert.Equal(["0"], ranking.Best.Select(i => i.Name));
    }

    [Fact]
    public void An_image_of_void_alone_is_counted_but_not_ranked()
    {
        var ranking = new ImageRanking(classes: 2, Palette.Voc);
        ranking.Add(Image("void", 0) with { Labels = new LabelMap(1, 10, [.. Enumerable.Repeat(Void, 10)]) });
        Assert.Equal((1, 0, 0), (ranking.Images, ranking.Worst.Count, ranking.Best.Count));
    }

    [Fact]
    public void A_refined_prediction_is_what_counts()
    {
        var ranking = new ImageRanking(classes: 2, Palette.Voc);
        EvaluatedImage image = Image("a", 4);
        ranking.Add(image with { Refined = image.Labels });
        RankedImage ranked = Assert.Single(ranking.Worst);
        Assert.Equal(1, ranked.MeanIoU);
        Assert.Equal("With CRF", ranked.Pictures[3].Kind);
    }

    // Ten pixels, five of each class; the first ones, as many as given, are predicted incorrectly.
    internal static EvaluatedImage Image(string name, int wrong)
    {
        byte[] labels = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1], prediction = [.. labels.Select((l, i) => i < wrong ? (byte)(1 - l) : l)];
        return new EvaluatedImage(new SampleFile(name, name, name), TinyDataset.RandomImage(1, 10, seed: 1), new LabelMap(1, 10, labels), new LabelMap(1, 10, prediction));
    }

    private static RgbImage Decode(Thumbnail thumbnail) => RgbImage.Decode(Convert.FromBase64String(thumbnail.Source[(thumbnail.Source.IndexOf(',') + 1)..]), "thumbnail");
}
