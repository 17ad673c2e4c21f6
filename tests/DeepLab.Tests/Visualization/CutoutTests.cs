using System.IO.Compression;
using DeepLab.Imaging;
using DeepLab.Tests.Imaging;
using DeepLab.Visualization;
using Xunit;

namespace DeepLab.Tests.Visualization;

public sealed class CutoutTests
{
    [Fact]
    public void Pixels_of_other_classes_are_transparent_and_black()
    {
        var image = new RgbImage(2, 3, [.. Enumerable.Range(1, 18).Select(i => (byte)i)]);
        var labels = new LabelMap(2, 3, [0, 1, 2, 2, 1, 255]);
        (int height, int width, byte[] pixels) = DecodeRgba(Cutout.Encode(image, labels, [2, 0]));
        Assert.Equal((2, 3), (height, width));
        Assert.Equal(
            [
                1, 2, 3, 255, 0, 0, 0, 0, 7, 8, 9, 255,
                10, 11, 12, 255, 0, 0, 0, 0, 0, 0, 0, 0,
            ],
            pixels);
        Assert.Throws<ArgumentException>(() => Cutout.Encode(image, new LabelMap(3, 2), [0]));
    }

    /// <summary>The pixels of an 8-bit RGBA PNG, decoded from the specification alone.</summary>
    internal static (int Height, int Width, byte[] Pixels) DecodeRgba(byte[] png)
    {
        var header = ImageHeader.Read(png, "cutout");
        (int height, int width) = (header.Height, header.Width);
        Assert.Equal(new ImageHeader(ImageFormat.Png, height, width, 4, 8, PngColor.Rgba), header);
        using var packed = new MemoryStream();
        foreach (PngChunk chunk in PngChunk.Of(png).Where(c => c.Type == "IDAT")) packed.Write(png, chunk.Content, chunk.Length);
        packed.Position = 0;
        using var inflated = new ZLibStream(packed, CompressionMode.Decompress);
        int stride = width * 4;
        byte[] pixels = new byte[height * stride];
        byte At(int y, int i) => y < 0 || i < 0 ? (byte)0 : pixels[(y * stride) + i];
        for (int y = 0; y < height; y++)
        {
            int filter = inflated.ReadByte();
            for (int i = 0; i < stride; i++)
            {
                int left = At(y, i - 4), up = At(y - 1, i), upLeft = i < 4 ? 0 : At(y - 1, i - 4), estimate = left + up - upLeft;
                int paeth = Math.Abs(estimate - left) <= Math.Abs(estimate - up) && Math.Abs(estimate - left) <= Math.Abs(estimate - upLeft) ? left
                    : Math.Abs(estimate - up) <= Math.Abs(estimate - upLeft) ? up : upLeft;
                int predicted = filter switch { 0 => 0, 1 => left, 2 => up, 3 => (left + up) / 2, 4 => paeth, _ => throw new InvalidDataException() };
                pixels[(y * stride) + i] = (byte)(inflated.ReadByte() + predicted);
            }
        }

        return (height, width, pixels);
    }
}
