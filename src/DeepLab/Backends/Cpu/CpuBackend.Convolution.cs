using DeepLab.Cpu;
using DeepLab.Tensors;

namespace DeepLab.Backends.Cpu;

// Convolutions as products of a gathered matrix: which taps read where is all that differs between forward,
// the gradient of the input and the gradient of the weights.
public sealed unsafe partial class CpuBackend
{
    // Maps and taps of one operation are listed on the stack.
    private const int MaximumMaps = 4096;
    private const int MaximumTaps = 1024;

    /// <inheritdoc/>
    public override void ConvolutionForward(
        in ConvolutionGeometry geometry, Tensor x, ConvolutionWeights weights, Tensor y, bool accumulate, Tensor? shortcut, bool relu)
    {
        RequireConvolution(geometry, x, y, weights.Shape);
        RequireChannels(weights.Scale, geometry.OutChannels);
        RequireChannels(weights.Shift, geometry.OutChannels);
        RequireSame(y, shortcut);
        var epilogue = new Epilogue
        {
            Target = Pointer(y),
            Columns = geometry.OutChannels,
            Shift = PointerOrNull(weights.Shift),
            Shortcut = PointerOrNull(shortcut),
            Accumulate = accumulate,
            Relu = relu,
        };
        if (UsesWinograd(geometry, x.Shape))
        {
            WinogradForward(geometry, x, weights, epilogue);
        }
        else
        {
            GatherMap* maps = stackalloc GatherMap[x.Shape.Maps.Length];
            TapRun* runs = stackalloc TapRun[geometry.Taps];
            TapGather gather = ForwardGather(geometry, x, y, maps, runs);
            Multiply(gather, PackForward(geometry, weights), epilogue);
        }

        KeepAlive(x, weights, y, shortcut);
    }

    /// <inheritdoc/>
    public override void ConvolutionBackwardInput(
        in ConvolutionGeometry geometry, Tensor dy, ConvolutionWeights weights, Tensor dx, bool accumulate, Tensor? mask)
    {
        RequireConvolution(geometry, dx, dy, weights.Shape);
        RequireChannels(weights.Scale, geometry.OutChannels);
        RequireSame(dx, mask);
        var epilogue = new Epilogue { Target = Pointer(dx), Columns = geometry.InChannels, Accumulate = accumulate, Mask = PointerOrNull(mask) };
        if (UsesWinograd(geometry, dy.Shape)) WinogradBackwardInput(geometry, dy, weights, epilogue);
        else GatheredBackwardInput(geometry, dy, weights, dx, epilogue);
        KeepAlive(dy, weights, dx, mask);
    }

    private void GatheredBackwardInput(in ConvolutionGeometry geometry, Tensor dy, ConvolutionWeights weights, Tensor dx, in Epilogue epilogue)
    {
        GatherMap* maps = stackalloc GatherMap[dx.Shape.Maps.Length];
        TapRun* runs = stackalloc TapRun[geometry.Taps];
        int* taps = stackalloc int[geometry.Taps];
        long size = (long)geometry.Taps * geometry.OutChannels * PaddedColumns(geometry.InChannels);
        float* workspace = Workspace(size);

        // With a stride, pixels of the input fall into stride² phases, and each phase is reached by its own taps.
        PackedCopies keep = geometry.Stride == 1 ? weights.Keep : PackedCopies.None;
        for (int phaseY = 0; phaseY < geometry.Stride; phaseY++)
        {
            for (int phaseX = 0; phaseX < geometry.Stride; phaseX++)
            {
                TapGather gather = BackwardGather(geometry, dy, dx, phaseY, phaseX, maps, runs, taps);
                if (gather.Rows == 0) continue;
                var packing = new TransposedPacking
                {
                    Weights = Pointer(weights.Weights),
                    Scale = PointerOrNull(weights.Scale),
                    Taps = taps,
                    TapCount = gather.Taps,
                    InChannels = geometry.InChannels,
                    OutChannels = geometry.OutChannels,
                    Panel = TileColumns,
                    Target = Packed(weights.Backward, keep, size, workspace, out bool isPacked),
                };
                if (gather.Taps > 0 && !isPacked) _pool.Run(ref packing, UnitsOf(geometry.InChannels, TileColumns));
                Multiply(gather, packing.Target, epilogue);
            }
        }
    }

    /// <inheritdoc/>
    public override void ConvolutionBackwardWeights(
        in ConvolutionGeometry geometry, Tensor x, Tensor dy, Tensor? scale, Tensor weightGradient, Tensor? biasGradient)
    {
        RequireConvolution(geometry, x, dy, weightGradient.Shape);
        RequireChannels(scale, geometry.OutChannels);
        RequireChannels(biasGradient, geometry.OutChannels);
        switch (Tier)
        {
            case InstructionSet.Avx512:
                WeightGradient<Simd512>(geometry, x, dy, scale, weightGradient);
                break;
            case InstructionSet.Avx2:
                WeightGradient<Simd256>(geometry, x, dy, scale, weightGradient);
                break;
            default:
                WeightGradient<SimdPortable>(geometry, x, dy, scale, weightGradient);
                break;
        }

        if (biasGradient is not null) AddBiasGradient(dy, biasGradient);
        KeepAlive(x, dy, scale, weightGradient, biasGradient);
    }

    private void AddBiasGradient(Tensor dy, Tensor gradient)
    {
        var sums = new ColumnSums { Source = Pointer(dy), Rows = dy.Shape.Rows, Columns = dy.Shape.Channels, Target = Pointer(gradient) };
        _pool.Run(ref sums, UnitsOf(dy.Shape.Channels, ColumnSums.UnitColumns));
        KeepAlive(dy, gradient);
    }

    private int TileColumns => Tier switch
    {
        InstructionSet.Avx512 => 2 * Simd512.Width,
        InstructionSet.Avx2 => 2 * Simd256.Width,
        _ => 2 * SimdPortable.Width,
    };

    private int PaddedColumns(int columns) => UnitsOf(columns, TileColumns) * TileColumns;

    private static void RequireConvolution(in ConvolutionGeometry geometry, Tensor x, Tensor y, RaggedShape weights)
    {
        Require(x.Shape.Channels == geometry.InChannels && y.Shape.Channels == geometry.OutChannels, "The channels do not fit", x, y);
        Require(x.Shape.Maps.Length == y.Shape.Maps.Length && x.Shape.Maps.Length <= MaximumMaps, "The maps do not fit", x, y);
        if (geometry.Taps > MaximumTaps) throw new ArgumentException($"A kernel of {geometry.Taps} taps is too large.");
        for (int i = 0; i < x.Shape.Maps.Length; i++)
        {
            MapSize from = x.Shape.Maps[i], to = y.Shape.Maps[i];
            Require(geometry.OutputSide(from.Height) == to.Height && geometry.OutputSide(from.Width) == to.Width, "The sizes do not fit", x, y);
        }

        if (weights.Length != (long)geometry.Taps * geometry.InChannels * geometry.OutChannels) throw new ArgumentException($"The weights do not fit: {weights} and {x.Shape}.");
    }

    private static TapGather ForwardGather(in ConvolutionGeometry geometry, Tensor x, Tensor y, GatherMap* maps, TapRun* runs)
    {
        float* source = Pointer(x);
        for (int i = 0; i < x.Shape.Maps.Length; i++)
        {
            MapSize from = x.Shape.Maps[i], to = y.Shape.Maps[i];
            maps[i] = new GatherMap
            {
                GridHeight = to.Height,
                GridWidth = to.Width,
                FirstRow = y.Shape.FirstRow(i),
                Source = source + ((long)x.Shape.FirstRow(i) * x.Shape.Channels),
                SourceHeight = from.Height,
                SourceWidth = from.Width,
                TargetFirstRow = y.Shape.FirstRow(i),
                TargetWidth = to.Width,
                TargetStride = 1,
            };
        }

        int runCount = 0;
        for (int tap = 0; tap < geometry.Taps; tap++)
        {
            int offsetY = (tap / geometry.KernelSize * geometry.Dilation) - geometry.Padding;
            int offsetX = (tap % geometry.KernelSize * geometry.Dilation) - geometry.Padding;
            runCount = AddTap(runs, runCount, tap, offsetY, offsetX);
        }

        return new TapGather
        {
            Maps = maps,
            MapCount = x.Shape.Maps.Length,
            Runs = runs,
            RunCount = runCount,
            Taps = geometry.Taps,
            Channels = geometry.InChannels,
            Stride = geometry.Stride,
        };
    }

    private static TapGather BackwardGather(
        in ConvolutionGeometry geometry, Tensor dy, Tensor dx, int phaseY, int phaseX, GatherMap* maps, TapRun* runs, int* taps)
    {
        int stride = geometry.Stride, row = 0;
        float* source = Pointer(dy);
        for (int i = 0; i < dx.Shape.Maps.Length; i++)
        {
            MapSize from = dy.Shape.Maps[i], to = dx.Shape.Maps[i];
            var map = new GatherMap
            {
                GridHeight = (to.Height - phaseY + stride - 1) / stride,
                GridWidth = (to.Width - phaseX + stride - 1) / stride,
                FirstRow = row,
                Source = source + ((long)dy.Shape.FirstRow(i) * dy.Shape.Channels),
                SourceHeight = from.Height,
                SourceWidth = from.Width,
                TargetFirstRow = dx.Shape.FirstRow(i),
                TargetWidth = to.Width,
                TargetY = phaseY,
                TargetX = phaseX,
                TargetStride = stride,
            };
            maps[i] = map;
            row += map.GridHeight * map.GridWidth;
        }

        // Backwards, so that neighbouring taps read neighbouring pixels from left to right.
        int count = 0, runCount = 0;
        for (int tap = geometry.Taps - 1; tap >= 0; tap--)
        {
            int y = phaseY + geometry.Padding - (tap / geometry.KernelSize * geometry.Dilation);
            int x = phaseX + geometry.Padding - (tap % geometry.KernelSize * geometry.Dilation);
            if (y % stride != 0 || x % stride != 0) continue;
            runCount = AddTap(runs, runCount, count, y / stride, x / stride);
            taps[count++] = tap;
        }

        return new TapGather
        {
            Maps = maps,
            MapCount = dx.Shape.Maps.Length,
            Runs = runs,
            RunCount = runCount,
            Taps = count,
            Channels = geometry.OutChannels,
            Stride = 1,
        };
    }

    private static int AddTap(TapRun* runs, int count, int tap, int offsetY, int offsetX)
    {
        TapRun* last = runs + count - 1;
        if (count > 0 && last->OffsetY == offsetY && last->OffsetX + last->Count == offsetX)
        {
            last->Count++;
            return count;
        }

        runs[count] = new TapRun { FirstTap = tap, Count = 1, OffsetY = offsetY, OffsetX = offsetX };
        return count + 1;
    }

    // Where a kernel's packed copy is, or is to be made: in memory that is kept, or in the workspace.
    private float* Packed(PackedKernel copy, PackedCopies keep, long size, float* workspace, out bool isPacked) =>
        copy.Find(keep, size, this, out isPacked) is CpuBuffer kept ? kept.Pointer : workspace;

    private float* PackForward(in ConvolutionGeometry geometry, ConvolutionWeights weights)
    {
        int length = geometry.Taps * geometry.InChannels;
        long size = (long)length * PaddedColumns(geometry.OutChannels);
        float* target = Packed(weights.Forward, weights.Keep, size, Workspace(size), out bool isPacked);
        if (isPacked) return target;
        fixed (float* mapped = weights.Mapped.Span)
        {
            if (mapped is not null)
            {
                var fromFile = new MappedPacking
                {
                    Weights = mapped,
                    Scale = PointerOrNull(weights.Scale),
                    InChannels = geometry.InChannels,
                    Taps = geometry.Taps,
                    Columns = geometry.OutChannels,
                    Panel = TileColumns,
                    Target = target,
                };
                _pool.Run(ref fromFile, UnitsOf(geometry.InChannels, MappedPacking.UnitChannels));
                return target;
            }
        }

        var packing = new ForwardPacking
        {
            Weights = Pointer(weights.Weights),
            Scale = PointerOrNull(weights.Scale),
            Length = length,
            Columns = geometry.OutChannels,
            Panel = TileColumns,
            Target = target,
        };
        _pool.Run(ref packing, UnitsOf(length, ForwardPacking.UnitRows));
        return target;
    }

    private void Multiply(in TapGather gather, float* packed, in Epilogue epilogue)
    {
        switch (Tier)
        {
            case InstructionSet.Avx512:
                Multiply<Simd512>(gather, packed, epilogue);
                break;
            case InstructionSet.Avx2:
                Multiply<Simd256>(gather, packed, epilogue);
                break;
            default:
                Multiply<SimdPortable>(gather, packed, epilogue);
                break;
        }
    }

    private void Multiply<TSimd>(in TapGather gather, float* packed, in Epilogue epilogue)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        var product = new GatheredProduct<TSimd>
        {
            Gather = gather,
            PlainRows = gather.FindPlainRows(),
            Cuts = new GemmBlocking(gather.Rows, epilogue.Columns, GemmBlocking.BlockRows, TSimd.TileRows, 2 * TSimd.Width)
                .ForThreads(Threads, GemmBlocking.LeastBlockRows),
            Right = packed,
            Epilogue = epilogue,
            Scratch = _scratch,
            Workers = Threads,
        };
        _pool.Run(ref product, product.Cuts.Units);
    }

    private void WeightGradient<TSimd>(in ConvolutionGeometry geometry, Tensor x, Tensor dy, Tensor? scale, Tensor target)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        if (UsesWinograd(geometry, x.Shape))
        {
            WinogradBackwardWeights<TSimd>(geometry, x, dy, scale, target);
            return;
        }

        GatherMap* maps = stackalloc GatherMap[x.Shape.Maps.Length];
        TapRun* runs = stackalloc TapRun[geometry.Taps];
        TapGather gather = ForwardGather(geometry, x, dy, maps, runs);
        int columns = dy.Shape.Channels;
        float* partials = Workspace((long)GradientSplits(gather, columns) * gather.Columns * columns);
        WeightGradient<TSimd>(gather, Pointer(dy), columns, PointerOrNull(scale), Pointer(target), partials);
    }

    private void WeightGradient(in TapGather gather, float* right, int columns, float* target, float* partials)
    {
        switch (Tier)
        {
            case InstructionSet.Avx512:
                WeightGradient<Simd512>(gather, right, columns, null, target, partials);
                break;
            case InstructionSet.Avx2:
                WeightGradient<Simd256>(gather, right, columns, null, target, partials);
                break;
            default:
                WeightGradient<SimdPortable>(gather, right, columns, null, target, partials);
                break;
        }
    }

    private int GradientSplits(in TapGather gather, int columns)
    {
        int tileRows = Tier switch
        {
            InstructionSet.Avx512 => Simd512.TileRows,
            InstructionSet.Avx2 => Simd256.TileRows,
            _ => SimdPortable.TileRows,
        };
        return new GemmBlocking(gather.Columns, columns, GemmBlocking.GradientBlockRows, tileRows, TileColumns).Splits(gather.Rows);
    }

    /// <summary>target += (gatheredᵀ · right) · scale.</summary>
    /// <param name="gather">The left matrix, [rows, gathered columns].</param>
    /// <param name="right">[rows, columns].</param>
    /// <param name="columns">Columns of the right matrix.</param>
    /// <param name="scale">A factor a column, or null.</param>
    /// <param name="target">[gathered columns, columns].</param>
    /// <param name="partials">Room for <see cref="GradientSplits"/> results.</param>
    private void WeightGradient<TSimd>(in TapGather gather, float* right, int columns, float* scale, float* target, float* partials)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        var cuts = new GemmBlocking(gather.Columns, columns, GemmBlocking.GradientBlockRows, TSimd.TileRows, 2 * TSimd.Width);
        int splits = cuts.Splits(gather.Rows);
        cuts = cuts.ForThreads(Threads, GemmBlocking.LeastGradientBlockRows, splits);
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
            Zeros = Zeros(gather.Channels),
            Scratch = _scratch,
            Workers = Threads,
        };
        _pool.Run(ref product, cuts.Units * splits);
        if (splits == 1) return;
        var sums = new PartialSums
        {
            Partials = product.Partials,
            Splits = splits,
            Rows = cuts.Rows,
            Columns = columns,
            Scale = product.Scale,
            Target = product.Target,
        };
        _pool.Run(ref sums, cuts.Rows);
    }
}
