using System.Runtime.Intrinsics.X86;

namespace DeepLab.Kernels.Cpu;

/// <summary>
/// Asks for rows that will be packed next while tiles are still being computed. Rows lie kilobytes apart, where the processor's own prefetching does not
/// follow, and packing would wait for each of them.
/// </summary>
internal unsafe struct RowPrefetch
{
    private const int LineFloats = 16;

    private readonly long _stride;
    private readonly int _lines;
    private readonly int _linesAtOnce;
    private float* _row;
    private int _rowsLeft;
    private int _line;

    /// <summary>Plans the prefetching of a block of rows.</summary>
    /// <param name="first">Its first float, or null for nothing.</param>
    /// <param name="stride">Floats between rows.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Floats of a row that are needed.</param>
    /// <param name="calls">How often <see cref="Next"/> will be called.</param>
    public RowPrefetch(float* first, long stride, int rows, int columns, int calls)
    {
        _row = first;
        _stride = stride;
        _rowsLeft = first is not null && Sse.IsSupported ? rows : 0;
        _lines = (columns + LineFloats - 1) / LineFloats;
        _linesAtOnce = (int)((((long)rows * _lines) + calls - 1) / Math.Max(calls, 1));
    }

    /// <summary>Asks for the next lines.</summary>
    public void Next()
    {
        for (int i = 0; i < _linesAtOnce && _rowsLeft > 0; i++)
        {
            Sse.Prefetch1(_row + (_line * LineFloats));
            if (++_line < _lines) continue;
            _line = 0;
            _row += _stride;
            _rowsLeft--;
        }
    }
}
