namespace DeepLab.Backends.Cpu;

/// <summary>
/// The blocking of products: how they are divided into units. Where a sum is split depends on shapes alone, never on
/// threads, so that it is always taken in the same order; how many rows of the result a unit has changes no sum, and
/// with many threads units are smaller. A unit's block of the result (96 KiB) and its rows of the left matrix (96 KiB
/// per pass) stay in the L2 cache; a panel of the right matrix (32 KiB) is read from there or from L1. Weight gradients
/// pack both matrices, block by block, so their blocks are taller.
/// </summary>
internal readonly struct GemmBlocking
{
    /// <summary>Steps of the sum that are packed at once.</summary>
    public const int Steps = 256;

    /// <summary>Rows of a block: a multiple of every tier's tile.</summary>
    public const int BlockRows = 96;

    /// <summary>Rows of a block when there are many threads: a multiple of every tier's tile.</summary>
    public const int LeastBlockRows = 24;

    /// <summary>Rows of a block of a weight gradient: a multiple of every tier's tile.</summary>
    public const int GradientBlockRows = 264;

    /// <summary>Rows of a block of a weight gradient when there are many threads.</summary>
    public const int LeastGradientBlockRows = 24;

    /// <summary>Columns of a block: a multiple of every tier's two vectors.</summary>
    public const int BlockColumns = 256;

    /// <summary>
    /// Steps whose rows are copied into panels together. Pixels lie kilobytes apart, which hardware prefetchers do not
    /// follow: reading the columns of a few rows straight through, one panel after another, takes them from memory in
    /// order.
    /// </summary>
    public const int StepsPerCopy = 8;

    /// <summary>A right matrix of more floats than this does not stay in the L2 cache.</summary>
    public const int CachedFloats = 1 << 18;

    private const int UnitsPerThread = 4;

    // Fewer, taller blocks are worth this much waiting: each block reads its whole right matrix.
    private const int WaitingPercent = 2;

    // Fewer units than this leave threads idle; a long sum is then split and the parts are added in order.
    private const int EnoughUnits = 8;

    public readonly int Rows;
    public readonly int Columns;
    public readonly int RowBlocks;
    public readonly int ColumnBlocks;
    public readonly int ColumnsPerBlock;
    private readonly int _tileRows;

    public GemmBlocking(int rows, int columns, int blockRows, int tileRows, int tileColumns)
    {
        Rows = rows;
        Columns = columns;
        _tileRows = tileRows;
        RowBlocks = Parts(Tiles, blockRows / tileRows);
        ColumnsPerBlock = Even(columns, BlockColumns, tileColumns);
        ColumnBlocks = Parts(columns, ColumnsPerBlock);
    }

    private GemmBlocking(in GemmBlocking other, int rowBlocks)
    {
        this = other;
        RowBlocks = rowBlocks;
    }

    public int Units => RowBlocks * ColumnBlocks;

    /// <summary>The maximum rows of a block. Blocks differ by at most one tile.</summary>
    public int RowsPerBlock => Parts(Tiles, RowBlocks) * _tileRows;

    private int Tiles => Parts(Rows, _tileRows);

    /// <summary>The first row of a unit.</summary>
    public int FirstRow(int unit) => FirstRowOfBlock(unit / ColumnBlocks);

    /// <summary>Rows of a unit.</summary>
    public int RowsOf(int unit)
    {
        int block = unit / ColumnBlocks;
        return Math.Min(Rows, FirstRowOfBlock(block + 1)) - FirstRowOfBlock(block);
    }

    /// <summary>The first column of a unit.</summary>
    public int FirstColumn(int unit) => unit % ColumnBlocks * ColumnsPerBlock;

    /// <summary>Columns of a unit.</summary>
    public int ColumnsOf(int unit) => Math.Min(ColumnsPerBlock, Columns - FirstColumn(unit));

    /// <summary>
    /// The same with the fewest blocks that let threads finish at about the same time: 33 blocks would keep one of two
    /// threads waiting, 34 do not.
    /// </summary>
    /// <param name="threads">The number of threads that share the units.</param>
    /// <param name="leastRows">The minimum rows of a block.</param>
    /// <param name="splits">The number of units per block.</param>
    public GemmBlocking ForThreads(int threads, int leastRows, int splits = 1)
    {
        int most = Math.Max(RowBlocks, Tiles / Math.Max(1, leastRows / _tileRows));
        if (threads == 1 || most == RowBlocks) return this;
        double fewest = double.MaxValue;
        for (int blocks = RowBlocks; blocks <= most; blocks++) fewest = Math.Min(fewest, TilesPerThread(blocks, splits, threads));
        int enough = RowBlocks;
        while (TilesPerThread(enough, splits, threads) * 100 > fewest * (100 + WaitingPercent)) enough++;
        return new GemmBlocking(this, enough);
    }

    /// <summary>Halves the unit size until each thread has several units, to balance the load.</summary>
    /// <param name="length">The length to divide.</param>
    /// <param name="size">The size with the least total work.</param>
    /// <param name="least">The minimum size.</param>
    /// <param name="others">The number of units per part.</param>
    /// <param name="threads">The number of threads that share the units.</param>
    public static int UnitSize(int length, int size, int least, int others, int threads)
    {
        while (size / 2 >= least && (long)(length + size - 1) / size * others < (long)UnitsPerThread * threads) size /= 2;
        return size;
    }

    /// <summary>
    /// The steps packed at once for a sum of the given length: equal parts of at most <see cref="Steps"/>.
    /// </summary>
    public static int StepsPerPass(int length) => length == 0 ? 1 : Even(length, Steps, 16);

    /// <summary>The number of parts into which a sum of the given length is split when there are few blocks.</summary>
    public int Splits(int length) => Units >= EnoughUnits ? 1 : Math.Clamp(length / (2 * Steps), 1, (EnoughUnits + Units - 1) / Units);

    private int FirstRowOfBlock(int block) => (int)((long)Tiles * block / RowBlocks) * _tileRows;

    // The tiles per column of blocks that the busiest thread computes.
    private double TilesPerThread(int rowBlocks, int splits, int threads) => (double)Parts(rowBlocks * ColumnBlocks * splits, threads) * Tiles / rowBlocks;

    private static int Parts(int length, int each) => (length + each - 1) / each;

    private static int Even(int length, int most, int multiple)
    {
        int parts = (length + most - 1) / most;
        int each = (length + parts - 1) / parts;
        return (each + multiple - 1) / multiple * multiple;
    }
}
