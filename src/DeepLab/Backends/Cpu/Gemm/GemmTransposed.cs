using System.Numerics;
using DeepLab.Cpu;

namespace DeepLab.Backends.Cpu;

/// <summary>
/// result += (gatheredᵀ · right) · scale: gradients of a convolution's weights, summed over all pixels of all maps.
/// </summary>
internal unsafe struct GatheredTransposeProduct<TSimd> : IParallelBody
    where TSimd : unmanaged, ISimd<TSimd>
{
    public TapGather Gather;
    public float* PlainRows;    // the gathered rows if they are contiguous, or null
    public GemmBlocking Cuts;
    public int Splits;
    public float* Right;
    public float* Scale;
    public float* Target;
    public float* Partials;     // [splits, rows, columns] if the sum is split
    public float* Zeros;
    public WorkerScratch* Scratch;
    public int Workers;         // how many workers share the units

    public readonly void Run(int unit, int worker)
    {
        WorkerScratch scratch = Scratch[worker];
        Area area = AreaOf(unit);
        float* left = scratch.Left, nextLeft = left + (GemmBlocking.GradientBlockRows * GemmBlocking.Steps);
        int packedRows = 0;
        for (int step = area.FirstStep, pass = GemmBlocking.StepsPerPass(Gather.Rows); step < area.LastStep; step += pass)
        {
            int steps = Math.Min(pass, area.LastStep - step);
            PackLeft(scratch, area, packedRows, step, steps, left);
            PackLastRight(scratch, area, step, steps);
            PrefetchSchedule aside = PlanAside(unit, area, step + steps, steps, nextLeft, out packedRows);
            MultiplyPass(scratch, area, step, steps, left, ref aside);
            aside.Copy.Finish<TSimd>();
            float* done = left;
            left = nextLeft;
            nextLeft = done;
        }

        Finish(scratch.Block, area, unit / Cuts.Units);
    }

    // Rows that were not packed during the previous pass.
    private readonly void PackLeft(in WorkerScratch scratch, in Area area, int packedRows, int step, int steps, float* panels)
    {
        if (packedRows == area.Rows) return;
        Gather.Locate(step, steps, scratch.Origins, null);
        Gather.PackSteps(
            scratch.Origins, steps, area.FirstRow + packedRows, area.Rows - packedRows, TSimd.TileRows, scratch.Pixels, Zeros, panels + ((long)packedRows * steps));
    }

    // Columns that do not fill a panel; the others are packed by the first products that read them.
    private readonly void PackLastRight(in WorkerScratch scratch, in Area area, int step, int steps)
    {
        int panel = 2 * TSimd.Width, packed = area.Columns / panel * panel;
        if (packed == area.Columns) return;
        float* from = Right + ((long)step * Cuts.Columns) + area.FirstColumn + packed;
        RightPanels.Pack(from, Cuts.Columns, null, steps, area.Columns - packed, panel, scratch.Right + ((long)packed * steps), (long)steps * panel);
    }

    // During a pass, contiguous pixels are packed for the next one; during the last pass, those of the unit that this
    // worker will probably run next are prefetched.
    private readonly PrefetchSchedule PlanAside(int unit, in Area area, int next, int steps, float* nextPanels, out int packedRows)
    {
        int tile = TSimd.TileRows, panel = 2 * TSimd.Width, pass = GemmBlocking.StepsPerPass(Gather.Rows), nextSteps = Math.Min(pass, area.LastStep - next);
        int tileRows = (area.Rows + tile - 1) / tile, tileColumns = (area.Columns + panel - 1) / panel, calls = PrefetchSchedule.Calls(steps);
        var aside = new PrefetchSchedule { Right = new RowPrefetch(Cuts.Columns, pass, panel, tileRows * calls) };
        packedRows = 0;
        if (PlainRows is null) return aside;
        if (nextSteps > 0)
        {
            packedRows = area.Rows / tile * tile;
            float* from = PlainRows + ((long)next * Gather.Channels) + area.FirstRow;
            aside.Copy = new PanelCopy(from, Gather.Channels, nextSteps, packedRows / tile, tile, nextPanels, tileRows * tileColumns * calls);
        }
        else if (unit + Workers < Cuts.Units * Splits)
        {
            Area other = AreaOf(unit + Workers);
            int count = Math.Min(pass, other.LastStep - other.FirstStep);
            aside.Left = new RowPrefetch(Gather.Channels, count, other.Rows, tileRows * tileColumns * calls);
            aside.Left.Start(PlainRows + ((long)other.FirstStep * Gather.Channels) + other.FirstRow, count);
        }

        return aside;
    }

    private readonly void MultiplyPass(in WorkerScratch scratch, in Area area, int step, int steps, float* leftPanels, ref PrefetchSchedule aside)
    {
        int tile = TSimd.TileRows, panel = 2 * TSimd.Width, next = step + steps, nextSteps = Math.Min(GemmBlocking.StepsPerPass(Gather.Rows), area.LastStep - next);
        float* right = Right + ((long)step * Cuts.Columns) + area.FirstColumn;
        bool accumulate = step > area.FirstStep;
        for (int column = 0; column < area.Columns; column += panel)
        {
            if (column + (2 * panel) <= area.Columns) aside.Right.Start(right + column + panel, steps);
            else aside.Right.Start(Right + ((long)next * Cuts.Columns) + area.FirstColumn, nextSteps);
            float* rightPanel = scratch.Right + ((long)column * steps);
            for (int row = 0; row < area.Rows; row += tile)
            {
                var left = new LeftTile(leftPanels + ((long)row * steps), 1, tile);
                float* sums = scratch.Block + (row * GemmBlocking.BlockColumns) + column;
                if (row > 0 || column + panel > area.Columns)
                {
                    MicroKernel.Multiply<TSimd>(left, rightPanel, steps, sums, GemmBlocking.BlockColumns, accumulate, ref aside);
                    continue;
                }

                var first = new RightTile(right + column, Cuts.Columns, rightPanel);
                MicroKernel.Multiply<TSimd, InMatrix>(left, first, steps, sums, GemmBlocking.BlockColumns, accumulate, ref aside);
            }
        }
    }

    private readonly void Finish(float* sums, in Area area, int split)
    {
        for (int row = 0; row < area.Rows; row++, sums += GemmBlocking.BlockColumns)
        {
            long at = ((long)(area.FirstRow + row) * Cuts.Columns) + area.FirstColumn;
            if (Splits > 1)
                new Span<float>(sums, area.Columns).CopyTo(new Span<float>(Partials + ((long)split * Cuts.Rows * Cuts.Columns) + at, area.Columns));
            else
                ScaledSum.Add(sums, Scale is null ? null : Scale + area.FirstColumn, Target + at, area.Columns);
        }
    }

    private readonly Area AreaOf(int unit)
    {
        // Parts of a sum that have one pass more than others come last for all blocks, so that threads finish together.
        int block = unit % Cuts.Units, split = unit / Cuts.Units;
        var area = new Area { FirstRow = Cuts.FirstRow(block), FirstColumn = Cuts.FirstColumn(block), FirstStep = FirstStep(split), LastStep = FirstStep(split + 1) };
        area.Rows = Cuts.RowsOf(block);
        area.Columns = Cuts.ColumnsOf(block);
        return area;
    }

    // Parts are whole passes.
    private readonly int FirstStep(int split)
    {
        int length = Gather.Rows, pass = GemmBlocking.StepsPerPass(length), passes = (length + pass - 1) / pass;
        return Math.Min(length, (int)((long)passes * split / Splits) * pass);
    }

    /// <summary>The part of the product that a unit computes.</summary>
    private struct Area
    {
        public int FirstRow, Rows, FirstColumn, Columns, FirstStep, LastStep;
    }
}

/// <summary>Adds the parts of split sums in order: target += (Σ parts) · scale.</summary>
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
