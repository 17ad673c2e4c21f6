using DeepLab.Cpu;

namespace DeepLab.Backends.Cpu;

/// <summary>The scratch memory of one worker.</summary>
internal unsafe struct WorkerScratch
{
    public float* Left;         // rows, or two blocks of panels
    public float* Right;        // Steps · BlockColumns
    public float* Block;        // GradientBlockRows · BlockColumns
    public RowOrigin* Origins;  // Steps
    public float** Pixels;      // Steps
    public int* Targets;        // BlockRows
}

/// <summary>result = gathered · packed right matrix: convolutions forward, and backward to their input.</summary>
internal unsafe struct GatheredProduct<TSimd> : IParallelBody
    where TSimd : unmanaged, ISimd<TSimd>
{
    public TapGather Gather;
    public float* PlainRows;    // the gathered rows if they are contiguous, or null
    public GemmBlocking Cuts;
    public float* Right;
    public Epilogue Epilogue;
    public WorkerScratch* Scratch;
    public int Workers;         // how many workers share the units

    public readonly void Run(int unit, int worker)
    {
        WorkerScratch scratch = Scratch[worker];
        int tile = TSimd.TileRows, panel = 2 * TSimd.Width, length = Gather.Columns;
        int firstRow = Cuts.FirstRow(unit), firstColumn = Cuts.FirstColumn(unit), rows = Cuts.RowsOf(unit), columns = Cuts.ColumnsOf(unit);
        int paddedRows = (rows + tile - 1) / tile * tile, wholeRows = rows / tile * tile;
        Gather.Locate(firstRow, rows, scratch.Origins, scratch.Targets);
        int pass = GemmBlocking.StepsPerPass(length), packedFrom = PlainRows is null ? 0 : wholeRows;
        bool prefetchesRight = (long)length * Cuts.Columns > GemmBlocking.CachedFloats;
        for (int step = 0; step < length; step += pass)
        {
            // Contiguous pixels are read in place, except those that do not fill a tile.
            int steps = Math.Min(pass, length - step);
            if (packedFrom < rows)
            {
                Gather.PackRows(
                    scratch.Origins + packedFrom, rows - packedFrom, paddedRows - packedFrom, step, steps, scratch.Left + ((long)packedFrom * RowPanel.Stride));
            }

            bool last = step + steps == length;
            PrefetchSchedule aside = PlanAside(unit, step, steps, pass, paddedRows / tile * ((columns + panel - 1) / panel));
            for (int column = 0; column < columns; column += panel)
            {
                float* right = Right + ((long)(firstColumn + column) * length) + ((long)step * panel);
                if (prefetchesRight && column + panel < columns) aside.Right.Start(right + ((long)panel * length), 1);
                else if (prefetchesRight && !last) aside.Right.Start(Right + ((long)firstColumn * length) + ((long)(step + steps) * panel), 1);
                for (int row = 0; row < paddedRows; row += tile)
                {
                    float* block = scratch.Block + (row * GemmBlocking.BlockColumns) + column;
                    LeftTile left = row < packedFrom
                        ? new LeftTile(PlainRows + ((long)(firstRow + row) * length) + step, length, 1)
                        : new LeftTile(scratch.Left + ((long)row * RowPanel.Stride), RowPanel.Stride, 1);
                    if (last)
                    {
                        bool isLowest = row + tile >= paddedRows;
                        int nextRow = isLowest ? 0 : row + tile, nextColumn = isLowest ? column + panel : column;
                        int nextRows = nextColumn + panel <= columns ? Math.Min(tile, rows - nextRow) : 0;
                        aside.Result.Start(scratch.Targets + nextRow, nextRows, firstColumn + nextColumn);
                    }

                    MicroKernel.Multiply<TSimd>(left, right, steps, block, GemmBlocking.BlockColumns, step > 0, ref aside);
                    if (!last) continue;
                    if (row < wholeRows && column + panel <= columns) Epilogue.StoreTile<TSimd>(block, scratch.Targets + row, firstColumn + column);
                    else StorePart(block, scratch.Targets + row, Math.Min(tile, rows - row), firstColumn + column, Math.Min(panel, columns - column));
                }
            }
        }

        if (length > 0) return;

        // No tap reaches these pixels: the product is zero.
        new Span<float>(scratch.Block, GemmBlocking.BlockColumns).Clear();
        for (int row = 0; row < rows; row++) Epilogue.Store(scratch.Block, scratch.Targets[row], firstColumn, columns);
    }

    // While one pass is computed, the rows of the next are prefetched; during the last pass, the rows of the unit that
    // this worker will probably run next.
    private readonly PrefetchSchedule PlanAside(int unit, int step, int steps, int pass, int tiles)
    {
        int length = Gather.Columns, next = step + steps, nextUnit = unit, calls = PrefetchSchedule.Calls(steps);
        if (next == length)
        {
            next = 0;
            nextUnit = Math.Min(unit + Workers, Cuts.Units - 1);
        }

        var aside = new PrefetchSchedule
        {
            Result = new ResultPrefetch(Epilogue.Target, Epilogue.Other, Epilogue.Columns, TSimd.TileRows, calls),
            Left = new RowPrefetch(length, Cuts.RowsPerBlock, Math.Min(pass, length - next), tiles * calls),
            Right = new RowPrefetch(0, 1, steps * 2 * TSimd.Width, Cuts.RowsPerBlock / TSimd.TileRows * calls),
        };
        int nextRow = Cuts.FirstRow(nextUnit);
        if (PlainRows is not null && (next > 0 || nextRow != Cuts.FirstRow(unit))) aside.Left.Start(PlainRows + ((long)nextRow * length) + next, Cuts.RowsOf(nextUnit));
        return aside;
    }

    private readonly void StorePart(float* block, int* targets, int rows, int firstColumn, int columns)
    {
        for (int row = 0; row < rows; row++)
            Epilogue.Store(block + (row * GemmBlocking.BlockColumns), targets[row], firstColumn, columns);
    }
}
