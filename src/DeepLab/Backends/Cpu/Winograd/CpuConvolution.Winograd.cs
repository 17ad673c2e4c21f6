using System.Buffers;
using DeepLab.Cpu;
using DeepLab.Tensors;
using static DeepLab.Backends.Cpu.CpuBuffer;

namespace DeepLab.Backends.Cpu;

// 3×3 convolutions of stride 1 by Winograd's minimal filtering: inputs and filters are transformed and multiplied at 36
// points, and the products are transformed back. Whether a convolution uses this method, and in which order its sums
// are taken, depends on shapes alone.
internal sealed unsafe partial class CpuConvolution<TSimd>
{
    private bool UsesWinograd(RaggedShape maps) =>
        !_backend.ExactConvolutions && WinogradTiles.Suit(Spec, maps) && Math.Max(Spec.InChannels, Spec.OutChannels) <= TransposedWinogradFilters<Simd512>.MostInChannels;

    private void WinogradForward(CpuExecution execution, Tensor x, in Epilogue epilogue) =>
        Winograd(execution, x, Spec.InChannels, Spec.OutChannels, isBackward: false, epilogue);

    private void WinogradBackwardInput(CpuExecution execution, Tensor dy, in Epilogue epilogue) =>
        Winograd(execution, dy, Spec.OutChannels, Spec.InChannels, isBackward: true, epilogue);

    // The gradient of the input is the same convolution with the kernel turned around, from output to input channels.
    private void Winograd(CpuExecution execution, Tensor source, int channels, int columns, bool isBackward, in Epilogue epilogue)
    {
        PrepackedKernel copy = isBackward ? _winogradBackward : _winogradForward;
        WinogradTiles tiles = execution.WinogradTilesOf(source.Shape, Spec.Dilation);
        int atOnce = WinogradLayout.TilesAtOnce(channels, columns, tiles.Count);
        var layout = new WinogradLayout(channels, columns, atOnce, TSimd.TileRows);
        long maps = layout.FactorLength + layout.ProductLength;
        float* memory = execution.Workspace(maps + copy.Length);
        using var filters = new PackedReader(copy, execution, Weights.Version, memory + maps);
        if (filters.IsWorkspace && isBackward) TransformTransposedFilters(filters.Pointer);
        else if (filters.IsWorkspace) TransformFilters(filters.Pointer);
        WinogradConvolve(execution, tiles, layout, atOnce, PointerOf(source), filters.Pointer, memory, epilogue);
    }

    private void TransformFilters(float* target)
    {
        using MemoryHandle mapped = Weights.Mapped.Pin();
        if (mapped.Pointer is not null && Spec.OutChannels <= MappedWinogradFilters<TSimd>.MostOutChannels)
        {
            var fromFile = new MappedWinogradFilters<TSimd>
            {
                Weights = (float*)mapped.Pointer,
                Scale = PointerOrNull(Weights.Scale),
                InChannels = Spec.InChannels,
                OutChannels = Spec.OutChannels,
                Target = target,
                Scratch = _backend.Scratch,
            };
            _backend.Run(ref fromFile, WorkerPool.UnitsOf(Spec.InChannels, fromFile.UnitChannels));
            KeepAlive(Weights);
            return;
        }

        var transform = new WinogradFilters<TSimd>
        {
            Weights = PointerOf(Weights.Kernel),
            Scale = PointerOrNull(Weights.Scale),
            InChannels = Spec.InChannels,
            OutChannels = Spec.OutChannels,
            Target = target,
        };
        _backend.Run(ref transform, Spec.InChannels);
        KeepAlive(Weights);
    }

    private void TransformTransposedFilters(float* target)
    {
        var transform = new TransposedWinogradFilters<TSimd>
        {
            Weights = PointerOf(Weights.Kernel),
            Scale = PointerOrNull(Weights.Scale),
            InChannels = Spec.InChannels,
            OutChannels = Spec.OutChannels,
            Target = target,
            Scratch = _backend.Scratch,
        };
        _backend.Run(ref transform, WorkerPool.UnitsOf(Spec.OutChannels, transform.UnitChannels));
        KeepAlive(Weights);
    }

    private void WinogradConvolve(
        CpuExecution execution, in WinogradTiles tiles, in WinogradLayout layout, int atOnce, float* source, float* filters, float* memory, in Epilogue epilogue)
    {
        for (int first = 0; first < tiles.Count; first += atOnce)
        {
            int count = Math.Min(atOnce, tiles.Count - first);
            WinogradInputs<TSimd> inputs = InputsOf(execution, tiles, layout, first, count, source, memory);
            _backend.Run(ref inputs, WorkerPool.UnitsOf(layout.Slots, WinogradInputs<TSimd>.UnitSlots));
            var products = new WinogradProducts<TSimd>
            {
                Layout = layout,
                Left = memory,
                Right = filters,
                Target = memory + layout.FactorLength,
                Workers = _backend.Threads,
                UnitColumns = GemmBlocking.UnitSize(layout.Columns, WinogradProducts<TSimd>.MostColumns, 2 * TSimd.Width, WinogradTransforms.Points, _backend.Threads),
            };
            _backend.Run(ref products, WinogradTransforms.Points * products.BlocksPerPoint);
            var outputs = new WinogradOutputs<TSimd>
            {
                Tiles = tiles,
                Layout = layout,
                FirstTile = first,
                TileCount = count,
                Products = products.Target,
                Epilogue = epilogue,
            };
            _backend.Run(ref outputs, WorkerPool.UnitsOf(count, WinogradOutputs<TSimd>.UnitTiles));
        }
    }

    private void WinogradBackwardWeights(CpuExecution execution, Tensor x, Tensor dy, Tensor weightGradient)
    {
        WinogradTiles tiles = execution.WinogradTilesOf(x.Shape, Spec.Dilation);
        int atOnce = WinogradLayout.TilesAtOnce(Spec.InChannels, Spec.OutChannels, tiles.Count);
        var layout = new WinogradLayout(Spec.InChannels, Spec.OutChannels, atOnce, TSimd.TileRows);
        int columnsAtOnce = Math.Min(WinogradGradientProducts<TSimd>.MostColumns, layout.Columns);
        long sumLength = WinogradTransforms.Points * WinogradLayout.FilterStride(layout.Channels, columnsAtOnce);
        float* memory = execution.Workspace(layout.FactorLength + layout.ProductLength + sumLength), sums = memory + layout.FactorLength + layout.ProductLength;
        for (int first = 0; first < tiles.Count; first += atOnce)
        {
            int count = Math.Min(atOnce, tiles.Count - first);
            WinogradInputs<TSimd> inputs = InputsOf(execution, tiles, layout, first, count, PointerOf(x), memory);
            _backend.Run(ref inputs, WorkerPool.UnitsOf(layout.Slots, WinogradInputs<TSimd>.UnitSlots));
            var gradients = new WinogradOutputGradients<TSimd>
            {
                Tiles = tiles,
                Layout = layout,
                FirstTile = first,
                TileCount = count,
                Source = PointerOf(dy),
                Zeros = execution.Zeros(Math.Max(Spec.InChannels, Spec.OutChannels)),
                Target = memory + layout.FactorLength,
            };
            _backend.Run(ref gradients, WorkerPool.UnitsOf(layout.Slots, WinogradOutputGradients<TSimd>.UnitSlots));
            for (int column = 0; column < layout.Columns; column += columnsAtOnce)
            {
                var products = new WinogradGradientProducts<TSimd>
                {
                    Layout = layout,
                    Left = memory,
                    Right = gradients.Target,
                    Target = sums,
                    Scratch = _backend.Scratch,
                    FirstColumn = column,
                    Columns = Math.Min(columnsAtOnce, layout.Columns - column),
                    UnitChannels = GemmBlocking.UnitSize(
                        layout.StepsPerPass, layout.StepsPerPass, WinogradGradientProducts<TSimd>.LeastChannels, WinogradTransforms.Points * layout.Passes, _backend.Threads),
                    Workers = _backend.Threads,
                };
                _backend.Run(ref products, products.Units);
                var filters = new WinogradFilterGradients<TSimd>
                {
                    Sums = sums,
                    Scale = PointerOrNull(Weights.Scale),
                    Target = PointerOf(weightGradient),
                    Channels = layout.Channels,
                    FirstColumn = column,
                    Columns = products.Columns,
                    AllColumns = layout.Columns,
                };
                _backend.Run(ref filters, WorkerPool.UnitsOf(layout.Channels, WinogradFilterGradients<TSimd>.UnitChannels));
            }
        }
    }

    private WinogradInputs<TSimd> InputsOf(CpuExecution execution, in WinogradTiles tiles, in WinogradLayout layout, int first, int count, float* source, float* target) => new()
    {
        Tiles = tiles,
        Layout = layout,
        FirstTile = first,
        TileCount = count,
        Source = source,
        Zeros = execution.Zeros(Math.Max(layout.Channels, layout.Columns)),
        Target = target,
    };
}
