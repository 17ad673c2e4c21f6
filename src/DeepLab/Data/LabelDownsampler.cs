using DeepLab.Imaging;

namespace DeepLab.Data;

/// <summary>How a label map is brought to the size of a score map.</summary>
internal enum LabelDownsampling
{
    /// <summary>The nearest label on the aligned-corners grid.</summary>
    Nearest,

    /// <summary>
    /// Labels interpolated bilinearly as if they were quantities, then truncated to an integer, as the seed's program
    /// did.
    /// </summary>
    BilinearTruncated,
}

/// <summary>
/// Brings label maps to the size of a score map on the aligned-corners grid, where the corners of both maps coincide.
/// All arithmetic is in integers, so no rounding ever moves a label.
/// </summary>
internal static class LabelDownsampler
{
    /// <summary>Fills <paramref name="target"/> from <paramref name="labels"/>.</summary>
    /// <param name="labels">Labels [height, width].</param>
    /// <param name="height">Rows of the labels, at least 1.</param>
    /// <param name="width">Columns of the labels, at least 1.</param>
    /// <param name="target">Labels of the score map [newHeight, newWidth].</param>
    /// <param name="newHeight">Rows of the score map, at least 1; a single one is the labels' first.</param>
    /// <param name="newWidth">Columns of the score map, at least 1; a single one is the labels' first.</param>
    /// <param name="mode">Nearest, or interpolated and truncated; interpolating with a label 255 gives 255.</param>
    /// <exception cref="ArgumentException">A span is shorter than its shape, or a size is not positive.</exception>
    public static void Downsample(ReadOnlySpan<byte> labels, int height, int width, Span<byte> target, int newHeight, int newWidth, LabelDownsampling mode)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(newHeight);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(newWidth);
        if (labels.Length < (long)height * width) throw new ArgumentException("Shorter than its shape.", nameof(labels));
        if (target.Length < (long)newHeight * newWidth) throw new ArgumentException("Shorter than its shape.", nameof(target));
        if (mode == LabelDownsampling.Nearest)
            Nearest(labels, height, width, target, newHeight, newWidth);
        else
            BilinearTruncated(labels, height, width, target, newHeight, newWidth);
    }

    /// <summary>
    /// The source index nearest to the aligned-corners position of <paramref name="i"/>; halves go up.
    /// </summary>
    internal static int NearestIndex(int i, int size, int newSize) =>
        newSize == 1 ? 0 : (int)((((long)i * (size - 1) * 2) + (newSize - 1)) / (2L * (newSize - 1)));

    private static void Nearest(ReadOnlySpan<byte> labels, int height, int width, Span<byte> target, int newHeight, int newWidth)
    {
        for (int y = 0; y < newHeight; y++)
        {
            ReadOnlySpan<byte> row = labels.Slice(NearestIndex(y, height, newHeight) * width, width);
            Span<byte> to = target.Slice(y * newWidth, newWidth);
            for (int x = 0; x < newWidth; x++) to[x] = row[NearestIndex(x, width, newWidth)];
        }
    }

    private static void BilinearTruncated(ReadOnlySpan<byte> labels, int height, int width, Span<byte> target, int newHeight, int newWidth)
    {
        // A position i (size - 1) / (newSize - 1) is a whole index and a rest in units of 1 / (newSize - 1).
        int unitsY = Math.Max(newHeight - 1, 1), unitsX = Math.Max(newWidth - 1, 1);
        for (int y = 0; y < newHeight; y++)
        {
            (long y0, long restY) = Math.DivRem((long)y * (height - 1), unitsY);
            ReadOnlySpan<byte> above = labels.Slice((int)y0 * width, width);
            ReadOnlySpan<byte> below = restY == 0 ? above : labels.Slice(((int)y0 + 1) * width, width);
            for (int x = 0; x < newWidth; x++)
            {
                (long x0, long restX) = Math.DivRem((long)x * (width - 1), unitsX);
                int left = (int)x0, right = restX == 0 ? left : left + 1;
                byte a = above[left], b = above[right], c = below[left], d = below[right];
                if (a == LabelMap.IgnoreLabel || b == LabelMap.IgnoreLabel || c == LabelMap.IgnoreLabel || d == LabelMap.IgnoreLabel)
                {
                    // An ignored label is no quantity: between it and class 0 lie classes that may not even exist.
                    target[(y * newWidth) + x] = LabelMap.IgnoreLabel;
                    continue;
                }

                long top = (a * (unitsX - restX)) + (b * restX), bottom = (c * (unitsX - restX)) + (d * restX);
                target[(y * newWidth) + x] = (byte)(((top * (unitsY - restY)) + (bottom * restY)) / ((long)unitsX * unitsY));
            }
        }
    }
}
