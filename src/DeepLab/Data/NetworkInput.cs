using DeepLab.Imaging;

namespace DeepLab.Data;

/// <summary>The pixels as the network takes them: blue, green, red, less the mean pixel, and zero around the image.</summary>
public static class NetworkInput
{
    /// <summary>The side to which the authors pad images for evaluation.</summary>
    public const int DefaultSide = 513;

    /// <summary>The mean pixel of the authors' training images: blue, green, red.</summary>
    public static ReadOnlySpan<float> MeanPixel => [104.008f, 116.669f, 122.675f];

    /// <summary>The side of the square to which an image is padded: 513, or the smallest that holds it.</summary>
    /// <param name="height">Rows of the image.</param>
    /// <param name="width">Columns of the image.</param>
    /// <param name="smallest">The side for images that fit into it.</param>
    public static int PaddedSide(int height, int width, int smallest = DefaultSide) => Math.Max(smallest, Math.Max(height, width));

    /// <summary>Writes the image into the top left of a square, and zero (the mean) into the rest.</summary>
    /// <param name="image">The image, no side longer than <paramref name="side"/>.</param>
    /// <param name="side">The side of the square; see <see cref="PaddedSide"/>.</param>
    /// <param name="target">Receives [side, side, 3]: blue, green, red.</param>
    /// <exception cref="ArgumentException">The image does not fit, or <paramref name="target"/> is too short.</exception>
    public static void Prepare(RgbImage image, int side, Span<float> target)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (Math.Max(image.Height, image.Width) > side)
            throw new ArgumentException($"An image of {image.Width}×{image.Height} does not fit into a square of {side}.", nameof(side));
        int stride = checked(side * 3);
        if (target.Length < (long)side * stride) throw new ArgumentException($"Shorter than [{side}, {side}, 3].", nameof(target));
        int count = image.Width * 3;
        for (int y = 0; y < image.Height; y++)
        {
            ReadOnlySpan<byte> from = image.Pixels.AsSpan(y * count, count);
            Span<float> to = target.Slice(y * stride, stride);
            for (int i = 0; i < count; i++) to[i] = from[i];
            SubtractMean(to[..count]);
            to[count..].Clear();
        }

        target[(image.Height * stride)..(side * stride)].Clear();
    }

    /// <summary>Turns a row of red, green, blue pixels [width, 3] into blue, green, red, less the mean pixel, in place.</summary>
    internal static void SubtractMean(Span<float> row)
    {
        ReadOnlySpan<float> mean = MeanPixel;
        float blueMean = mean[0], greenMean = mean[1], redMean = mean[2];
        for (int i = 0; i + 2 < row.Length; i += 3)
        {
            float red = row[i];
            row[i] = row[i + 2] - blueMean;
            row[i + 1] -= greenMean;
            row[i + 2] = red - redMean;
        }
    }
}
