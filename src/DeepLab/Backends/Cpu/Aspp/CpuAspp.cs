using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DeepLab.Cpu;
using DeepLab.Tensors;
using static DeepLab.Backends.Cpu.CpuBuffer;

namespace DeepLab.Backends.Cpu;

/// <summary>
/// The branches of an ASPP read the same map. Computed one by one, each fills less than a tile with its few classes,
/// and multiplies the zeros around the map; together they are one product of all their taps, whose columns are then
/// summed where they belong.
/// </summary>
internal sealed unsafe class CpuAspp<TSimd> : PreparedAspp
    where TSimd : unmanaged, ISimd<TSimd>
{
    private readonly CpuBackend _backend;
    private readonly PrepackedKernel _forward, _backward;

    // Listed once; the lists do not move, and live as long as this.
    private readonly AsppTap[] _taps = GC.AllocateArray<AsppTap>(AsppTaps.Most, pinned: true);
    private readonly AsppGroup[] _groups = GC.AllocateArray<AsppGroup>(AsppTaps.Most, pinned: true);
    private readonly int[] _sources = GC.AllocateArray<int>(AsppTaps.Most, pinned: true);
    private readonly AsppTaps _all;

    public CpuAspp(CpuBackend backend, AsppSpec spec, IReadOnlyList<ConvolutionWeights> weights, string name)
        : base(spec, weights, name)
    {
        _backend = backend;
        _all = AsppTaps.Of(
            spec,
            TileColumns,
            (AsppTap*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_taps)),
            (AsppGroup*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_groups)),
            (int*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_sources)));
        _forward = new PrepackedKernel(backend, (long)_all.Channels * _all.Columns, (_, memory) => PackForward(PointerIn(memory)));
        _backward = new PrepackedKernel(backend, (long)GemmProducts<TSimd>.PaddedColumns(_all.Channels) * _all.Columns, (_, memory) => PackBackward(PointerIn(memory)));
    }

    private static int TileColumns => GemmProducts<TSimd>.TileColumns;

    // One copy holds all branches, so it is out of date when any of them has changed. Each version only increases, and
    // so does their sum.
    private long Version
    {
        get
        {
            long sum = 0;
            for (int i = 0; i < Weights.Count; i++) sum += Weights[i].Version;
            return sum;
        }
    }

    public override void ReleasePrepacked()
    {
        _forward.Free();
        _backward.Free();
    }

    private protected override void ForwardCore(Execution execution, Tensor x, Tensor y)
    {
        AsppMap* list = stackalloc AsppMap[x.Shape.Maps.Length];
        AsppTaps all = _all;
        AsppMaps maps = MapsOf(x.Shape, list);
        long productLength = (long)(x.Shape.Rows + 8) * all.Columns;
        float* products = ((CpuExecution)execution).Workspace(productLength + _forward.Length);
        using var packed = new PackedReader(_forward, execution, Version, products + productLength);
        if (packed.IsWorkspace) PackForward(packed.Pointer);
        var body = new AsppProducts<TSimd>
        {
            Taps = all,
            Maps = maps,
            Rows = x.Shape.Rows,
            Source = PointerOf(x),
            Right = packed.Pointer,
            Target = products,
            Scratch = _backend.Scratch,
            UnitRows = GemmBlocking.UnitSize(x.Shape.Rows, GemmBlocking.BlockRows, GemmBlocking.LeastBlockRows, 1, _backend.Threads),
        };
        _backend.Run(ref body, WorkerPool.UnitsOf(x.Shape.Rows, body.UnitRows));
        float** shifts = stackalloc float*[AsppTaps.MostBranches];
        for (int i = 0; i < Weights.Count; i++) shifts[i] = PointerOrNull(Weights[i].Shift);
        var sums = new AsppSums
        {
            Taps = all,
            Maps = maps,
            Rows = x.Shape.Rows,
            Products = products,
            Shifts = shifts,
            Branches = Weights.Count,
            Target = PointerOf(y),
        };
        _backend.Run(ref sums, WorkerPool.UnitsOf(x.Shape.Rows, AsppSums.UnitRows));
        KeepAlive(x, y, Weights, this);
    }

    private protected override void BackwardInputCore(Execution execution, Tensor dy, Tensor dx, Tensor? mask)
    {
        AsppTaps all = _all;
        long size = (long)dy.Shape.Rows * all.Columns;
        float* gathered = ((CpuExecution)execution).Workspace(size + _backward.Length);
        using var packed = new PackedReader(_backward, execution, Version, gathered + size);
        GatherGradients(all, dy, gathered);
        if (packed.IsWorkspace) PackBackward(packed.Pointer);
        GatherMap map = default;
        TapRun run = default;
        var epilogue = new Epilogue { Target = PointerOf(dx), Columns = all.Channels, Mask = PointerOrNull(mask) };
        GemmProducts<TSimd>.Multiply(_backend, ConvolutionGather.Plain(gathered, dy.Shape.Rows, all.Columns, &map, &run), packed.Pointer, epilogue);
        KeepAlive(dy, dx, mask, this);
    }

    private protected override void BackwardWeightsCore(Execution execution, Tensor x, Tensor dy, ReadOnlySpan<Tensor> kernelGradients, ReadOnlySpan<Tensor> biasGradients)
    {
        AsppTaps all = _all;
        long gatheredSize = (long)dy.Shape.Rows * all.Columns, gradientSize = (long)all.Channels * all.Columns;
        GatherMap map = default;
        TapRun run = default;
        TapGather inputs = ConvolutionGather.Plain(PointerOf(x), x.Shape.Rows, all.Channels, &map, &run);
        var cpu = (CpuExecution)execution;
        float* gathered = cpu.Workspace(gatheredSize + (gradientSize * (1 + GemmProducts<TSimd>.GradientSplits(inputs, all.Columns))));
        float* gradient = gathered + gatheredSize;
        GatherGradients(all, dy, gathered);
        NativeMemory.Clear(gradient, checked((nuint)gradientSize * sizeof(float)));
        GemmProducts<TSimd>.MultiplyTransposed(cpu, inputs, gathered, all.Columns, null, gradient, gradient + gradientSize);
        float** targets = stackalloc float*[AsppTaps.MostBranches];
        for (int i = 0; i < kernelGradients.Length; i++) targets[i] = PointerOf(kernelGradients[i]);
        var scatter = new AsppScatter { Taps = all, Source = gradient, Targets = targets };
        _backend.Run(ref scatter, all.Channels);
        foreach (Tensor bias in biasGradients) GemmProducts<TSimd>.AddBiasGradient(_backend, dy, bias);
        KeepAlive(x, dy, this);
        foreach (Tensor tensor in kernelGradients) KeepAlive(tensor);
    }

    private static AsppMaps MapsOf(RaggedShape shape, AsppMap* maps)
    {
        for (int i = 0; i < shape.Maps.Length; i++)
            maps[i] = new AsppMap { FirstRow = shape.FirstRow(i), Height = shape.Maps[i].Height, Width = shape.Maps[i].Width };
        return new AsppMaps { Maps = maps, Count = shape.Maps.Length };
    }

    private void PackForward(float* target)
    {
        AsppTaps all = _all;
        float** kernels = stackalloc float*[AsppTaps.MostBranches];
        ListKernels(kernels);
        var packing = new AsppPacking { Taps = all, Weights = kernels, Panel = TileColumns, Target = target };
        _backend.Run(ref packing, all.Columns / TileColumns);
        KeepAlive(Weights, this);
    }

    private void PackBackward(float* target)
    {
        AsppTaps all = _all;
        float** kernels = stackalloc float*[AsppTaps.MostBranches];
        ListKernels(kernels);
        var packing = new TransposedAsppPacking { Taps = all, Weights = kernels, Panel = TileColumns, Target = target };
        _backend.Run(ref packing, WorkerPool.UnitsOf(all.Channels, TileColumns));
        KeepAlive(Weights, this);
    }

    private void ListKernels(float** kernels)
    {
        for (int i = 0; i < Weights.Count; i++) kernels[i] = PointerOf(Weights[i].Kernel);
    }

    private void GatherGradients(in AsppTaps taps, Tensor dy, float* target)
    {
        AsppMap* list = stackalloc AsppMap[dy.Shape.Maps.Length];
        var gather = new AsppGradients { Taps = taps, Maps = MapsOf(dy.Shape, list), Rows = dy.Shape.Rows, Source = PointerOf(dy), Target = target };
        _backend.Run(ref gather, WorkerPool.UnitsOf(dy.Shape.Rows, AsppGradients.UnitRows));
    }
}
