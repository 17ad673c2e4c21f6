using System.Buffers;
using DeepLab.Cpu;
using DeepLab.Tensors;
using static DeepLab.Backends.Cpu.CpuBuffer;

namespace DeepLab.Backends.Cpu;

/// <summary>
/// A convolution on the CPU. Most are products of a gathered matrix (this file); 3×3 convolutions of stride 1 use
/// Winograd's minimal filtering (<c>CpuConvolution.Winograd.cs</c>) where the shapes suit it. Each direction, forward
/// and backward, has its own packed copy of the kernel.
/// </summary>
internal sealed unsafe partial class CpuConvolution<TSimd> : PreparedConvolution
    where TSimd : unmanaged, ISimd<TSimd>
{
    private readonly CpuBackend _backend;
    private readonly PrepackedKernel _forward, _backward, _winogradForward, _winogradBackward;

    public CpuConvolution(CpuBackend backend, in ConvolutionSpec spec, ConvolutionWeights weights, string name)
        : base(spec, weights, name)
    {
        _backend = backend;
        long filters = WinogradTransforms.Points * WinogradLayout.FilterStride(spec.InChannels, spec.OutChannels);
        _forward = new PrepackedKernel(backend, (long)spec.Taps * spec.InChannels * PaddedColumns(spec.OutChannels), (_, memory) => PackForward(PointerIn(memory)));
        _backward = new PrepackedKernel(backend, (long)spec.Taps * spec.OutChannels * PaddedColumns(spec.InChannels), (_, memory) => PackBackward(PointerIn(memory)));
        _winogradForward = new PrepackedKernel(backend, filters, (_, memory) => TransformFilters(PointerIn(memory)));
        _winogradBackward = new PrepackedKernel(backend, filters, (_, memory) => TransformTransposedFilters(PointerIn(memory)));
    }

    public override void ReleasePrepacked()
    {
        foreach (PrepackedKernel copy in (ReadOnlySpan<PrepackedKernel>)[_forward, _backward, _winogradForward, _winogradBackward]) copy.Free();
    }

    internal override void ForwardCore(Execution execution, Tensor x, Tensor y, bool accumulate, Tensor? shortcut, bool relu)
    {
        var epilogue = new Epilogue
        {
            Target = PointerOf(y),
            Columns = Spec.OutChannels,
            Shift = PointerOrNull(Weights.Shift),
            Shortcut = PointerOrNull(shortcut),
            Accumulate = accumulate,
            Relu = relu,
        };
        if (UsesWinograd(x.Shape)) WinogradForward((CpuExecution)execution, x, epilogue);
        else GatheredForward((CpuExecution)execution, x, y, epilogue);
        KeepAlive(x, Weights, y, shortcut);
    }

    internal override void BackwardInputCore(Execution execution, Tensor dy, Tensor dx, bool accumulate, Tensor? mask)
    {
        var epilogue = new Epilogue { Target = PointerOf(dx), Columns = Spec.InChannels, Accumulate = accumulate, Mask = PointerOrNull(mask) };
        if (UsesWinograd(dy.Shape)) WinogradBackwardInput((CpuExecution)execution, dy, epilogue);
        else if (Spec.Stride == 1) GatheredBackwardInput((CpuExecution)execution, dy, dx, epilogue);
        else StridedBackwardInput((CpuExecution)execution, dy, dx, epilogue);
        KeepAlive(dy, Weights, dx, mask);
    }

    internal override void BackwardWeightsCore(Execution execution, Tensor x, Tensor dy, Tensor kernelGradient, Tensor? biasGradient)
    {
        if (UsesWinograd(x.Shape)) WinogradBackwardWeights((CpuExecution)execution, x, dy, kernelGradient);
        else GatheredBackwardWeights((CpuExecution)execution, x, dy, kernelGradient);
        if (biasGradient is not null) GemmProducts<TSimd>.AddBiasGradient(_backend, dy, biasGradient);
        KeepAlive(x, dy, Weights, kernelGradient);
    }

    private static int PaddedColumns(int columns) => GemmProducts<TSimd>.PaddedColumns(columns);

    private void GatheredForward(CpuExecution execution, Tensor x, Tensor y, in Epilogue epilogue)
    {
        GatherMap* maps = stackalloc GatherMap[x.Shape.Maps.Length];
        TapRun* runs = stackalloc TapRun[Spec.Taps];
        TapGather gather = ConvolutionGather.Forward(Spec, x, y, maps, runs);
        using var packed = new PackedReader(_forward, execution, Weights.Version, execution.Workspace(_forward.Length));
        if (packed.IsWorkspace) PackForward(packed.Pointer);
        GemmProducts<TSimd>.Multiply(_backend, gather, packed.Pointer, epilogue);
    }

    private void GatheredBackwardInput(CpuExecution execution, Tensor dy, Tensor dx, in Epilogue epilogue)
    {
        GatherMap* maps = stackalloc GatherMap[dx.Shape.Maps.Length];
        TapRun* runs = stackalloc TapRun[Spec.Taps];
        int* taps = stackalloc int[Spec.Taps];
        TapGather gather = ConvolutionGather.Backward(Spec, dy, dx, 0, 0, maps, runs, taps);
        using var packed = new PackedReader(_backward, execution, Weights.Version, execution.Workspace(_backward.Length));
        if (packed.IsWorkspace) PackTransposed(taps, gather.Taps, packed.Pointer);
        GemmProducts<TSimd>.Multiply(_backend, gather, packed.Pointer, epilogue);
    }

    // Each phase reads its own taps, so no single packed copy would serve them all.
    private void StridedBackwardInput(CpuExecution execution, Tensor dy, Tensor dx, in Epilogue epilogue)
    {
        GatherMap* maps = stackalloc GatherMap[dx.Shape.Maps.Length];
        TapRun* runs = stackalloc TapRun[Spec.Taps];
        int* taps = stackalloc int[Spec.Taps];
        float* packed = execution.Workspace(_backward.Length);
        for (int phase = 0; phase < Spec.Stride * Spec.Stride; phase++)
        {
            TapGather gather = ConvolutionGather.Backward(Spec, dy, dx, phase / Spec.Stride, phase % Spec.Stride, maps, runs, taps);
            if (gather.Rows == 0) continue;
            PackTransposed(taps, gather.Taps, packed);
            GemmProducts<TSimd>.Multiply(_backend, gather, packed, epilogue);
        }
    }

    private void GatheredBackwardWeights(CpuExecution execution, Tensor x, Tensor dy, Tensor target)
    {
        GatherMap* maps = stackalloc GatherMap[x.Shape.Maps.Length];
        TapRun* runs = stackalloc TapRun[Spec.Taps];
        TapGather gather = ConvolutionGather.Forward(Spec, x, dy, maps, runs);
        int columns = dy.Shape.Channels;
        float* partials = execution.Workspace((long)GemmProducts<TSimd>.GradientSplits(gather, columns) * gather.Columns * columns);
        GemmProducts<TSimd>.MultiplyTransposed(execution, gather, PointerOf(dy), columns, PointerOrNull(Weights.Scale), PointerOf(target), partials);
    }

    private void PackForward(float* target)
    {
        using MemoryHandle mapped = Weights.Mapped.Pin();
        if (mapped.Pointer is not null)
        {
            var fromFile = new MappedPacking
            {
                Weights = (float*)mapped.Pointer,
                Scale = PointerOrNull(Weights.Scale),
                InChannels = Spec.InChannels,
                Taps = Spec.Taps,
                Columns = Spec.OutChannels,
                Panel = GemmProducts<TSimd>.TileColumns,
                Target = target,
            };
            _backend.Run(ref fromFile, WorkerPool.UnitsOf(Spec.InChannels, MappedPacking.UnitChannels));
            KeepAlive(Weights);
            return;
        }

        int length = Spec.Taps * Spec.InChannels;
        var packing = new ForwardPacking
        {
            Weights = PointerOf(Weights.Kernel),
            Scale = PointerOrNull(Weights.Scale),
            Length = length,
            Columns = Spec.OutChannels,
            Panel = GemmProducts<TSimd>.TileColumns,
            Target = target,
        };
        _backend.Run(ref packing, WorkerPool.UnitsOf(length, ForwardPacking.UnitRows));
        KeepAlive(Weights);
    }

    // All taps, last first, in the order in which the gather for stride 1 reads them.
    private void PackBackward(float* target)
    {
        int* taps = stackalloc int[Spec.Taps];
        for (int i = 0; i < Spec.Taps; i++) taps[i] = Spec.Taps - 1 - i;
        PackTransposed(taps, Spec.Taps, target);
    }

    private void PackTransposed(int* taps, int count, float* target)
    {
        if (count == 0) return;
        var packing = new TransposedPacking
        {
            Weights = PointerOf(Weights.Kernel),
            Scale = PointerOrNull(Weights.Scale),
            Taps = taps,
            TapCount = count,
            InChannels = Spec.InChannels,
            OutChannels = Spec.OutChannels,
            Panel = GemmProducts<TSimd>.TileColumns,
            Target = target,
        };
        _backend.Run(ref packing, WorkerPool.UnitsOf(Spec.InChannels, GemmProducts<TSimd>.TileColumns));
        KeepAlive(Weights);
    }
}
