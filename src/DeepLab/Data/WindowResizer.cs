using System.Numerics;
using System.Runtime.InteropServices;
using DeepLab.Imaging;

namespace DeepLab.Data;

/// <summary>
/// Bilinear resizing with half-pixel centres of which only a window is computed: bit for bit what cutting the window out
/// of <see cref="Imaging.Resizing.Bilinear"/>'s whole result would give. Keeps its tables between calls.
/// </summary>
internal sealed class WindowResizer
{
    private const int Channels = 3;
    private int[] _near = [], _far = [];
    private float[] _weight = [];
    private float[] _upper = [], _lower = [];

    /// <summary>Computes the window of the resized image.</summary>
    /// <param name="source">Pixels [height, width, 3].</param>
    /// <param name="height">Rows of the source.</param>
    /// <param name="width">Columns of the source.</param>
    /// <param name="newHeight">Rows of the whole resized image.</param>
    /// <param name="newWidth">Columns of the whole resized image.</param>
    /// <param name="top">First row of the window in it.</param>
    /// <param name="left">First column of the window in it.</param>
    /// <param name="rows">Rows of the window.</param>
    /// <param name="columns">Columns of the window.</param>
    /// <param name="target">Receives the window's rows, <paramref name="stride"/> numbers apart.</param>
    /// <param name="stride">At least 3 × <paramref name="columns"/>.</param>
    public void Bilinear<T>(
        ReadOnlySpan<T> source, int height, int width, int newHeight, int newWidth, int top, int left, int rows, int columns, Span<float> target, int stride)
        where T : unmanaged, INumberBase<T>
    {
        Grow(ref _near, columns);
        Grow(ref _far, columns);
        Grow(ref _weight, columns);
        Grow(ref _upper, columns * Channels);
        Grow(ref _lower, columns * Channels);
        for (int x = 0; x < columns; x++)
        {
            (int near, int far, _weight[x]) = Position(left + x, width, newWidth);
            (_near[x], _far[x]) = (near * Channels, far * Channels);
        }

        int upperRow = -1, lowerRow = -1, rowLength = width * Channels;
        for (int y = 0; y < rows; y++)
        {
            (int near, int far, float weight) = Position(top + y, height, newHeight);

            // Going down, the lower row of one line is the upper row of a later one.
            if (near != upperRow && near == lowerRow)
            {
                (_upper, _lower) = (_lower, _upper);
                (upperRow, lowerRow) = (lowerRow, upperRow);
            }

            if (near != upperRow) InterpolateRow(source.Slice(near * rowLength, rowLength), _upper, columns);
            if (far != lowerRow) InterpolateRow(source.Slice(far * rowLength, rowLength), _lower, columns);
            (upperRow, lowerRow) = (near, far);
            Blend(_upper, _lower, weight, target.Slice(y * stride, columns * Channels));
        }
    }

    /// <summary>The two source places that index <paramref name="i"/> lies between, and the weight of the second.</summary>
    private static (int Near, int Far, float Weight) Position(int i, int size, int newSize)
    {
        double place = Math.Max(0, ((i + 0.5) * size / newSize) - 0.5);
        int near = Math.Min((int)place, size - 1);
        return (near, Math.Min(near + 1, size - 1), (float)(place - near));
    }

    private void InterpolateRow<T>(ReadOnlySpan<T> source, float[] target, int columns)
        where T : unmanaged, INumberBase<T>
    {
        for (int x = 0; x < columns; x++)
        {
            ReadOnlySpan<T> near = source.Slice(_near[x], Channels), far = source.Slice(_far[x], Channels);
            float weight = _weight[x];
            for (int c = 0; c < Channels; c++)
            {
                float a = float.CreateTruncating(near[c]), b = float.CreateTruncating(far[c]);
                target[(x * Channels) + c] = a + ((b - a) * weight);
            }
        }
    }

    private static void Blend(ReadOnlySpan<float> upper, ReadOnlySpan<float> lower, float weight, Span<float> target)
    {
        ReadOnlySpan<Vector<float>> a = MemoryMarshal.Cast<float, Vector<float>>(upper), b = MemoryMarshal.Cast<float, Vector<float>>(lower);
        Span<Vector<float>> wide = MemoryMarshal.Cast<float, Vector<float>>(target);
        for (int i = 0; i < wide.Length; i++) wide[i] = a[i] + ((b[i] - a[i]) * weight);
        for (int i = wide.Length * Vector<float>.Count; i < target.Length; i++) target[i] = upper[i] + ((lower[i] - upper[i]) * weight);
    }

    private static void Grow<T>(ref T[] array, int length)
    {
        if (array.Length < length) array = new T[length];
    }
}
