using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DeepLab.Backends.Cpu;

/// <summary>
/// Transposes a matrix in blocks, so that each cache line of either side is used whole while it is cached.
/// </summary>
internal static unsafe class Transposition
{
    private const int BlockSide = 16, TileSide = 4;

    // Rows lie kilobytes apart, which hardware prefetchers do not follow.
    private const int RowsAhead = 2 * BlockSide;

    /// <summary>target[c, r] = source[r, c] · scale[c].</summary>
    /// <param name="source">[rows, columns].</param>
    /// <param name="sourceStride">Floats between its rows.</param>
    /// <param name="scale">One factor per source column, or null.</param>
    /// <param name="rows">Rows of the source.</param>
    /// <param name="columns">Columns of the source.</param>
    /// <param name="target">[columns, rows].</param>
    /// <param name="targetStride">Floats between its rows.</param>
    public static void Copy(float* source, nint sourceStride, float* scale, int rows, int columns, float* target, nint targetStride)
    {
        for (int column = 0; column < columns; column += BlockSide)
        {
            int width = Math.Min(BlockSide, columns - column);
            for (int row = 0; row < rows; row += BlockSide)
            {
                float* from = source + (row * sourceStride) + column, to = target + (column * targetStride) + row;
                CopyBlock(from, sourceStride, scale is null ? null : scale + column, Math.Min(BlockSide, rows - row), width, to, targetStride);
            }
        }
    }

    private static void CopyBlock(float* source, nint sourceStride, float* scale, int rows, int columns, float* target, nint targetStride)
    {
        int wholeRows = Sse.IsSupported ? rows / TileSide * TileSide : 0, wholeColumns = columns / TileSide * TileSide;
        for (int row = 0; row < wholeRows; row += TileSide)
        {
            float* from = source + (row * sourceStride);
            for (int i = 0; i < TileSide; i++) Sse.Prefetch0(from + ((RowsAhead + i) * sourceStride));
            for (int column = 0; column < wholeColumns; column += TileSide)
                CopyTile(from + column, sourceStride, scale is null ? null : scale + column, target + (column * targetStride) + row, targetStride);
        }

        CopyRest(source, sourceStride, scale, 0, wholeRows, wholeColumns, columns, target, targetStride);
        CopyRest(source, sourceStride, scale, wholeRows, rows, 0, columns, target, targetStride);
    }

    private static void CopyTile(float* source, nint sourceStride, float* scale, float* target, nint targetStride)
    {
        Vector128<float> r0 = Vector128.Load(source), r1 = Vector128.Load(source + sourceStride);
        Vector128<float> r2 = Vector128.Load(source + (2 * sourceStride)), r3 = Vector128.Load(source + (3 * sourceStride));
        if (scale is not null)
        {
            Vector128<float> factors = Vector128.Load(scale);
            r0 *= factors;
            r1 *= factors;
            r2 *= factors;
            r3 *= factors;
        }

        Vector128<float> low01 = Sse.UnpackLow(r0, r1), high01 = Sse.UnpackHigh(r0, r1), low23 = Sse.UnpackLow(r2, r3), high23 = Sse.UnpackHigh(r2, r3);
        Sse.MoveLowToHigh(low01, low23).Store(target);
        Sse.MoveHighToLow(low23, low01).Store(target + targetStride);
        Sse.MoveLowToHigh(high01, high23).Store(target + (2 * targetStride));
        Sse.MoveHighToLow(high23, high01).Store(target + (3 * targetStride));
    }

    private static void CopyRest(
        float* source, nint sourceStride, float* scale, int firstRow, int lastRow, int firstColumn, int lastColumn, float* target, nint targetStride)
    {
        for (int row = firstRow; row < lastRow; row++)
        {
            for (int column = firstColumn; column < lastColumn; column++)
            {
                float value = source[(row * sourceStride) + column];
                target[(column * targetStride) + row] = scale is null ? value : value * scale[column];
            }
        }
    }
}
