using DeepLab.Imaging;

namespace DeepLab.Reports;

/// <summary>Pictures small enough for a page, as data URIs.</summary>
/// <param name="Source">The data URI.</param>
/// <param name="Width">Pixels a row.</param>
/// <param name="Height">Rows.</param>
internal sealed record Thumbnail(string Source, int Width, int Height)
{
    /// <summary>The longest side, in pixels.</summary>
    public const int LongestSide = 480;

    private const int JpegQuality = 82;

    /// <summary>A photograph as JPEG, each pixel the mean of those that it stands for.</summary>
    public static Thumbnail Of(RgbImage image)
    {
        (int height, int width) = Fit(image.Height, image.Width);
        byte[] pixels = Shrink(image, height, width);
        return new Thumbnail(Uri("jpeg", JpegCodec.Encode(pixels, height, width, JpegQuality)), width, height);
    }

    /// <summary>Labels as PNG in the palette's colours.</summary>
    public static Thumbnail Of(LabelMap labels, Palette palette)
    {
        (int height, int width) = Fit(labels.Height, labels.Width);
        byte[] small = new byte[height * width];
        Resizing.Nearest(labels.Labels, labels.Height, labels.Width, small, height, width);
        return new Thumbnail(Uri("png", PngCodec.EncodePalette(small, height, width, palette)), width, height);
    }

    private static string Uri(string kind, byte[] data) => $"data:image/{kind};base64,{Convert.ToBase64String(data)}";

    private static (int Height, int Width) Fit(int height, int width)
    {
        double scale = Math.Min(1, (double)LongestSide / Math.Max(height, width));
        return (Math.Max(1, (int)Math.Round(scale * height)), Math.Max(1, (int)Math.Round(scale * width)));
    }

    private static byte[] Shrink(RgbImage image, int height, int width)
    {
        if ((height, width) == (image.Height, image.Width)) return image.Pixels;
        var small = new byte[height * width * 3];
        for (int y = 0; y < height; y++)
        {
            (int top, int bottom) = Span(y, image.Height, height);
            for (int x = 0; x < width; x++)
            {
                (int left, int right) = Span(x, image.Width, width);
                long r = 0, g = 0, b = 0, count = (long)(bottom - top) * (right - left);
                for (int row = top; row < bottom; row++)
                {
                    ReadOnlySpan<byte> pixels = image.Pixels.AsSpan(3 * ((row * image.Width) + left), 3 * (right - left));
                    for (int i = 0; i < pixels.Length; i += 3)
                    {
                        r += pixels[i];
                        g += pixels[i + 1];
                        b += pixels[i + 2];
                    }
                }

                Span<byte> target = small.AsSpan(3 * ((y * width) + x), 3);
                (target[0], target[1], target[2]) = ((byte)((r + (count / 2)) / count), (byte)((g + (count / 2)) / count), (byte)((b + (count / 2)) / count));
            }
        }

        return small;
    }

    private static (int From, int To) Span(int i, int size, int newSize) => ((int)((long)i * size / newSize), (int)((((long)(i + 1) * size) + newSize - 1) / newSize));
}
