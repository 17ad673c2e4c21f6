using DeepLab.Imaging;
using DeepLab.Tests.Data;
using Xunit;

namespace DeepLab.Tests.Imaging;

public sealed class AreaReductionTests
{
    [Theory]
    [InlineData(10, 14, 7)]
    [InlineData(31, 17, 30)]
    [InlineData(40, 9, 13)]
    [InlineData(3, 50, 1)]
    [InlineData(64, 48, 16)]
    public void Every_pixel_is_the_mean_of_the_area_it_covers(int height, int width, int maxSide)
    {
        RgbImage image = TinyDataset.RandomImage(height, width, 5), reduced = image.ReducedTo(maxSide);
        Assert.Equal(maxSide, Math.Max(reduced.Height, reduced.Width));
        Assert.InRange(Math.Min(reduced.Height, reduced.Width) - ((double)Math.Min(height, width) * maxSide / Math.Max(height, width)), -0.5, 1);
        for (int y = 0; y < reduced.Height; y++)
        {
            for (int x = 0; x < reduced.Width; x++)
            {
                for (int c = 0; c < 3; c++)
                {
                    double mean = MeanOver(image, (double)y * height / reduced.Height, (y + 1.0) * height / reduced.Height, (double)x * width / reduced.Width, (x + 1.0) * width / reduced.Width, c);
                    Assert.InRange(reduced.Pixels[(3 * ((y * reduced.Width) + x)) + c], mean - 0.501, mean + 0.501);
                }
            }
        }
    }

    [Fact]
    public void Flat_images_stay_flat_and_small_ones_the_same()
    {
        var white = new RgbImage(101, 77);
        white.Pixels.AsSpan().Fill(255);
        Assert.All(white.ReducedTo(50).Pixels, p => Assert.Equal(255, p));
        Assert.Same(white, white.ReducedTo(101));
        RgbImage thin = new RgbImage(1, 5000).ReducedTo(100);
        Assert.Equal((1, 100), (thin.Height, thin.Width));
        Assert.Throws<ArgumentOutOfRangeException>(() => white.ReducedTo(0));
    }

    private static double MeanOver(RgbImage image, double top, double bottom, double left, double right, int channel)
    {
        double sum = 0;
        for (int y = (int)top; y < Math.Min(bottom, image.Height); y++)
        {
            for (int x = (int)left; x < Math.Min(right, image.Width); x++)
            {
                double share = Math.Max(0, Math.Min(bottom, y + 1) - Math.Max(top, y)) * Math.Max(0, Math.Min(right, x + 1) - Math.Max(left, x));
                sum += share * image.Pixels[(3 * ((y * image.Width) + x)) + channel];
            }
        }

        return sum / ((bottom - top) * (right - left));
    }
}
