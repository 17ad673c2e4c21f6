namespace DeepLab.Tests.Oracle;

/// <summary>Bilinear interpolation on the aligned-corners grid in double precision, as defined.</summary>
internal static class AlignedCorners
{
    /// <summary>The interpolated value of a sample of the resized map.</summary>
    /// <param name="at">The original's value at a row and a column.</param>
    /// <param name="size">Rows and columns of the original.</param>
    /// <param name="newSize">Rows and columns of the resized map.</param>
    /// <param name="y">The row.</param>
    /// <param name="x">The column.</param>
    public static double Interpolate(Func<int, int, double> at, (int Height, int Width) size, (int Height, int Width) newSize, int y, int x)
    {
        double fromTop = Position(y, size.Height, newSize.Height), fromLeft = Position(x, size.Width, newSize.Width);
        int top = (int)fromTop, left = (int)fromLeft;
        int bottom = Math.Min(top + 1, size.Height - 1), right = Math.Min(left + 1, size.Width - 1);
        double down = fromTop - top, across = fromLeft - left;
        double upper = (at(top, left) * (1 - across)) + (at(top, right) * across);
        double lower = (at(bottom, left) * (1 - across)) + (at(bottom, right) * across);
        return (upper * (1 - down)) + (lower * down);
    }

    // The product comes first: it is exact, so whole positions stay whole.
    private static double Position(int index, int size, int newSize) => newSize > 1 ? (double)index * (size - 1) / (newSize - 1) : 0;
}
