using DeepLab.Data;
using DeepLab.Imaging;
using Xunit;

namespace DeepLab.Tests.Data;

public sealed class SyntheticShapesTests
{
    [Fact]
    public void Equal_seed_and_index_give_equal_bytes_and_others_do_not()
    {
        (RgbImage image, LabelMap labels) = SyntheticShapes.Draw(3, 5);
        (RgbImage again, LabelMap labelsAgain) = SyntheticShapes.Draw(3, 5);
        Assert.Equal(image.Pixels, again.Pixels);
        Assert.Equal(labels.Labels, labelsAgain.Labels);
        Assert.NotEqual(image.Pixels, SyntheticShapes.Draw(3, 6).Image.Pixels);
        Assert.NotEqual(image.Pixels, SyntheticShapes.Draw(4, 5).Image.Pixels);
        Assert.Throws<ArgumentOutOfRangeException>(() => SyntheticShapes.Draw(3, -1));
    }

    [Fact]
    public void Sides_are_160_to_224_and_both_maps_have_the_same()
    {
        for (int i = 0; i < 10; i++)
        {
            (RgbImage image, LabelMap labels) = SyntheticShapes.Draw(1, i);
            Assert.InRange(image.Height, 160, 224);
            Assert.InRange(image.Width, 160, 224);
            Assert.Equal((image.Height, image.Width), (labels.Height, labels.Width));
        }
    }

    [Fact]
    public void Every_class_has_a_fair_share_of_the_pixels_of_40_images()
    {
        var counts = new long[256];
        for (int i = 0; i < 40; i++)
        {
            foreach (byte label in SyntheticShapes.Draw(1, i).Labels.Labels) counts[label]++;
        }

        double total = counts.Sum();
        Assert.InRange(counts[0] / total, 0.45, 0.75);
        for (int c = 1; c < SyntheticShapes.ClassNames.Count; c++) Assert.InRange(counts[c] / total, 0.02, 0.09);
        Assert.InRange(counts[255] / total, 0.04, 0.16);
        Assert.Equal(0, counts[SyntheticShapes.ClassNames.Count..255].Sum());
    }

    [Fact]
    public void Shapes_of_a_class_differ_in_color()
    {
        var means = new List<(double R, double G, double B)>();
        for (int i = 0; i < 20; i++)
        {
            (RgbImage image, LabelMap labels) = SyntheticShapes.Draw(1, i);
            int[] disc = [.. Enumerable.Range(0, labels.Labels.Length).Where(p => labels.Labels[p] == 1)];
            if (disc.Length == 0) continue;
            means.Add((disc.Average(p => image.Pixels[3 * p]), disc.Average(p => image.Pixels[(3 * p) + 1]), disc.Average(p => image.Pixels[(3 * p) + 2])));
        }

        Assert.True(means.Count >= 8);
        Assert.True(means.Max(m => m.R) - means.Min(m => m.R) > 40);
        Assert.True(means.Max(m => m.G) - means.Min(m => m.G) > 40);
    }

    [Fact]
    public void Written_dataset_has_VOCs_layout_and_the_drawn_labels()
    {
        string root = Directory.CreateTempSubdirectory("shapes").FullName;
        try
        {
            var seen = new Counter();
            SyntheticShapes.Write(root, 3, 2, 9, seen);
            Assert.Equal([1, 2, 3, 4, 5], seen.Reported);
            Assert.Equal("train_0001\ntrain_0002\ntrain_0003\n", File.ReadAllText(Path.Combine(root, "ImageSets/Segmentation/train.txt")));
            Assert.Equal("val_0001\nval_0002\n", File.ReadAllText(Path.Combine(root, "ImageSets/Segmentation/val.txt")));
            Assert.Equal(
                "0 background\n1 disc\n2 square\n3 triangle\n4 star\n5 ring\n6 cross\n",
                File.ReadAllText(Path.Combine(root, "labels.txt")));

            (RgbImage image, LabelMap labels) = SyntheticShapes.Draw(9, 1);
            Assert.Equal(labels.Labels, LabelMap.Load(Path.Combine(root, "SegmentationClass/train_0002.png")).Labels);
            RgbImage read = RgbImage.Load(Path.Combine(root, "JPEGImages/train_0002.jpg"));
            Assert.Equal((image.Height, image.Width), (read.Height, read.Width));
            Assert.InRange(image.Pixels.Zip(read.Pixels, (a, b) => Math.Abs(a - b)).Average(), 0, 8);

            byte[] heldOut = File.ReadAllBytes(Path.Combine(root, "JPEGImages/val_0001.jpg"));
            SyntheticShapes.Write(root, 1, 1, 9);
            Assert.Equal(heldOut, File.ReadAllBytes(Path.Combine(root, "JPEGImages/val_0001.jpg")));
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private sealed class Counter : IProgress<int>
    {
        public List<int> Reported { get; } = [];

        public void Report(int value) => Reported.Add(value);
    }
}
