using DeepLab.Data;
using DeepLab.Imaging;
using DeepLab.Tests.Imaging;
using Xunit;

namespace DeepLab.Tests.Data;

public sealed class AugmenterTests
{
    [Fact]
    public void The_recipes_are_the_regimes_of_the_design()
    {
        AugmentationRecipe caffe = AugmentationRecipe.ByName("caffe"), seed = AugmentationRecipe.ByName("seed");
        Assert.Equal("0.5,0.75,1,1.25,1.5", caffe.Scales.ToString());
        Assert.Equal((null, 321, 0.5, true, LabelDownsampling.Nearest, LossAverage.ValidPixels), (caffe.Warp, caffe.Crop, caffe.FlipProbability, caffe.IgnoredLabel255, caffe.LabelDownsampling, caffe.Average));
        Assert.Equal("0.5-1.3", seed.Scales.ToString());
        Assert.Equal((321, null, 0.5, false, LabelDownsampling.BilinearTruncated, LossAverage.AllPixels), (seed.Warp, seed.Crop, seed.FlipProbability, seed.IgnoredLabel255, seed.LabelDownsampling, seed.Average));
        Assert.Equal(caffe, seed with { Name = "caffe", Warp = null, Crop = 321, IgnoredLabel255 = true, CountsImages = false, LabelDownsampling = LabelDownsampling.Nearest, Average = LossAverage.ValidPixels, Scales = ScaleDistribution.Parse("0.5,0.75,1,1.25,1.5") });
        Assert.Equal(seed.Scales, ScaleDistribution.Parse("0.5-1.3"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("0.5,,1")]
    [InlineData("0")]
    [InlineData("NaN")]
    [InlineData("1e9")]
    [InlineData("17")]
    [InlineData("2-1")]
    [InlineData("1-2-3")]
    public void Scales_that_are_none_are_an_error(string text) =>
        Assert.StartsWith("'", Assert.Throws<DeepLabException>(() => ScaleDistribution.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void The_caffe_recipe_equals_resize_subtract_pad_crop_and_flip_bit_for_bit()
    {
        var random = new SeededRandom(7);
        var augmenter = new Augmenter();
        var sample = new TrainingSample();
        for (int round = 0; round < 60; round++)
        {
            int height = 1 + random.NextInt32(60), width = 1 + random.NextInt32(60);
            RgbImage image = TinyDataset.RandomImage(height, width, random.NextUInt64());
            LabelMap labels = TinyDataset.RandomLabels(height, width, 21, random.NextUInt64());
            AugmentationRecipe recipe = AugmentationRecipe.Caffe with { Crop = random.NextInt32(4) == 0 ? null : 1 + random.NextInt32(70) };
            if (round % 3 == 0) recipe = recipe with { Scales = ScaleDistribution.Uniform(0.3, 2) };
            augmenter.Apply(image, labels, recipe, new SeededRandom(1, (ulong)round), sample);
            AssertEqualsTheLongWay(image, labels, recipe, new SeededRandom(1, (ulong)round), sample);
        }
    }

    [Fact]
    public void The_seed_recipe_equals_two_whole_resizes_bit_for_bit()
    {
        var augmenter = new Augmenter();
        var sample = new TrainingSample();
        for (ulong round = 0; round < 6; round++)
        {
            RgbImage image = TinyDataset.RandomImage(20 + (int)round, 31, round);
            LabelMap labels = TinyDataset.RandomLabels(20 + (int)round, 31, 21, round);
            augmenter.Apply(image, labels, AugmentationRecipe.Seed, new SeededRandom(2, round), sample);
            Assert.InRange(sample.Height, 160, 417);
            Assert.Equal(sample.Height, sample.Width);
            Assert.DoesNotContain((byte)255, sample.Labels[..(sample.Height * sample.Width)]);
            AssertEqualsTheLongWay(image, labels, AugmentationRecipe.Seed, new SeededRandom(2, round), sample);
        }
    }

    [Fact]
    public void A_crop_larger_than_the_image_is_padded_with_the_mean_and_label_255()
    {
        AugmentationRecipe recipe = AugmentationRecipe.Caffe with { Scales = ScaleDistribution.OneOf(1), Crop = 3, FlipProbability = 0 };
        var sample = new TrainingSample();
        new Augmenter().Apply(new RgbImage(1, 2, [10, 20, 30, 40, 50, 60]), new LabelMap(1, 2, [4, 5]), recipe, new SeededRandom(1), sample);
        Assert.Equal([30 - 104.008f, 20 - 116.669f, 10 - 122.675f, 60 - 104.008f, 50 - 116.669f, 40 - 122.675f], sample.Pixels[..6]);
        Assert.All(sample.Pixels[6..27], p => Assert.Equal(0f, p));
        Assert.Equal([4, 5, 255, 255, 255, 255, 255, 255, 255], sample.Labels[..9]);

        new Augmenter().Apply(new RgbImage(1, 2, [10, 20, 30, 40, 50, 60]), new LabelMap(1, 2, [4, 5]), recipe with { FlipProbability = 1 }, new SeededRandom(1), sample);
        Assert.Equal([255, 5, 4], sample.Labels[..3]);
        Assert.Equal([0, 0, 0, 60 - 104.008f], sample.Pixels[..4]);
    }

    [Fact]
    public void A_sample_filled_again_keeps_its_buffers_unless_they_are_too_small()
    {
        var augmenter = new Augmenter();
        var sample = new TrainingSample();
        void Apply(int crop) => augmenter.Apply(new RgbImage(9, 9), new LabelMap(9, 9), AugmentationRecipe.Caffe with { Crop = crop }, new SeededRandom(1), sample);
        Apply(8);
        (float[] pixels, byte[] labels) = (sample.Pixels, sample.Labels);
        Apply(7);
        Apply(8);
        Assert.Same(pixels, sample.Pixels);
        Assert.Same(labels, sample.Labels);
        Apply(9);
        Assert.Equal(243, sample.Pixels.Length);
    }

    [Fact]
    public void Scales_flips_and_crops_are_drawn_evenly()
    {
        var counts = new Dictionary<int, int>();
        int flipped = 0;
        var sample = new TrainingSample();
        var augmenter = new Augmenter();
        var labels = new LabelMap(4, 4, [.. Enumerable.Range(0, 16).Select(i => (byte)i)]);
        AugmentationRecipe recipe = AugmentationRecipe.Caffe with { Scales = ScaleDistribution.OneOf(1), Crop = 2 };
        for (ulong i = 0; i < 1800; i++)
        {
            augmenter.Apply(new RgbImage(4, 4), labels, recipe, new SeededRandom(9, i), sample);
            bool flip = sample.Labels[0] > sample.Labels[1];
            if (flip) flipped++;
            int corner = sample.Labels[flip ? 1 : 0];
            counts[corner] = counts.GetValueOrDefault(corner) + 1;
        }

        Assert.Equal([0, 1, 2, 4, 5, 6, 8, 9, 10], counts.Keys.Order());
        Assert.All(counts.Values, c => Assert.InRange(c, 140, 260));
        Assert.InRange(flipped, 810, 990);
    }

    /// <summary>Resizes the whole image, then does everything else, one plain step at a time.</summary>
    private static void AssertEqualsTheLongWay(RgbImage image, LabelMap labels, AugmentationRecipe recipe, SeededRandom random, TrainingSample sample)
    {
        (int height, int width) = (image.Height, image.Width);
        float[] pixels = [.. image.Pixels.Select(p => (float)p)];
        byte[] classes = labels.Labels;
        void Resize(int newHeight, int newWidth)
        {
            pixels = BilinearResizerTests.Resize(pixels, height, width, newHeight, newWidth);
            classes = new LabelMap(height, width, classes).ResizedTo(newHeight, newWidth).Labels;
            (height, width) = (newHeight, newWidth);
        }

        if (recipe.Warp is int side) Resize(side, side);
        double scale = recipe.Scales.Draw(random);
        Resize(Math.Max(1, (int)(height * scale)), Math.Max(1, (int)(width * scale)));
        int rows = recipe.Crop ?? height, columns = recipe.Crop ?? width;
        Assert.Equal((rows, columns), (sample.Height, sample.Width));
        int top = random.NextInt32(Math.Max(0, height - rows) + 1), left = random.NextInt32(Math.Max(0, width - columns) + 1);
        bool flip = random.NextDouble() < recipe.FlipProbability;
        float[] mean = [122.675f, 116.669f, 104.008f];
        for (int y = 0; y < rows; y++)
        {
            for (int x = 0; x < columns; x++)
            {
                int fromY = top + y, fromX = left + x, at = (y * columns) + (flip ? columns - 1 - x : x);
                bool inside = fromY < height && fromX < width;
                byte label = inside ? classes[(fromY * width) + fromX] : (byte)255;
                if (label == 255 && !recipe.IgnoredLabel255) label = 0;
                if (label != sample.Labels[at]) Assert.Fail($"label at {y}, {x}: {sample.Labels[at]}, expected {label}");
                for (int c = 0; c < 3; c++)
                {
                    float expected = inside ? pixels[(((fromY * width) + fromX) * 3) + c] - mean[c] : 0;
                    float actual = sample.Pixels[(at * 3) + 2 - c];
                    if (BitConverter.SingleToInt32Bits(expected) != BitConverter.SingleToInt32Bits(actual)) Assert.Fail($"pixel at {y}, {x}, {c}: {actual}, expected {expected}");
                }
            }
        }
    }
}
