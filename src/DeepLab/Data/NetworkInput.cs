using DeepLab.Imaging;
using DeepLab.Models;

namespace DeepLab.Data;

/// <summary>
/// The pixels as the network takes them: normalized per channel as its <see cref="Preprocessing"/> says, and zero
/// around the image.
/// </summary>
internal static class NetworkInput
{
    /// <summary>The side to which the authors pad images for evaluation.</summary>
    public const int DefaultSide = 513;

    /// <summary>The side of the square to which an image is padded: 513, or the smallest that holds it.</summary>
    /// <param name="height">Rows of the image.</param>
    /// <param name="width">Columns of the image.</param>
    /// <param name="smallest">The side for images that fit into it.</param>
    public static int PaddedSide(int height, int width, int smallest = DefaultSide) => Math.Max(smallest, Math.Max(height, width));

    /// <summary>Writes the image into the top left of a square, and zero (the mean pixel) into the rest.</summary>
    /// <param name="image">The image, no side longer than <paramref name="side"/>.</param>
    /// <param name="side">The side of the square; see <see cref="PaddedSide"/>.</param>
    /// <param name="preprocessing">What the network was trained with.</param>
    /// <param name="target">Receives [side, side, 3], the channels in the order of the preprocessing.</param>
    /// <exception cref="ArgumentException">
    /// The image does not fit, or <paramref name="target"/> is too short.
    /// </exception>
    public static void Prepare(RgbImage image, int side, Preprocessing preprocessing, Span<float> target)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(preprocessing);
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
            Normalize(to[..count], preprocessing);
            to[count..].Clear();
        }

        target[(image.Height * stride)..(side * stride)].Clear();
    }

    /// <summary>
    /// Turns a row of red, green, blue pixels [width, 3] from 0 to 255 into the network's input, in place.
    /// </summary>
    internal static void Normalize(Span<float> row, Preprocessing preprocessing)
    {
        (int first, int third) = preprocessing.ChannelOrder == "RGB" ? (0, 2) : (2, 0);
        float mean0 = preprocessing.Mean[0], mean1 = preprocessing.Mean[1], mean2 = preprocessing.Mean[2];
        float deviation0 = preprocessing.StandardDeviation[0], deviation1 = preprocessing.StandardDeviation[1], deviation2 = preprocessing.StandardDeviation[2];
        for (int i = 0; i + 2 < row.Length; i += 3)
        {
            float value0 = row[i + first], value2 = row[i + third];
            row[i] = (value0 - mean0) / deviation0;
            row[i + 1] = (row[i + 1] - mean1) / deviation1;
            row[i + 2] = (value2 - mean2) / deviation2;
        }
    }
}
