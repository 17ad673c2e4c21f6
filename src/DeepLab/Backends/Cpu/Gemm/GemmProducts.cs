using DeepLab.Cpu;
using DeepLab.Tensors;

namespace DeepLab.Backends.Cpu;

/// <summary>Products of gathered matrices, divided into units for the threads.</summary>
internal static unsafe class GemmProducts<TSimd>
    where TSimd : unmanaged, ISimd<TSimd>
{
    /// <summary>The columns of a tile, and of a packed panel.</summary>
    public static int TileColumns => 2 * TSimd.Width;

    /// <summary>The given number of columns, rounded up to whole tiles.</summary>
    public static int PaddedColumns(int columns) => WorkerPool.UnitsOf(columns, TileColumns) * TileColumns;

    /// <summary>gathered · packed, into the epilogue.</summary>
    public static void Multiply(CpuBackend backend, in TapGather gather, float* packed, in Epilogue epilogue)
    {
        var product = new GatheredProduct<TSimd>
        {
            Gather = gather,
            PlainRows = gather.FindPlainRows(),
            Cuts = new GemmBlocking(gather.Rows, epilogue.Columns, GemmBlocking.BlockRows, TSimd.TileRows, TileColumns)
                .ForThreads(backend.Threads, GemmBlocking.LeastBlockRows),
            Right = packed,
            Epilogue = epilogue,
            Scratch = backend.Scratch,
            Workers = backend.Threads,
        };
        backend.Run(ref product, product.Cuts.Units);
    }

    /// <summary>The number of parts into which the sums of a weight gradient are split.</summary>
    public static int GradientSplits(in TapGather gather, int columns) =>
        new GemmBlocking(gather.Columns, columns, GemmBlocking.GradientBlockRows, TSimd.TileRows, TileColumns).Splits(gather.Rows);

    /// <summary>target += (gatheredᵀ · right) · scale.</summary>
    /// <param name="execution">The execution it runs in.</param>
    /// <param name="gather">The left matrix, [rows, gathered columns].</param>
    /// <param name="right">[rows, columns].</param>
    /// <param name="columns">Columns of the right matrix.</param>
    /// <param name="scale">One factor per column, or null.</param>
    /// <param name="target">[gathered columns, columns].</param>
    /// <param name="partials">Room for <see cref="GradientSplits"/> results.</param>
    public static void MultiplyTransposed(CpuExecution execution, in TapGather gather, float* right, int columns, float* scale, float* target, float* partials)
    {
        CpuBackend backend = execution.Cpu;
        var cuts = new GemmBlocking(gather.Columns, columns, GemmBlocking.GradientBlockRows, TSimd.TileRows, TileColumns);
        int splits = cuts.Splits(gather.Rows);
        cuts = cuts.ForThreads(backend.Threads, GemmBlocking.LeastGradientBlockRows, splits);
        var product = new GatheredTransposeProduct<TSimd>
        {
            Gather = gather,
            PlainRows = gather.FindPlainRows(),
            Cuts = cuts,
            Splits = splits,
            Right = right,
            Scale = scale,
            Target = target,
            Partials = partials,
            Zeros = execution.Zeros(gather.Channels),
            Scratch = backend.Scratch,
            Workers = backend.Threads,
        };
        backend.Run(ref product, cuts.Units * splits);
        if (splits == 1) return;
        var sums = new PartialSums
        {
            Partials = partials,
            Splits = splits,
            Rows = cuts.Rows,
            Columns = columns,
            Scale = scale,
            Target = target,
        };
        backend.Run(ref sums, cuts.Rows);
    }

    /// <summary>Adds the column sums of a gradient to the bias gradient.</summary>
    public static void AddBiasGradient(CpuBackend backend, Tensor dy, Tensor gradient)
    {
        var sums = new ColumnSums { Source = CpuBuffer.PointerOf(dy), Rows = dy.Shape.Rows, Columns = dy.Shape.Channels, Target = CpuBuffer.PointerOf(gradient) };
        backend.Run(ref sums, WorkerPool.UnitsOf(dy.Shape.Channels, ColumnSums.UnitColumns));
        CpuBuffer.KeepAlive(dy, gradient);
    }
}
