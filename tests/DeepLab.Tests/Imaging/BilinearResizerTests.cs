using System.Runtime.InteropServices;
using DeepLab.Imaging;
using Xunit;

namespace DeepLab.Tests.Imaging;

public sealed class BilinearResizerTests
{
    [Theory]
    [InlineData(7, 5, 3, 13, 9)]
    [InlineData(13, 9, 3, 5, 4)]
    [InlineData(1, 1, 3, 3, 2)]
    [InlineData(6, 11, 1, 6, 22)]
    [InlineData(9, 4, 21, 4, 17)]
    [InlineData(5, 8, 2, 5, 8)]
    public void The_whole_image_equals_PyTorchs_interpolate(int height, int width, int channels, int newHeight, int newWidth)
    {
        float[] golden = MemoryMarshal.Cast<byte, float>(Fixtures.Read($"resize_{height}x{width}x{channels}_to_{newHeight}x{newWidth}.bin")).ToArray();
        int sourceLength = height * width * channels;
        float[] expected = golden[sourceLength..], resized = new float[newHeight * newWidth * channels];
        for (int channel = 0; channel < channels; channel++)
        {
            // The resizer takes three channels: the compared one is in a different position each time.
            int place = channel % 3;
            float[] source = new float[height * width * 3];
            for (int i = 0; i < height * width; i++) source[(3 * i) + place] = golden[(i * channels) + channel];
            float[] target = Resize(source, height, width, newHeight, newWidth);
            for (int i = 0; i < newHeight * newWidth; i++) resized[(i * channels) + channel] = target[(3 * i) + place];
        }

        Assert.Equal(expected.Length, resized.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.InRange(resized[i], expected[i] - 1e-4f, expected[i] + 1e-4f);
    }

    [Fact]
    public void The_same_size_copies()
    {
        float[] source = [1, 2, 3, 4, 5, 6];
        Assert.Equal(source, Resize(source, 1, 2, 1, 2));
        Assert.Equal(source, Resize(source, 2, 1, 2, 1));
    }

    [Fact]
    public void A_window_has_the_bits_of_the_whole_image()
    {
        var random = new SeededRandom(5);
        var resizer = new BilinearResizer();
        for (int round = 0; round < 40; round++)
        {
            int height = 1 + random.NextInt32(20), width = 1 + random.NextInt32(20), newHeight = 1 + random.NextInt32(40), newWidth = 1 + random.NextInt32(40);
            float[] source = [.. Enumerable.Range(0, height * width * 3).Select(_ => (float)random.NextDouble(0, 255))];
            float[] whole = Resize(source, height, width, newHeight, newWidth);
            int top = random.NextInt32(newHeight), left = random.NextInt32(newWidth), rows = 1 + random.NextInt32(newHeight - top), columns = 1 + random.NextInt32(newWidth - left);
            int stride = (3 * columns) + random.NextInt32(5);
            float[] window = new float[rows * stride];
            resizer.Resize<float>(source, height, width, new ResizeWindow(newHeight, newWidth, top, left, rows, columns), window, stride);
            for (int y = 0; y < rows; y++)
                Assert.Equal(whole.AsSpan(((((top + y) * newWidth) + left) * 3), columns * 3), window.AsSpan(y * stride, columns * 3));
        }
    }

    [Fact]
    public void Resizing_again_allocates_nothing()
    {
        float[] source = new float[40 * 50 * 3], target = new float[30 * 70 * 3];
        var resizer = new BilinearResizer();
        Run();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Run();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Run() => resizer.Resize<float>(source, 40, 50, ResizeWindow.Whole(30, 70), target, 70 * 3);
    }

    [Fact]
    public void Lengths_that_do_not_fit_the_sizes_are_refused()
    {
        var resizer = new BilinearResizer();
        Assert.Throws<ArgumentException>(() => resizer.Resize<float>(new float[11], 2, 2, ResizeWindow.Whole(2, 2), new float[12], 6));
        Assert.Throws<ArgumentException>(() => resizer.Resize<float>(new float[12], 2, 2, ResizeWindow.Whole(2, 2), new float[11], 6));
    }

    /// <summary>The whole image at another size.</summary>
    internal static float[] Resize(float[] source, int height, int width, int newHeight, int newWidth)
    {
        var target = new float[newHeight * newWidth * 3];
        new BilinearResizer().Resize<float>(source, height, width, ResizeWindow.Whole(newHeight, newWidth), target, newWidth * 3);
        return target;
    }
}
