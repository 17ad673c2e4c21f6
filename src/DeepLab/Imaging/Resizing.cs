using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;

namespace DeepLab.Imaging;

/// <summary>
/// Resizes images with half-pixel centres: output pixel i is centred on (i + 0.5)·old/new − 0.5, as in cv2.resize, PIL
/// and PyTorch's <c>F.interpolate(align_corners=False)</c>. (The network's own resizing, on the aligned-corners grid, is a kernel.)
/// </summary>
public static class Resizing
{
    /// <summary>Bilinear, without antialiasing, clamped at the edges. Allocates nothing in steady state.</summary>
    /// <param name="source">[height, width, channels].</param>
    /// <param name="height">Rows of the source.</param>
    /// <param name="width">Pixels a row of the source.</param>
    /// <param name="channels">Values a pixel.</param>
    /// <param name="target">[newHeight, newWidth, channels]; must not overlap the source.</param>
    /// <param name="newHeight">Rows of the target.</param>
    /// <param name="newWidth">Pixels a row of the target.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive.</exception>
    /// <exception cref="ArgumentException">A span has another length than its sizes give.</exception>
    public static void Bilinear(ReadOnlySpan<float> source, int height, int width, int channels, Span<float> target, int newHeight, int newWidth)
    {
        CheckLength(source.Length, height, width, channels, nameof(source));
        CheckLength(target.Length, newHeight, newWidth, channels, nameof(target));

        int rowLength = newWidth * channels;
        int[] offsetBuffer = ArrayPool<int>.Shared.Rent(2 * newWidth);
        float[] floatBuffer = ArrayPool<float>.Shared.Rent(newWidth + (2 * rowLength));
        try
        {
            // For each column: where its left and right neighbours begin in a source row, and the right one's weight.
            Span<int> left = offsetBuffer.AsSpan(0, newWidth), right = offsetBuffer.AsSpan(newWidth, newWidth);
            Span<float> weights = floatBuffer.AsSpan(0, newWidth);
            for (int x = 0; x < newWidth; x++)
            {
                (int first, int second, weights[x]) = Neighbours(x, width, newWidth);
                (left[x], right[x]) = (first * channels, second * channels);
            }

            // Source rows are stretched to the new width once each, when they are first needed; two are kept.
            Span<float> upper = floatBuffer.AsSpan(newWidth, rowLength), lower = floatBuffer.AsSpan(newWidth + rowLength, rowLength);
            int upperRow = -1, lowerRow = -1;
            for (int y = 0; y < newHeight; y++)
            {
                (int first, int second, float weight) = Neighbours(y, height, newHeight);
                if (first == lowerRow)
                {
                    Span<float> spare = upper;
                    upper = lower;
                    lower = spare;
                    (upperRow, lowerRow) = (lowerRow, upperRow);
                }

                if (first != upperRow)
                    StretchRow(source.Slice(first * width * channels, width * channels), channels, left, right, weights, upper);
                upperRow = first;
                Span<float> row = target.Slice(y * rowLength, rowLength);
                if (weight == 0)
                {
                    upper.CopyTo(row);
                    continue;
                }

                if (second != lowerRow)
                    StretchRow(source.Slice(second * width * channels, width * channels), channels, left, right, weights, lower);
                lowerRow = second;
                Mix(upper, lower, weight, row);
            }
        }
        finally
        {
            ArrayPool<int>.Shared.Return(offsetBuffer);
            ArrayPool<float>.Shared.Return(floatBuffer);
        }
    }

    /// <summary>The nearest sample: source index ⌊(i + 0.5)·old/new⌋ in each direction. Allocates nothing in steady state.</summary>
    /// <param name="source">[height, width].</param>
    /// <param name="height">Rows of the source.</param>
    /// <param name="width">Pixels a row of the source.</param>
    /// <param name="target">[newHeight, newWidth]; must not overlap the source.</param>
    /// <param name="newHeight">Rows of the target.</param>
    /// <param name="newWidth">Pixels a row of the target.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive.</exception>
    /// <exception cref="ArgumentException">A span has another length than its sizes give.</exception>
    public static void Nearest(ReadOnlySpan<byte> source, int height, int width, Span<byte> target, int newHeight, int newWidth)
    {
        CheckLength(source.Length, height, width, 1, nameof(source));
        CheckLength(target.Length, newHeight, newWidth, 1, nameof(target));
        int[] buffer = ArrayPool<int>.Shared.Rent(newWidth);
        Span<int> columns = buffer.AsSpan(0, newWidth);
        for (int x = 0; x < newWidth; x++)
            columns[x] = NearestIndex(x, width, newWidth);
        int previous = -1;
        for (int y = 0; y < newHeight; y++)
        {
            Span<byte> row = target.Slice(y * newWidth, newWidth);
            int sourceRow = NearestIndex(y, height, newHeight);
            if (sourceRow == previous)
            {
                target.Slice((y - 1) * newWidth, newWidth).CopyTo(row);
                continue;
            }

            ReadOnlySpan<byte> samples = source.Slice(sourceRow * width, width);
            for (int x = 0; x < row.Length; x++)
                row[x] = samples[columns[x]];
            previous = sourceRow;
        }

        ArrayPool<int>.Shared.Return(buffer);
    }

    private static int NearestIndex(int i, int size, int newSize) => (int)(((2L * i) + 1) * size / (2L * newSize));

    /// <summary>The two samples that output i lies between, and the second one's weight.</summary>
    private static (int First, int Second, float Weight) Neighbours(int i, int size, int newSize)
    {
        double position = Math.Max(0, ((i + 0.5) * size / newSize) - 0.5);
        int first = Math.Min((int)position, size - 1);
        bool last = first == size - 1;
        return (first, last ? first : first + 1, last ? 0 : (float)(position - first));
    }

    /// <summary>Interpolates one source row at the new columns.</summary>
    private static void StretchRow(ReadOnlySpan<float> row, int channels, ReadOnlySpan<int> left, ReadOnlySpan<int> right, ReadOnlySpan<float> weights, Span<float> stretched)
    {
        if (channels == 3)
        {
            for (int x = 0; x < weights.Length; x++)
            {
                ReadOnlySpan<float> a = row.Slice(left[x], 3), b = row.Slice(right[x], 3);
                Span<float> result = stretched.Slice(3 * x, 3);
                float weight = weights[x];
                result[0] = a[0] + (weight * (b[0] - a[0]));
                result[1] = a[1] + (weight * (b[1] - a[1]));
                result[2] = a[2] + (weight * (b[2] - a[2]));
            }

            return;
        }

        for (int x = 0; x < weights.Length; x++)
            Mix(row.Slice(left[x], channels), row.Slice(right[x], channels), weights[x], stretched.Slice(x * channels, channels));
    }

    /// <summary>a + weight·(b − a), elementwise.</summary>
    private static void Mix(ReadOnlySpan<float> a, ReadOnlySpan<float> b, float weight, Span<float> result)
    {
        ReadOnlySpan<Vector<float>> va = MemoryMarshal.Cast<float, Vector<float>>(a), vb = MemoryMarshal.Cast<float, Vector<float>>(b);
        Span<Vector<float>> vr = MemoryMarshal.Cast<float, Vector<float>>(result);
        var vw = new Vector<float>(weight);
        for (int i = 0; i < vr.Length; i++)
            vr[i] = va[i] + (vw * (vb[i] - va[i]));
        for (int i = vr.Length * Vector<float>.Count; i < result.Length; i++)
            result[i] = a[i] + (weight * (b[i] - a[i]));
    }

    private static void CheckLength(int length, int height, int width, int channels, string name)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(channels);
        if (length != (Int128)height * width * channels)
            throw new ArgumentException($"{length} values for {height}×{width}×{channels}", name);
    }
}
