using DeepLab.Cpu;
using DeepLab.Tensors;

namespace DeepLab.Backends.Cpu;

// 3×3 convolutions of stride 1 by Winograd's minimal filtering: inputs and filters are transformed, multiplied at 36 points, and the
// products transformed back. Whether a convolution goes this way, and in which order its sums are taken, depends on shapes alone.
public sealed unsafe partial class CpuBackend
{
    private CpuBuffer _grids = new(1);

    private bool UsesWinograd(in ConvolutionGeometry geometry, RaggedShape maps) =>
        !_exactConvolutions && WinogradTiles.Suit(geometry, maps) && Math.Max(geometry.InChannels, geometry.OutChannels) <= TransposedWinogradFilters<Simd512>.MostInChannels;

    private WinogradTiles TilesOf(in ConvolutionGeometry geometry, RaggedShape maps)
    {
        long most = WinogradTiles.MostGrids(maps, geometry.Dilation), floats = (most * sizeof(WinogradGrid) / sizeof(float)) + 1;
        return WinogradTiles.Of(maps, geometry.Dilation, (WinogradGrid*)Grow(ref _grids, floats));
    }

    private void WinogradForward(in ConvolutionGeometry geometry, Tensor x, ConvolutionWeights weights, in Epilogue epilogue)
    {
        switch (Tier)
        {
            case InstructionSet.Avx512:
                WinogradForward<Simd512>(geometry, x, weights, epilogue);
                break;
            case InstructionSet.Avx2:
                WinogradForward<Simd256>(geometry, x, weights, epilogue);
                break;
            default:
                WinogradForward<SimdPortable>(geometry, x, weights, epilogue);
                break;
        }
    }

    private void WinogradBackwardInput(in ConvolutionGeometry geometry, Tensor dy, ConvolutionWeights weights, in Epilogue epilogue)
    {
        switch (Tier)
        {
            case InstructionSet.Avx512:
                WinogradBackwardInput<Simd512>(geometry, dy, weights, epilogue);
                break;
            case InstructionSet.Avx2:
                WinogradBackwardInput<Simd256>(geometry, dy, weights, epilogue);
                break;
            default:
                WinogradBackwardInput<SimdPortable>(geometry, dy, weights, epilogue);
                break;
        }
    }

    private void WinogradForward<TSimd>(in ConvolutionGeometry geometry, Tensor x, ConvolutionWeights weights, in Epilogue epilogue)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        long filters = WinogradTransforms.Points * WinogradLayout.FilterStride(geometry.InChannels, geometry.OutChannels);
        WinogradTiles tiles = TilesOf(geometry, x.Shape);
        int atOnce = WinogradLayout.TilesAtOnce(geometry.InChannels, geometry.OutChannels, tiles.Count);
        var layout = new WinogradLayout(geometry.InChannels, geometry.OutChannels, atOnce, TSimd.TileRows);
        float* memory = Workspace(layout.FactorLength + layout.ProductLength + filters);
        float* target = Packed(weights.Forward, weights.Keep, filters, memory + layout.FactorLength + layout.ProductLength, out bool isPacked);
        if (!isPacked) TransformFilters<TSimd>(geometry, weights, target);

        WinogradConvolve<TSimd>(tiles, layout, atOnce, Pointer(x), target, memory, epilogue);
    }

    private void TransformFilters<TSimd>(in ConvolutionGeometry geometry, ConvolutionWeights weights, float* target)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        fixed (float* mapped = weights.Mapped.Span)
        {
            if (mapped is not null && geometry.OutChannels <= MappedWinogradFilters<TSimd>.MostOutChannels)
            {
                var fromFile = new MappedWinogradFilters<TSimd>
                {
                    Weights = mapped,
                    Scale = PointerOrNull(weights.Scale),
                    InChannels = geometry.InChannels,
                    OutChannels = geometry.OutChannels,
                    Target = target,
                    Scratch = _scratch,
                };
                _pool.Run(ref fromFile, UnitsOf(geometry.InChannels, fromFile.UnitChannels));
                return;
            }
        }

        var transform = new WinogradFilters<TSimd>
        {
            Weights = Pointer(weights.Weights),
            Scale = PointerOrNull(weights.Scale),
            InChannels = geometry.InChannels,
            OutChannels = geometry.OutChannels,
            Target = target,
        };
        _pool.Run(ref transform, geometry.InChannels);
    }

    private void WinogradBackwardInput<TSimd>(in ConvolutionGeometry geometry, Tensor dy, ConvolutionWeights weights, in Epilogue epilogue)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        WinogradTiles tiles = TilesOf(geometry, dy.Shape);
        int atOnce = WinogradLayout.TilesAtOnce(geometry.OutChannels, geometry.InChannels, tiles.Count);
        var layout = new WinogradLayout(geometry.OutChannels, geometry.InChannels, atOnce, TSimd.TileRows);
        long filters = WinogradTransforms.Points * WinogradLayout.FilterStride(geometry.InChannels, geometry.OutChannels);
        float* memory = Workspace(layout.FactorLength + layout.ProductLength + filters);
        float* target = Packed(weights.Backward, weights.Keep, filters, memory + layout.FactorLength + layout.ProductLength, out bool isPacked);
        if (!isPacked)
        {
            var transform = new TransposedWinogradFilters<TSimd>
            {
                Weights = Pointer(weights.Weights),
                Scale = PointerOrNull(weights.Scale),
                InChannels = geometry.InChannels,
                OutChannels = geometry.OutChannels,
                Target = target,
                Scratch = _scratch,
            };
            _pool.Run(ref transform, UnitsOf(geometry.OutChannels, transform.UnitChannels));
        }

        WinogradConvolve<TSimd>(tiles, layout, atOnce, Pointer(dy), target, memory, epilogue);
    }

    private void WinogradConvolve<TSimd>(
        in WinogradTiles tiles, in WinogradLayout layout, int atOnce, float* source, float* filters, float* memory, in Epilogue epilogue)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        for (int first = 0; first < tiles.Count; first += atOnce)
        {
            int count = Math.Min(atOnce, tiles.Count - first);
            WinogradInputs<TSimd> inputs = InputsOf<TSimd>(tiles, layout, first, count, source, memory);
            _pool.Run(ref inputs, UnitsOf(layout.Slots, WinogradInputs<TSimd>.UnitSlots));
            var products = new WinogradProducts<TSimd>
            {
                Layout = layout,
                Left = memory,
                Right = filters,
                Target = memory + layout.FactorLength,
                Workers = Threads,
                UnitColumns = GemmBlocking.UnitSize(layout.Columns, WinogradProducts<TSimd>.MostColumns, 2 * TSimd.Width, WinogradTransforms.Points, Threads),
            };
            _pool.Run(ref products, WinogradTransforms.Points * products.BlocksPerPoint);
            var outputs = new WinogradOutputs<TSimd>
            {
                Tiles = tiles,
                Layout = layout,
                FirstTile = first,
                TileCount = count,
                Products = products.Target,
                Epilogue = epilogue,
            };
            _pool.Run(ref outputs, UnitsOf(count, WinogradOutputs<TSimd>.UnitTiles));
        }
    }

    private void WinogradBackwardWeights<TSimd>(in ConvolutionGeometry geometry, Tensor x, Tensor dy, Tensor? scale, Tensor weightGradient)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        WinogradTiles tiles = TilesOf(geometry, x.Shape);
        int atOnce = WinogradLayout.TilesAtOnce(geometry.InChannels, geometry.OutChannels, tiles.Count);
        var layout = new WinogradLayout(geometry.InChannels, geometry.OutChannels, atOnce, TSimd.TileRows);
        int columnsAtOnce = Math.Min(WinogradGradientProducts<TSimd>.MostColumns, layout.Columns);
        long sumLength = WinogradTransforms.Points * WinogradLayout.FilterStride(layout.Channels, columnsAtOnce);
        float* memory = Workspace(layout.FactorLength + layout.ProductLength + sumLength), sums = memory + layout.FactorLength + layout.ProductLength;
        for (int first = 0; first < tiles.Count; first += atOnce)
        {
            int count = Math.Min(atOnce, tiles.Count - first);
            WinogradInputs<TSimd> inputs = InputsOf<TSimd>(tiles, layout, first, count, Pointer(x), memory);
            _pool.Run(ref inputs, UnitsOf(layout.Slots, WinogradInputs<TSimd>.UnitSlots));
            var gradients = new WinogradOutputGradients<TSimd>
            {
                Tiles = tiles,
                Layout = layout,
                FirstTile = first,
                TileCount = count,
                Source = Pointer(dy),
                Zeros = Zeros(Math.Max(geometry.InChannels, geometry.OutChannels)),
                Target = memory + layout.FactorLength,
            };
            _pool.Run(ref gradients, UnitsOf(layout.Slots, WinogradOutputGradients<TSimd>.UnitSlots));
            for (int column = 0; column < layout.Columns; column += columnsAtOnce)
            {
                var products = new WinogradGradientProducts<TSimd>
                {
                    Layout = layout,
                    Left = memory,
                    Right = gradients.Target,
                    Target = sums,
                    Scratch = _scratch,
                    FirstColumn = column,
                    Columns = Math.Min(columnsAtOnce, layout.Columns - column),
                    UnitChannels = GemmBlocking.UnitSize(
                        layout.StepsPerPass, layout.StepsPerPass, WinogradGradientProducts<TSimd>.LeastChannels, WinogradTransforms.Points * layout.Passes, Threads),
                    Workers = Threads,
                };
                _pool.Run(ref products, products.Units);
                var filters = new WinogradFilterGradients<TSimd>
                {
                    Sums = sums,
                    Scale = PointerOrNull(scale),
                    Target = Pointer(weightGradient),
                    Channels = layout.Channels,
                    FirstColumn = column,
                    Columns = products.Columns,
                    AllColumns = layout.Columns,
                };
                _pool.Run(ref filters, UnitsOf(layout.Channels, WinogradFilterGradients<TSimd>.UnitChannels));
            }
        }
    }

    private WinogradInputs<TSimd> InputsOf<TSimd>(in WinogradTiles tiles, in WinogradLayout layout, int first, int count, float* source, float* target)
        where TSimd : unmanaged, ISimd<TSimd> => new()
        {
            Tiles = tiles,
            Layout = layout,
            FirstTile = first,
            TileCount = count,
            Source = source,
            Zeros = Zeros(Math.Max(layout.Channels, layout.Columns)),
            Target = target,
        };
}
