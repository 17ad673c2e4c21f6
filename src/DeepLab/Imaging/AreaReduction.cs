using System.Buffers;

namespace DeepLab.Imaging;

/// <summary>
/// Makes images smaller without aliasing: every new pixel is the mean of the area it covers, the pixels at its edges
/// counted by their share of it.
/// </summary>
internal static class AreaReduction
{
    private const int Channels = 3;

    /// <summary>The image at another size, rounded to the nearest level.</summary>
    /// <param name="image">The image.</param>
    /// <param name="height">Rows of the new one, at most the image's.</param>
    /// <param name="width">Pixels per row of the new one, at most the image's.</param>
    public static RgbImage Reduce(RgbImage image, int height, int width)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(height, image.Height);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(width, image.Width);
        var reduced = new RgbImage(height, width);
        int stride = width * Channels;
        float[] memory = ArrayPool<float>.Shared.Rent(2 * stride);
        Span<float> row = memory.AsSpan(0, stride), sum = memory.AsSpan(stride, stride);
        (int First, int Last, float FirstShare, float LastShare)[] columns = [.. Enumerable.Range(0, width).Select(x => Cover(x, image.Width, width))];
        float scale = (float)((double)height / image.Height * width / image.Width);
        int known = -1;
        for (int y = 0; y < height; y++)
        {
            (int first, int last, float firstShare, float lastShare) = Cover(y, image.Height, height);
            sum.Clear();
            for (int source = first; source <= last; source++)
            {
                // The last row of one new row is often the first of the next.
                if (source != known) AddColumns(image.Pixels.AsSpan(source * image.Width * Channels, image.Width * Channels), columns, row);
                known = source;
                float share = source == first ? firstShare : source == last ? lastShare : 1;
                for (int i = 0; i < stride; i++) sum[i] += share * row[i];
            }

            Span<byte> target = reduced.Pixels.AsSpan(y * stride, stride);
            for (int i = 0; i < stride; i++) target[i] = (byte)Math.Min((sum[i] * scale) + 0.5f, 255);
        }

        ArrayPool<float>.Shared.Return(memory);
        return reduced;
    }

    /// <summary>
    /// The size of an image whose longer side is reduced to <paramref name="maxSide"/>; its own if it is no longer than
    /// that.
    /// </summary>
    public static (int Height, int Width) Fit(int height, int width, int maxSide)
    {
        int longest = Math.Max(height, width);
        int Side(int side) => Math.Max(1, (int)Math.Round((double)side * maxSide / longest, MidpointRounding.AwayFromZero));
        return longest <= maxSide ? (height, width) : (Side(height), Side(width));
    }

    /// <summary>
    /// The samples that new sample <paramref name="i"/> covers, [i, i + 1) · size / newSize, and how much of the first
    /// and the last.
    /// </summary>
    private static (int First, int Last, float FirstShare, float LastShare) Cover(int i, int size, int newSize)
    {
        (long first, long before) = Math.DivRem((long)i * size, newSize);
        (long last, long after) = Math.DivRem((long)(i + 1) * size, newSize);
        if (after == 0) (last, after) = (last - 1, newSize);
        return first == last
            ? ((int)first, (int)last, (float)(after - before) / newSize, 0)
            : ((int)first, (int)last, (float)(newSize - before) / newSize, (float)after / newSize);
    }

    private static void AddColumns(ReadOnlySpan<byte> source, (int First, int Last, float FirstShare, float LastShare)[] columns, Span<float> row)
    {
        for (int x = 0; x < columns.Length; x++)
        {
            (int first, int last, float firstShare, float lastShare) = columns[x];
            ReadOnlySpan<byte> covered = source[(first * Channels)..((last + 1) * Channels)];
            float r = firstShare * covered[0], g = firstShare * covered[1], b = firstShare * covered[2];
            int end = covered.Length - Channels;
            for (int i = Channels; i < end; i += Channels) (r, g, b) = (r + covered[i], g + covered[i + 1], b + covered[i + 2]);
            if (last > first) (r, g, b) = (r + (lastShare * covered[end]), g + (lastShare * covered[end + 1]), b + (lastShare * covered[end + 2]));
            (row[x * Channels], row[(x * Channels) + 1], row[(x * Channels) + 2]) = (r, g, b);
        }
    }
}
