using System.Runtime.InteropServices;
using DeepLab.Cpu;
using DeepLab.Tensors;

namespace DeepLab.Backends.Cpu;

// The branches of a pyramid read the same map. Taken one by one each fills less than a tile with its few classes, and multiplies the zeros
// around the map; together they are one product of all their taps, whose columns are then added up where they belong.
public sealed unsafe partial class CpuBackend
{
    private const int MostBranches = 32;

    /// <inheritdoc/>
    public override void PyramidForward(ReadOnlySpan<ConvolutionGeometry> geometries, Tensor x, ReadOnlySpan<ConvolutionWeights> weights, Tensor y)
    {
        if (!SuitsPyramid(geometries, x, y))
        {
            base.PyramidForward(geometries, x, weights, y);
            return;
        }

        float** kernels = stackalloc float*[MostBranches];
        float** shifts = stackalloc float*[MostBranches];
        for (int i = 0; i < geometries.Length; i++)
        {
            if (weights[i].Scale is not null) throw new ArgumentException("Convolutions of a pyramid have a bias and no scale.", nameof(weights));
            RequireConvolution(geometries[i], x, y, weights[i].Shape);
            RequireChannels(weights[i].Shift, geometries[i].OutChannels);
            kernels[i] = Pointer(weights[i].Weights);
            shifts[i] = PointerOrNull(weights[i].Shift);
        }

        AsppTap* taps = stackalloc AsppTap[AsppTaps.Most];
        AsppGroup* groups = stackalloc AsppGroup[AsppTaps.Most];
        int* sources = stackalloc int[AsppTaps.Most];
        AsppMap* list = stackalloc AsppMap[x.Shape.Maps.Length];
        AsppTaps all = AsppTaps.Of(geometries, TileColumns, taps, groups, sources);
        AsppMaps maps = MapsOf(x.Shape, list);
        float* products = Workspace(((long)(x.Shape.Rows + 8) * all.Columns) + ((long)all.Channels * all.Columns));
        float* packed = PackPyramid(all, weights[0], kernels, products + ((long)(x.Shape.Rows + 8) * all.Columns));
        switch (Tier)
        {
            case InstructionSet.Avx512:
                AsppProducts<Simd512>(all, maps, x, packed, products);
                break;
            case InstructionSet.Avx2:
                AsppProducts<Simd256>(all, maps, x, packed, products);
                break;
            default:
                AsppProducts<SimdPortable>(all, maps, x, packed, products);
                break;
        }

        var sums = new AsppSums
        {
            Taps = all,
            Maps = maps,
            Rows = x.Shape.Rows,
            Products = products,
            Shifts = shifts,
            Branches = geometries.Length,
            Target = Pointer(y),
        };
        _pool.Run(ref sums, UnitsOf(x.Shape.Rows, AsppSums.UnitRows));
        KeepAlive(x, y);
        foreach (ConvolutionWeights branch in weights) KeepAlive(branch);
    }

    /// <inheritdoc/>
    public override void PyramidBackwardInput(
        ReadOnlySpan<ConvolutionGeometry> geometries, Tensor dy, ReadOnlySpan<ConvolutionWeights> weights, Tensor dx, Tensor? mask)
    {
        if (!SuitsPyramid(geometries, dx, dy))
        {
            base.PyramidBackwardInput(geometries, dy, weights, dx, mask);
            return;
        }

        RequireSame(dx, mask);
        float** kernels = stackalloc float*[MostBranches];
        for (int i = 0; i < geometries.Length; i++)
        {
            RequireConvolution(geometries[i], dx, dy, weights[i].Shape);
            kernels[i] = Pointer(weights[i].Weights);
        }

        AsppTap* taps = stackalloc AsppTap[AsppTaps.Most];
        AsppGroup* groups = stackalloc AsppGroup[AsppTaps.Most];
        int* sources = stackalloc int[AsppTaps.Most];
        AsppTaps all = AsppTaps.Of(geometries, TileColumns, taps, groups, sources);
        long size = (long)dy.Shape.Rows * all.Columns, packedSize = (long)PaddedColumns(all.Channels) * all.Columns;
        float* gathered = Workspace(size + packedSize);
        float* packed = Packed(weights[0].Backward, weights[0].Keep, packedSize, gathered + size, out bool isPacked);
        GatherGradients(all, dy, gathered);
        var packing = new TransposedAsppPacking { Taps = all, Weights = kernels, Panel = TileColumns, Target = packed };
        if (!isPacked) _pool.Run(ref packing, UnitsOf(all.Channels, TileColumns));
        GatherMap map = default;
        TapRun run = default;
        var epilogue = new Epilogue { Target = Pointer(dx), Columns = all.Channels, Mask = PointerOrNull(mask) };
        Multiply(Plain(gathered, dy.Shape.Rows, all.Columns, &map, &run), packed, epilogue);
        KeepAlive(dy, dx, mask);
        foreach (ConvolutionWeights branch in weights) KeepAlive(branch);
    }

    /// <inheritdoc/>
    public override void PyramidBackwardWeights(
        ReadOnlySpan<ConvolutionGeometry> geometries, Tensor x, Tensor dy, ReadOnlySpan<Tensor> weightGradients, ReadOnlySpan<Tensor> biasGradients)
    {
        if (!SuitsPyramid(geometries, x, dy))
        {
            base.PyramidBackwardWeights(geometries, x, dy, weightGradients, biasGradients);
            return;
        }

        float** targets = stackalloc float*[MostBranches];
        for (int i = 0; i < geometries.Length; i++)
        {
            RequireConvolution(geometries[i], x, dy, weightGradients[i].Shape);
            RequireChannels(biasGradients[i], geometries[i].OutChannels);
            targets[i] = Pointer(weightGradients[i]);
        }

        AsppTap* taps = stackalloc AsppTap[AsppTaps.Most];
        AsppGroup* groups = stackalloc AsppGroup[AsppTaps.Most];
        int* sources = stackalloc int[AsppTaps.Most];
        AsppTaps all = AsppTaps.Of(geometries, TileColumns, taps, groups, sources);
        long gatheredSize = (long)dy.Shape.Rows * all.Columns, gradientSize = (long)all.Channels * all.Columns;
        GatherMap map = default;
        TapRun run = default;
        TapGather inputs = Plain(Pointer(x), x.Shape.Rows, all.Channels, &map, &run);
        float* gathered = Workspace(gatheredSize + (gradientSize * (1 + GradientSplits(inputs, all.Columns))));
        float* gradient = gathered + gatheredSize;
        GatherGradients(all, dy, gathered);
        NativeMemory.Clear(gradient, checked((nuint)gradientSize * sizeof(float)));
        WeightGradient(inputs, gathered, all.Columns, gradient, gradient + gradientSize);
        var scatter = new AsppScatter { Taps = all, Source = gradient, Targets = targets };
        _pool.Run(ref scatter, all.Channels);
        foreach (Tensor bias in biasGradients) AddBiasGradient(dy, bias);
        KeepAlive(x, dy);
        foreach (Tensor tensor in weightGradients) KeepAlive(tensor);
    }

    private static bool SuitsPyramid(ReadOnlySpan<ConvolutionGeometry> geometries, Tensor x, Tensor y) =>
        geometries.Length is > 1 and <= MostBranches && x.Shape.Maps.Length <= MaximumMaps && AsppTaps.Suit(geometries)
        && x.Shape.Maps.AsSpan().SequenceEqual(y.Shape.Maps.AsSpan());

    private static AsppMaps MapsOf(RaggedShape shape, AsppMap* maps)
    {
        for (int i = 0; i < shape.Maps.Length; i++)
            maps[i] = new AsppMap { FirstRow = shape.FirstRow(i), Height = shape.Maps[i].Height, Width = shape.Maps[i].Width };
        return new AsppMaps { Maps = maps, Count = shape.Maps.Length };
    }

    /// <summary>A matrix [rows, columns] as it stands.</summary>
    private static TapGather Plain(float* source, int rows, int columns, GatherMap* map, TapRun* run)
    {
        *map = new GatherMap { GridHeight = rows, GridWidth = 1, Source = source, SourceHeight = rows, SourceWidth = 1, TargetWidth = 1, TargetStride = 1 };
        *run = new TapRun { Count = 1 };
        return new TapGather { Maps = map, MapCount = 1, Runs = run, RunCount = 1, Taps = 1, Channels = columns, Stride = 1 };
    }

    private float* PackPyramid(in AsppTaps taps, ConvolutionWeights first, float** kernels, float* workspace)
    {
        // The first branch keeps the packed weights of all.
        long size = (long)taps.Channels * taps.Columns;
        float* target = Packed(first.Forward, first.Keep, size, workspace, out bool isPacked);
        var packing = new AsppPacking { Taps = taps, Weights = kernels, Panel = TileColumns, Target = target };
        if (!isPacked) _pool.Run(ref packing, taps.Columns / TileColumns);
        return target;
    }

    private void AsppProducts<TSimd>(in AsppTaps taps, in AsppMaps maps, Tensor x, float* packed, float* products)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        var body = new AsppProducts<TSimd>
        {
            Taps = taps,
            Maps = maps,
            Rows = x.Shape.Rows,
            Source = Pointer(x),
            Right = packed,
            Target = products,
            Scratch = _scratch,
            UnitRows = GemmBlocking.UnitSize(x.Shape.Rows, GemmBlocking.BlockRows, GemmBlocking.LeastBlockRows, 1, Threads),
        };
        _pool.Run(ref body, UnitsOf(x.Shape.Rows, body.UnitRows));
    }

    private void GatherGradients(in AsppTaps taps, Tensor dy, float* target)
    {
        AsppMap* list = stackalloc AsppMap[dy.Shape.Maps.Length];
        var gather = new AsppGradients { Taps = taps, Maps = MapsOf(dy.Shape, list), Rows = dy.Shape.Rows, Source = Pointer(dy), Target = target };
        _pool.Run(ref gather, UnitsOf(dy.Shape.Rows, AsppGradients.UnitRows));
    }
}
