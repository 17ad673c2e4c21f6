namespace DeepLab.Kernels.Cpu;

/// <summary>
/// How products are cut into units. Where a sum is cut depends on shapes alone, never on threads, so that it is always taken in the same order; how many rows of the result a
/// unit has changes no sum, and many threads get smaller units.
/// A unit's block of the result (96 KiB) and its rows of the left matrix (96 KiB a pass) stay in the second-level cache, a panel of the right
/// matrix (32 KiB) is read from there or from the first level. Weight gradients pack both matrices, block by block, so their blocks are higher.
/// </summary>
internal readonly struct GemmCuts
{
    /// <summary>Steps of the sum that are packed at once.</summary>
    public const int Steps = 256;

    /// <summary>Rows of a block: a multiple of every tier's tile.</summary>
    public const int BlockRows = 96;

    /// <summary>Rows of a block where there are many threads: a multiple of every tier's tile.</summary>
    public const int LeastBlockRows = 24;

    /// <summary>Rows of a block of a weight gradient: a multiple of every tier's tile.</summary>
    public const int GradientBlockRows = 264;

    /// <summary>Rows of a block of a weight gradient where there are many threads.</summary>
    public const int LeastGradientBlockRows = 24;

    /// <summary>Columns of a block: a multiple of every tier's two vectors.</summary>
    public const int BlockColumns = 256;

    /// <summary>
    /// Steps whose rows are copied into panels together. Pixels lie kilobytes apart, where no prefetcher follows: reading a few rows' columns
    /// through, one panel after another, takes them from memory in order.
    /// </summary>
    public const int StepsPerCopy = 8;

    /// <summary>A right matrix of more floats than this is not found in the second-level cache again.</summary>
    public const int CachedFloats = 1 << 18;

    private const int UnitsPerThread = 4;

    // Higher blocks are worth that much waiting: each reads its whole right matrix.
    private const int WaitingPercent = 3;

    // Fewer units than this leave threads idle; a long sum is then split and the parts added in order.
    private const int EnoughUnits = 8;

    public readonly int Rows;
    public readonly int Columns;
    public readonly int RowBlocks;
    public readonly int ColumnBlocks;
    public readonly int RowsPerBlock;
    public readonly int ColumnsPerBlock;

    public GemmCuts(int rows, int columns, int blockRows, int tileRows, int tileColumns)
    {
        Rows = rows;
        Columns = columns;
        RowsPerBlock = Even(rows, blockRows, tileRows);
        ColumnsPerBlock = Even(columns, BlockColumns, tileColumns);
        RowBlocks = (rows + RowsPerBlock - 1) / RowsPerBlock;
        ColumnBlocks = (columns + ColumnsPerBlock - 1) / ColumnsPerBlock;
    }

    public int Units => RowBlocks * ColumnBlocks;

    /// <summary>The first row of a unit.</summary>
    public int FirstRow(int unit) => unit / ColumnBlocks * RowsPerBlock;

    /// <summary>The first column of a unit.</summary>
    public int FirstColumn(int unit) => unit % ColumnBlocks * ColumnsPerBlock;

    /// <summary>Rows of the unit that begins with a row.</summary>
    public int RowsFrom(int firstRow) => Math.Min(RowsPerBlock, Rows - firstRow);

    /// <summary>Columns of the unit that begins with a column.</summary>
    public int ColumnsFrom(int firstColumn) => Math.Min(ColumnsPerBlock, Columns - firstColumn);

    /// <summary>
    /// The same with the highest blocks that let threads end at about the same time: 33 blocks of 96 rows would keep one of two threads waiting, 36 of 88 do not.
    /// </summary>
    /// <param name="threads">Threads that share the units.</param>
    /// <param name="leastRows">How low blocks may become.</param>
    /// <param name="tileRows">Rows of a tile.</param>
    /// <param name="tileColumns">Columns of a tile.</param>
    /// <param name="splits">Units that each block makes.</param>
    public GemmCuts ForThreads(int threads, int leastRows, int tileRows, int tileColumns, int splits = 1)
    {
        if (threads == 1) return this;
        long fewest = long.MaxValue;
        for (int rows = RowsPerBlock; rows >= leastRows; rows -= tileRows) fewest = Math.Min(fewest, RowsPerThread(rows, splits, threads));
        int highest = RowsPerBlock;
        while (highest - tileRows >= leastRows && RowsPerThread(highest, splits, threads) * 100 > fewest * (100 + WaitingPercent)) highest -= tileRows;
        return new GemmCuts(Rows, Columns, highest, tileRows, tileColumns);
    }

    /// <summary>Halves the size of units until each thread has some of them to even out their times.</summary>
    /// <param name="length">What is cut.</param>
    /// <param name="size">The size that costs the least work.</param>
    /// <param name="least">The smallest size.</param>
    /// <param name="others">Units that each part makes.</param>
    /// <param name="threads">Threads that share the units.</param>
    public static int UnitSize(int length, int size, int least, int others, int threads)
    {
        while (size / 2 >= least && (long)(length + size - 1) / size * others < (long)UnitsPerThread * threads) size /= 2;
        return size;
    }

    // The most rows of results that a thread makes.
    private long RowsPerThread(int rowsPerBlock, int splits, int threads)
    {
        long units = (Rows + rowsPerBlock - 1) / rowsPerBlock * (long)(ColumnBlocks * splits);
        return (units + threads - 1) / threads * rowsPerBlock;
    }

    /// <summary>The steps that are packed at once for a sum of the given length: equal parts of at most <see cref="Steps"/>.</summary>
    public static int StepsPerPass(int length) => length == 0 ? 1 : Even(length, Steps, 16);

    /// <summary>In how many parts a sum of the given length is taken when there are few blocks.</summary>
    public int Splits(int length) => Units >= EnoughUnits ? 1 : Math.Clamp(length / (2 * Steps), 1, (EnoughUnits + Units - 1) / Units);

    private static int Even(int length, int most, int multiple)
    {
        int parts = (length + most - 1) / most;
        int each = (length + parts - 1) / parts;
        return (each + multiple - 1) / multiple * multiple;
    }
}
