using System.Numerics;
using System.Runtime.InteropServices;

namespace DeepLab.Imaging;

/// <summary>The part of a resized image that is computed.</summary>
/// <param name="NewHeight">Rows of the whole resized image.</param>
/// <param name="NewWidth">Columns of the whole resized image.</param>
/// <param name="Top">First row of the part.</param>
/// <param name="Left">First column of the part.</param>
/// <param name="Rows">Rows of the part.</param>
/// <param name="Columns">Columns of the part.</param>
internal readonly record struct ResizeWindow(int NewHeight, int NewWidth, int Top, int Left, int Rows, int Columns)
{
    /// <summary>All of the resized image.</summary>
    public static ResizeWindow Whole(int newHeight, int newWidth) => new(newHeight, newWidth, 0, 0, newHeight, newWidth);
}

/// <summary>
/// Resizes images of three channels bilinearly, with half-pixel centers, without antialiasing and clamped at the edges:
/// all of the resized image, or a window of it, which has the same bits as if it had been cut out of the whole. Keeps
/// its tables between calls, so one is for one thread at a time.
/// </summary>
internal sealed class BilinearResizer
{
    private const int Channels = 3;
    private int[] _near = [], _far = [];
    private float[] _share = [];
    private float[] _upper = [], _lower = [];

    /// <summary>Computes the window of the resized image.</summary>
    /// <param name="source">Pixels [height, width, 3].</param>
    /// <param name="height">Rows of the source, at least 1.</param>
    /// <param name="width">Columns of the source, at least 1.</param>
    /// <param name="window">What to compute.</param>
    /// <param name="target">
    /// Receives the window's rows, <paramref name="stride"/> numbers apart; must not overlap the source.
    /// </param>
    /// <param name="stride">At least 3 × the window's columns.</param>
    /// <exception cref="ArgumentException">A span is shorter than its sizes need.</exception>
    public void Resize<T>(ReadOnlySpan<T> source, int height, int width, in ResizeWindow window, Span<float> target, int stride)
        where T : unmanaged, INumberBase<T>
    {
        int columns = window.Columns, rowLength = width * Channels;
        if (source.Length < (long)height * rowLength) throw new ArgumentException($"{source.Length} values for {height}×{width}×{Channels}", nameof(source));
        if (target.Length < ((long)(window.Rows - 1) * stride) + (columns * Channels)) throw new ArgumentException($"{target.Length} values for {window.Rows}×{columns}×{Channels}", nameof(target));
        Prepare(width, window);
        int upperRow = -1, lowerRow = -1;
        for (int y = 0; y < window.Rows; y++)
        {
            (int near, int far, float share) = SamplePosition.HalfPixel(window.Top + y, height, window.NewHeight);

            // Going down, the lower row of one line is the upper row of a later one.
            if (near != upperRow && near == lowerRow)
            {
                (_upper, _lower) = (_lower, _upper);
                (upperRow, lowerRow) = (lowerRow, upperRow);
            }

            if (near != upperRow) InterpolateRow(source.Slice(near * rowLength, rowLength), _upper, columns);
            if (far != lowerRow) InterpolateRow(source.Slice(far * rowLength, rowLength), _lower, columns);
            (upperRow, lowerRow) = (near, far);
            Blend(_upper, _lower, share, target.Slice(y * stride, columns * Channels));
        }
    }

    /// <summary>
    /// Finds, for each column of the window, where its neighbors begin in a row of the source, and the second one's
    /// share.
    /// </summary>
    private void Prepare(int width, in ResizeWindow window)
    {
        Grow(ref _near, window.Columns);
        Grow(ref _far, window.Columns);
        Grow(ref _share, window.Columns);
        Grow(ref _upper, window.Columns * Channels);
        Grow(ref _lower, window.Columns * Channels);
        for (int x = 0; x < window.Columns; x++)
        {
            (int near, int far, _share[x]) = SamplePosition.HalfPixel(window.Left + x, width, window.NewWidth);
            (_near[x], _far[x]) = (near * Channels, far * Channels);
        }
    }

    private void InterpolateRow<T>(ReadOnlySpan<T> source, float[] target, int columns)
        where T : unmanaged, INumberBase<T>
    {
        for (int x = 0; x < columns; x++)
        {
            ReadOnlySpan<T> near = source.Slice(_near[x], Channels), far = source.Slice(_far[x], Channels);
            float share = _share[x];
            for (int c = 0; c < Channels; c++)
            {
                float a = float.CreateTruncating(near[c]), b = float.CreateTruncating(far[c]);
                target[(x * Channels) + c] = a + ((b - a) * share);
            }
        }
    }

    private static void Blend(ReadOnlySpan<float> upper, ReadOnlySpan<float> lower, float share, Span<float> target)
    {
        ReadOnlySpan<Vector<float>> a = MemoryMarshal.Cast<float, Vector<float>>(upper), b = MemoryMarshal.Cast<float, Vector<float>>(lower);
        Span<Vector<float>> wide = MemoryMarshal.Cast<float, Vector<float>>(target);
        for (int i = 0; i < wide.Length; i++) wide[i] = a[i] + ((b[i] - a[i]) * share);
        for (int i = wide.Length * Vector<float>.Count; i < target.Length; i++) target[i] = upper[i] + ((lower[i] - upper[i]) * share);
    }

    private static void Grow<T>(ref T[] array, int length)
    {
        if (array.Length < length) array = new T[length];
    }
}
