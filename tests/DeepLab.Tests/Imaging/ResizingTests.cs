using System.Runtime.InteropServices;
using DeepLab.Imaging;
using Xunit;

namespace DeepLab.Tests.Imaging;

public sealed class ResizingTests
{
    [Theory]
    [InlineData(7, 5, 3, 13, 9)]
    [InlineData(13, 9, 3, 5, 4)]
    [InlineData(1, 1, 3, 3, 2)]
    [InlineData(6, 11, 1, 6, 22)]
    [InlineData(9, 4, 21, 4, 17)]
    [InlineData(5, 8, 2, 5, 8)]
    public void Bilinear_equals_PyTorchs_interpolate(int height, int width, int channels, int newHeight, int newWidth)
    {
        float[] golden = MemoryMarshal.Cast<byte, float>(Fixtures.Read($"resize_{height}x{width}x{channels}_to_{newHeight}x{newWidth}.bin")).ToArray();
        int sourceLength = height * width * channels;
        float[] expected = golden[sourceLength..], resized = new float[newHeight * newWidth * channels];
        Resizing.Bilinear(golden.AsSpan(0, sourceLength), height, width, channels, resized, newHeight, newWidth);
        Assert.Equal(expected.Length, resized.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.InRange(resized[i], expected[i] - 1e-4f, expected[i] + 1e-4f);
    }

    [Fact]
    public void Bilinear_to_the_same_size_copies()
    {
        float[] source = [1, 2, 3, 4, 5, 6], target = new float[6];
        Resizing.Bilinear(source, 2, 3, 1, target, 2, 3);
        Assert.Equal(source, target);
    }

    [Theory]
    [InlineData(4, 2, new byte[] { 1, 3 })]
    [InlineData(2, 4, new byte[] { 0, 0, 1, 1 })]
    [InlineData(3, 5, new byte[] { 0, 0, 1, 2, 2 })]
    [InlineData(5, 3, new byte[] { 0, 2, 4 })]
    [InlineData(1, 3, new byte[] { 0, 0, 0 })]
    public void Nearest_takes_the_sample_under_each_new_pixels_centre(int size, int newSize, byte[] expected)
    {
        byte[] source = [.. Enumerable.Range(0, size).Select(i => (byte)i)];
        byte[] across = new byte[newSize], down = new byte[newSize];
        Resizing.Nearest(source, 1, size, across, 1, newSize);
        Resizing.Nearest(source, size, 1, down, newSize, 1);
        Assert.Equal(expected, across);
        Assert.Equal(expected, down);
    }

    [Fact]
    public void Nearest_works_on_both_sides_at_once()
    {
        byte[] target = new byte[12];
        Resizing.Nearest([1, 2, 3, 4], 2, 2, target, 3, 4);
        Assert.Equal([1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4], target);
    }

    [Fact]
    public void Resizing_again_allocates_nothing()
    {
        float[] source = new float[40 * 50 * 3], target = new float[30 * 70 * 3];
        byte[] labels = new byte[40 * 50], newLabels = new byte[30 * 70];
        Run();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Run();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Run()
        {
            Resizing.Bilinear(source, 40, 50, 3, target, 30, 70);
            Resizing.Nearest(labels, 40, 50, newLabels, 30, 70);
        }
    }

    [Fact]
    public void Lengths_that_do_not_fit_the_sizes_are_refused()
    {
        Assert.Throws<ArgumentException>(() => Resizing.Bilinear(new float[12], 2, 2, 3, new float[11], 2, 2));
        Assert.Throws<ArgumentException>(() => Resizing.Nearest(new byte[5], 2, 2, new byte[4], 2, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => Resizing.Nearest([], 0, 2, new byte[4], 2, 2));
    }
}
