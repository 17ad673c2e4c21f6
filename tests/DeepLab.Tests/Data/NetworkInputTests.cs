using DeepLab.Data;
using DeepLab.Imaging;
using DeepLab.Models;
using Xunit;

namespace DeepLab.Tests.Data;

public sealed class NetworkInputTests
{
    [Fact]
    public void The_padded_side_is_513_or_the_smallest_that_holds_the_image()
    {
        Assert.Equal(513, NetworkInput.PaddedSide(375, 500));
        Assert.Equal(514, NetworkInput.PaddedSide(514, 20));
        Assert.Equal(900, NetworkInput.PaddedSide(20, 900));
    }

    [Fact]
    public void Pixels_are_blue_green_red_less_the_mean_and_zero_around()
    {
        float[] target = [.. Enumerable.Repeat(float.NaN, 30)];
        NetworkInput.Prepare(new RgbImage(2, 1, [10, 20, 30, 0, 128, 255]), 3, Preprocessing.Caffe, target);
        Assert.Equal([30 - 104.008f, 20 - 116.669f, 10 - 122.675f, 0, 0, 0, 0, 0, 0], target[..9]);
        Assert.Equal([255 - 104.008f, 128 - 116.669f, 0 - 122.675f, 0, 0, 0, 0, 0, 0], target[9..18]);
        Assert.All(target[18..27], t => Assert.Equal(0f, t));
        Assert.All(target[27..], t => Assert.Equal(float.NaN, t));
    }

    [Fact]
    public void The_preprocessing_of_torchvision_is_red_green_blue_scaled_to_one_and_normalized()
    {
        var target = new float[12];
        NetworkInput.Prepare(new RgbImage(1, 1, [255, 0, 51]), 2, Preprocessing.TorchVision, target);
        float[] expected = [(1 - 0.485f) / 0.229f, (0 - 0.456f) / 0.224f, (0.2f - 0.406f) / 0.225f];
        for (int i = 0; i < 3; i++) Assert.Equal(expected[i], target[i], 1e-6f);
        Assert.All(target[3..], t => Assert.Equal(0f, t));
    }

    [Fact]
    public void An_image_that_does_not_fit_is_refused()
    {
        Assert.Throws<ArgumentException>(() => NetworkInput.Prepare(new RgbImage(4, 3), 3, Preprocessing.Caffe, new float[27]));
        Assert.Throws<ArgumentException>(() => NetworkInput.Prepare(new RgbImage(3, 3), 3, Preprocessing.Caffe, new float[26]));
    }
}
