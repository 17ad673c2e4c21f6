using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using DeepLab.Cpu;

namespace DeepLab.Backends.Cpu;

/// <summary>
/// The work done alongside a tile's product, a little every few steps: prefetching cache lines that are needed soon,
/// and packing factors of later tiles. A core can have about a dozen outstanding line fetches; a burst of prefetches
/// would delay the tile's own loads.
/// </summary>
internal unsafe struct PrefetchSchedule
{
    /// <summary>Steps between calls.</summary>
    public const int StepsBetween = 16;

    /// <summary>Floats per cache line.</summary>
    public const int LineFloats = 16;

    /// <summary>Where the next tile's result goes.</summary>
    public ResultPrefetch Result;

    /// <summary>Rows of the left matrix that later tiles need.</summary>
    public RowPrefetch Left;

    /// <summary>Rows of the right matrix.</summary>
    public RowPrefetch Right;

    /// <summary>Rows of the left matrix that are packed for later tiles.</summary>
    public PanelCopy Copy;

    /// <summary>The number of calls during a tile of the given number of steps.</summary>
    public static int Calls(int steps) => (steps + StepsBetween - 1) / StepsBetween;

    /// <summary>Does the next portion of the work.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Next<TSimd>()
        where TSimd : unmanaged, ISimd<TSimd>
    {
        Result.Next<TSimd>();
        Left.Next();
        Right.Next();
        Copy.Next<TSimd>();
    }
}

/// <summary>
/// Prefetches into the L1 cache the lines that a tile's result is written to and those that it is combined with.
/// </summary>
internal unsafe struct ResultPrefetch
{
    private readonly nint _columns;
    private readonly int _rowsAtOnce;
    private readonly float* _target;
    private readonly float* _other;
    private int* _rows;
    private nint _at;
    private int _rowCount;

    /// <summary>Plans for the tiles of a product.</summary>
    /// <param name="target">Where the results go.</param>
    /// <param name="other">The matrix they are combined with, or null.</param>
    /// <param name="columns">Floats per row.</param>
    /// <param name="tileRows">Rows per tile.</param>
    /// <param name="calls">The number of calls per tile.</param>
    public ResultPrefetch(float* target, float* other, int columns, int tileRows, int calls)
    {
        _target = target;
        _other = other;
        _columns = columns;
        _rowsAtOnce = (tileRows + calls - 1) / calls;
    }

    /// <summary>Starts a tile whose rows may lie anywhere.</summary>
    /// <param name="rows">The rows of the result.</param>
    /// <param name="rowCount">The number of rows.</param>
    /// <param name="column">The first column.</param>
    public void Start(int* rows, int rowCount, int column)
    {
        _rows = rows;
        _rowCount = Sse.IsSupported ? rowCount : 0;
        _at = column;
    }

    /// <summary>Starts a tile whose rows are consecutive.</summary>
    /// <param name="row">The first row.</param>
    /// <param name="rowCount">The number of rows.</param>
    /// <param name="column">The first column.</param>
    public void Start(int row, int rowCount, int column)
    {
        _rows = null;
        _rowCount = Sse.IsSupported ? rowCount : 0;
        _at = (row * _columns) + column;
    }

    /// <summary>Prefetches the lines of the next rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Next<TSimd>()
        where TSimd : unmanaged, ISimd<TSimd>
    {
        if (_rowCount <= 0) return;
        for (int left = _rowsAtOnce; left > 0; left--)
        {
            nint at = _at;
            if (_rows is null) _at += _columns;
            else at += *_rows++ * _columns;
            Ask<TSimd>(_target + at);
            if (_other is not null) Ask<TSimd>(_other + at);
            if (--_rowCount == 0) return;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Ask<TSimd>(float* row)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        Sse.Prefetch0(row);
        if (2 * TSimd.Width > PrefetchSchedule.LineFloats) Sse.Prefetch0(row + PrefetchSchedule.LineFloats);
    }
}

/// <summary>
/// Prefetches rows into the L2 cache. The rows lie far apart, which hardware prefetchers do not follow.
/// </summary>
internal unsafe struct RowPrefetch
{
    private readonly nint _stride;
    private readonly int _lines;
    private readonly int _linesAtOnce;
    private float* _row;
    private int _line;
    private int _rowCount;

    /// <summary>Plans for a set of rows.</summary>
    /// <param name="stride">Floats from one row to the next.</param>
    /// <param name="rowCount">The maximum number of rows.</param>
    /// <param name="columns">Floats of each row that will be needed.</param>
    /// <param name="calls">The number of calls over which to spread the prefetches.</param>
    public RowPrefetch(nint stride, int rowCount, int columns, int calls)
    {
        _stride = stride;
        _lines = (columns + PrefetchSchedule.LineFloats - 1) / PrefetchSchedule.LineFloats;
        _linesAtOnce = (int)((((long)rowCount * _lines) + calls - 1) / Math.Max(calls, 1));
    }

    /// <summary>Starts with the rows at a given address.</summary>
    public void Start(float* first, int rowCount)
    {
        _row = first;
        _line = 0;
        _rowCount = Sse.IsSupported ? rowCount : 0;
    }

    /// <summary>Prefetches the next lines.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Next()
    {
        if (_rowCount <= 0) return;
        float* line = _row + ((nint)_line * PrefetchSchedule.LineFloats);
        _line += _linesAtOnce;
        for (int left = _linesAtOnce; left > 0; left--, line += PrefetchSchedule.LineFloats) Sse.Prefetch1(line);
        if (_line < _lines) return;
        _line = 0;
        _row += _stride;
        _rowCount--;
    }
}

/// <summary>
/// Packs steps of a left matrix, each tile's rows together. Their lines are prefetched some time before.
/// </summary>
internal unsafe struct PanelCopy
{
    // As many pieces as are copied during one memory latency, plus some margin.
    private const int PiecesAhead = 32;

    private readonly nint _stride;
    private readonly nint _ahead;
    private readonly nint _panel;
    private readonly int _tiles;
    private readonly int _atOnce;
    private float* _source;
    private float* _target;
    private int _steps;
    private int _tile;

    /// <summary>Plans a copy.</summary>
    /// <param name="source">The first step's first factor.</param>
    /// <param name="stride">Floats between steps.</param>
    /// <param name="steps">The number of steps.</param>
    /// <param name="tiles">Tiles per step.</param>
    /// <param name="tileRows">Rows per tile.</param>
    /// <param name="target">Where the first tile's panel goes.</param>
    /// <param name="calls">The number of calls over which to spread the copy.</param>
    public PanelCopy(float* source, nint stride, int steps, int tiles, int tileRows, float* target, int calls)
    {
        if (tiles == 0) return;
        _source = source;
        _target = target;
        _stride = stride - (tiles * tileRows);
        _ahead = (PiecesAhead + tiles - 1) / tiles * stride;
        _panel = (nint)steps * tileRows;
        _steps = steps;
        _tiles = tiles;
        _tile = tiles;
        _atOnce = (int)((((long)steps * tiles) + calls - 1) / Math.Max(calls, 1));
    }

    /// <summary>Copies the next pieces.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Next<TSimd>()
        where TSimd : unmanaged, ISimd<TSimd>
    {
        if (_steps <= 0) return;
        for (int left = _atOnce; left > 0; left--)
        {
            if (Sse.IsSupported) Sse.Prefetch0(_source + _ahead);
            CopyRow<TSimd>(_source, _target);
            _source += TSimd.TileRows;
            _target += _panel;
            if (--_tile > 0) continue;
            _tile = _tiles;
            _source += _stride;
            _target += TSimd.TileRows - (_tiles * _panel);
            if (--_steps == 0) return;
        }
    }

    /// <summary>Copies the remaining pieces.</summary>
    public void Finish<TSimd>()
        where TSimd : unmanaged, ISimd<TSimd>
    {
        while (_steps > 0) Next<TSimd>();
    }

    /// <summary>Copies one step's factors for a tile's rows, which are contiguous.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyRow<TSimd>(float* from, float* to)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        if (TSimd.TileRows == 8)
        {
            Vector256.Load(from).Store(to);
            return;
        }

        Vector128.Load(from).Store(to);
        if (TSimd.TileRows == 6) *(long*)(to + 4) = *(long*)(from + 4);
    }
}
