using System.Numerics;

namespace DeepLab.Kernels.Cpu;

/// <summary>The scratch memory of one worker.</summary>
internal unsafe struct WorkerScratch
{
    public float* Left;         // panels of either layout
    public float* Right;        // Steps · BlockColumns
    public float* Block;        // GradientBlockRows · BlockColumns
    public float* Winograd;     // the sums of a block of Winograd's weight gradient
    public RowOrigin* Origins;  // Steps
    public float** Pixels;      // Steps
    public int* Targets;        // BlockRows
}

/// <summary>result = gathered · packed right matrix: convolutions forward, and backward to their input.</summary>
internal unsafe struct GatheredProduct<TSimd> : IParallelBody
    where TSimd : unmanaged, ISimd<TSimd>
{
    public TapGather Gather;
    public GemmCuts Cuts;
    public float* Right;
    public Epilogue Epilogue;
    public WorkerScratch* Scratch;

    public readonly void Run(int unit, int worker)
    {
        WorkerScratch scratch = Scratch[worker];
        int tile = TSimd.TileRows, panel = 2 * TSimd.Width, length = Gather.Columns;
        int firstRow = unit / Cuts.ColumnBlocks * Cuts.RowsPerBlock, firstColumn = unit % Cuts.ColumnBlocks * Cuts.ColumnsPerBlock;
        int rows = Math.Min(Cuts.RowsPerBlock, Cuts.Rows - firstRow), columns = Math.Min(Cuts.ColumnsPerBlock, Cuts.Columns - firstColumn);
        int paddedRows = (rows + tile - 1) / tile * tile;
        Gather.Locate(firstRow, rows, scratch.Origins, scratch.Targets);
        float* plain = Gather.PlainRows;
        int pass = GemmCuts.StepsPerPass(length);
        for (int step = 0; step < length; step += pass)
        {
            int steps = Math.Min(pass, length - step);
            Gather.PackRows(scratch.Origins, rows, paddedRows, step, steps, scratch.Left);
            bool last = step + steps == length;
            int next = step + steps, calls = (columns + panel - 1) / panel * (paddedRows / tile);
            var leftRows = new RowPrefetch(
                plain is null || last ? null : plain + ((long)firstRow * length) + next, length, rows, Math.Min(pass, length - next), calls);
            for (int column = 0; column < columns; column += panel)
            {
                float* right = Right + ((long)(firstColumn + column) * length) + ((long)step * panel);
                for (int row = 0; row < paddedRows; row += tile)
                {
                    leftRows.Next();
                    float* block = scratch.Block + (row * GemmCuts.BlockColumns) + column;
                    bool whole = row + tile <= rows && column + panel <= columns;
                    if (last && whole) Epilogue.Prefetch(scratch.Targets + row, tile, firstColumn + column);
                    MicroKernel.Multiply<TSimd, RowPanel>(
                        scratch.Left + ((long)row * RowPanel.Stride), right, steps, block, GemmCuts.BlockColumns, step > 0);
                    if (!last) continue;
                    if (whole) Epilogue.StoreTile<TSimd>(block, scratch.Targets + row, firstColumn + column);
                    else StorePart(block, scratch.Targets + row, Math.Min(tile, rows - row), firstColumn + column, Math.Min(panel, columns - column));
                }
            }
        }

        if (length > 0) return;

        // No tap reaches these pixels: the product is zero.
        new Span<float>(scratch.Block, GemmCuts.BlockColumns).Clear();
        for (int row = 0; row < rows; row++) Epilogue.Store(scratch.Block, scratch.Targets[row], firstColumn, columns);
    }

    private readonly void StorePart(float* block, int* targets, int rows, int firstColumn, int columns)
    {
        for (int row = 0; row < rows; row++)
            Epilogue.Store(block + (row * GemmCuts.BlockColumns), targets[row], firstColumn, columns);
    }
}

/// <summary>result += (gatheredᵀ · right) · scale: gradients of a convolution's weights, summed over all pixels of all maps.</summary>
internal unsafe struct GatheredTransposeProduct<TSimd> : IParallelBody
    where TSimd : unmanaged, ISimd<TSimd>
{
    public TapGather Gather;
    public GemmCuts Cuts;
    public int Splits;
    public float* Right;
    public float* Scale;
    public float* Target;
    public float* Partials;     // [splits, rows, columns] when the sum is split
    public float* Zeros;
    public WorkerScratch* Scratch;

    public readonly void Run(int unit, int worker)
    {
        WorkerScratch scratch = Scratch[worker];
        int tile = TSimd.TileRows, panel = 2 * TSimd.Width, length = Gather.Rows;
        int split = unit % Splits, block = unit / Splits;
        int firstRow = block / Cuts.ColumnBlocks * Cuts.RowsPerBlock, firstColumn = block % Cuts.ColumnBlocks * Cuts.ColumnsPerBlock;
        int rows = Math.Min(Cuts.RowsPerBlock, Cuts.Rows - firstRow), columns = Math.Min(Cuts.ColumnsPerBlock, Cuts.Columns - firstColumn);
        int pass = GemmCuts.StepsPerPass(length), passes = (length + pass - 1) / pass;
        int firstStep = (int)((long)passes * split / Splits) * pass, lastStep = Math.Min(length, (int)((long)passes * (split + 1) / Splits) * pass);
        float* plain = Gather.PlainRows;
        for (int step = firstStep; step < lastStep; step += pass)
        {
            int steps = Math.Min(pass, lastStep - step);
            Gather.Locate(step, steps, scratch.Origins, null);
            Gather.PackSteps(scratch.Origins, steps, firstRow, rows, tile, scratch.Pixels, Zeros, scratch.Left);
            RightPanels.Pack(Right + ((long)step * Cuts.Columns) + firstColumn, Cuts.Columns, null, steps, columns, panel, scratch.Right, (long)steps * panel);
            int next = step + steps, nextSteps = Math.Min(pass, lastStep - next), calls = (columns + panel - 1) / panel * ((rows + tile - 1) / tile);
            var leftRows = new RowPrefetch(plain is null ? null : plain + ((long)next * Gather.Channels) + firstRow, Gather.Channels, nextSteps, rows, calls);
            var rightRows = new RowPrefetch(Right + ((long)next * Cuts.Columns) + firstColumn, Cuts.Columns, nextSteps, columns, calls);
            for (int column = 0; column < columns; column += panel)
            {
                for (int row = 0; row < rows; row += tile)
                {
                    leftRows.Next();
                    rightRows.Next();
                    MicroKernel.Multiply<TSimd, StepPanel>(
                        scratch.Left + ((long)row * steps), scratch.Right + ((long)column * steps), steps,
                        scratch.Block + (row * GemmCuts.BlockColumns) + column, GemmCuts.BlockColumns, step > firstStep);
                }
            }
        }

        for (int row = 0; row < rows; row++)
        {
            float* from = scratch.Block + (row * GemmCuts.BlockColumns);
            long at = ((long)(firstRow + row) * Cuts.Columns) + firstColumn;
            if (Splits > 1)
                new Span<float>(from, columns).CopyTo(new Span<float>(Partials + ((long)split * Cuts.Rows * Cuts.Columns) + at, columns));
            else
                ScaledSum.Add(from, Scale is null ? null : Scale + firstColumn, Target + at, columns);
        }
    }
}

/// <summary>Adds the parts of split sums in their order: target += (Σ parts) · scale.</summary>
internal unsafe struct PartialSums : IParallelBody
{
    public float* Partials;
    public int Splits;
    public int Rows;
    public int Columns;
    public float* Scale;
    public float* Target;

    public readonly void Run(int unit, int worker)
    {
        long at = (long)unit * Columns, size = (long)Rows * Columns;
        float* first = Partials + at;
        for (int split = 1; split < Splits; split++) ScaledSum.Add(Partials + (split * size) + at, null, first, Columns);
        ScaledSum.Add(first, Scale, Target + at, Columns);
    }
}

/// <summary>target += values · scale.</summary>
internal static unsafe class ScaledSum
{
    public static void Add(float* values, float* scale, float* target, int count)
    {
        int i = 0;
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> value = Vector.Load(values + i);
            if (scale is not null) value *= Vector.Load(scale + i);
            Vector.Store(value + Vector.Load(target + i), target + i);
        }

        for (; i < count; i++) target[i] += scale is null ? values[i] : values[i] * scale[i];
    }
}
