using System.Runtime.Intrinsics.X86;
using DeepLab.Cpu;

namespace DeepLab.Backends.Cpu;

/// <summary>
/// Factors of the output gradients, AyAᵀ, for a range of tiles: for each point a matrix [slots, columns] in panels of
/// two vectors. Each unit is a range of slots.
/// </summary>
internal unsafe struct WinogradOutputGradients<TSimd> : IParallelBody
    where TSimd : unmanaged, ISimd<TSimd>
{
    public const int UnitSlots = 4;

    public WinogradTiles Tiles;
    public WinogradLayout Layout;
    public int FirstTile;
    public int TileCount;
    public float* Source;
    public float* Zeros;
    public float* Target;

    public readonly void Run(int unit, int worker)
    {
        const int side = WinogradTransforms.Outputs;
        int panel = 2 * TSimd.Width;
        float** pixels = stackalloc float*[side * side];
        float* rows = stackalloc float[WinogradTransforms.Inputs * side * TSimd.Width];
        for (int slot = unit * UnitSlots; slot < Math.Min(Layout.Slots, (unit + 1) * UnitSlots); slot++)
        {
            if (slot < TileCount)
            {
                WinogradTile tile = Tiles.Tile(FirstTile + slot);
                Tiles.Locate(tile, 0, side, Source, Layout.Columns, Zeros, pixels);
            }
            else
            {
                for (int i = 0; i < side * side; i++) pixels[i] = Zeros;
            }

            for (int channel = 0; channel < Layout.Columns; channel += TSimd.Width)
            {
                float* target = Target + ((long)(channel / panel) * Layout.Slots * panel) + ((long)slot * panel) + (channel % panel);
                Transform(pixels, channel, rows, target, Layout.ProductStride);
            }
        }
    }

    private static void Transform(float** pixels, int at, float* rows, float* target, long plane)
    {
        const int side = WinogradTransforms.Outputs;
        int width = TSimd.Width, row = side * TSimd.Width;
        for (int x = 0; x < side; x++)
        {
            float** p = pixels + x;
            WinogradTransforms.OutputGradient(
                TSimd.Load(p[0] + at), TSimd.Load(p[side] + at), TSimd.Load(p[2 * side] + at), TSimd.Load(p[3 * side] + at),
                out TSimd m0, out TSimd m1, out TSimd m2, out TSimd m3, out TSimd m4, out TSimd m5);
            float* to = rows + (x * width);
            m0.Store(to);
            m1.Store(to + row);
            m2.Store(to + (2 * row));
            m3.Store(to + (3 * row));
            m4.Store(to + (4 * row));
            m5.Store(to + (5 * row));
        }

        for (int y = 0; y < WinogradTransforms.Inputs; y++)
        {
            float* from = rows + (y * row);
            WinogradTransforms.OutputGradient(
                TSimd.Load(from), TSimd.Load(from + width), TSimd.Load(from + (2 * width)), TSimd.Load(from + (3 * width)),
                out TSimd m0, out TSimd m1, out TSimd m2, out TSimd m3, out TSimd m4, out TSimd m5);
            float* to = target + (y * WinogradTransforms.Inputs * plane);
            m0.Store(to);
            m1.Store(to + plane);
            m2.Store(to + (2 * plane));
            m3.Store(to + (3 * plane));
            m4.Store(to + (4 * plane));
            m5.Store(to + (5 * plane));
        }
    }
}

/// <summary>
/// For each point, the sums over a range of tiles of input factors · gradient factors, for a range of columns: matrices
/// [channels, columns]. One unit per point and block of channels.
/// </summary>
internal unsafe struct WinogradGradientProducts<TSimd> : IParallelBody
    where TSimd : unmanaged, ISimd<TSimd>
{
    /// <summary>The maximum columns computed at once.</summary>
    public const int MostColumns = 256;

    /// <summary>The minimum channels per unit.</summary>
    public const int LeastChannels = 32;

    public WinogradLayout Layout;
    public float* Left;
    public float* Right;
    public float* Target;
    public WorkerScratch* Scratch;
    public int FirstColumn;
    public int Columns;         // in whole panels
    public int UnitChannels;
    public int Workers;         // how many workers share the units

    public readonly int Units => WinogradTransforms.Points * Layout.Passes * BlocksPerPass;

    /// <summary>Floats of one point's sums.</summary>
    public readonly long TargetStride => WinogradLayout.FilterStride(Layout.Channels, Columns);

    private readonly int BlocksPerPass => (Layout.StepsPerPass + UnitChannels - 1) / UnitChannels;

    public readonly void Run(int unit, int worker)
    {
        int point = unit / (Layout.Passes * BlocksPerPass), firstChannel = FirstChannel(unit, out int channels);
        int panel = 2 * TSimd.Width, tile = TSimd.TileRows, tiles = (channels + tile - 1) / tile, calls = PrefetchSchedule.Calls(Layout.Rows) * Layout.Groups;
        float* left = LeftOf(unit), target = Target + (point * TargetStride) + ((long)firstChannel * Columns), part = Scratch[worker].Block;
        var aside = new PrefetchSchedule
        {
            Result = new ResultPrefetch(target, null, Columns, tile, calls),
            Left = new RowPrefetch(RowPanel.Stride, Layout.Rows, Layout.Groups > 1 ? RowPanel.Stride : UnitChannels, Columns / panel * tiles * calls),
            Right = new RowPrefetch(0, 1, Layout.Slots * panel, tiles * calls),
        };
        if (unit + Workers < Units) aside.Left.Start(LeftOf(unit + Workers), Layout.Rows);
        for (int column = 0; column < Columns; column += panel)
        {
            float* right = Right + (point * Layout.ProductStride) + ((long)(FirstColumn + column) * Layout.Slots);
            if (column + panel < Columns) aside.Right.Start(right + ((long)Layout.Slots * panel), 1);
            for (int row = 0; row < channels; row += tile)
            {
                bool isLast = row + tile >= channels, isWhole = row + tile <= channels;
                aside.Result.Start(isLast ? 0 : row + tile, tile, isLast ? column + panel : column);
                float* sums = isWhole ? target + ((long)row * Columns) + column : part;
                int stride = isWhole ? Columns : panel;
                for (int group = 0; group < Layout.Groups; group++)
                {
                    // The panel is read transposed: its rows are the steps.
                    var side = new LeftTile(left + ((long)group * Layout.Channels) + row, 1, RowPanel.Stride);
                    MicroKernel.Multiply<TSimd>(side, right + ((long)group * Layout.Rows * panel), Layout.Rows, sums, stride, group > 0, ref aside);
                }

                for (int rest = row; rest < channels && !isWhole; rest++)
                    new Span<float>(part + ((rest - row) * panel), panel).CopyTo(new Span<float>(target + ((long)rest * Columns) + column, panel));
            }
        }
    }

    private readonly int FirstChannel(int unit, out int count)
    {
        int pass = unit / BlocksPerPass % Layout.Passes, offset = unit % BlocksPerPass * UnitChannels, first = (pass * Layout.StepsPerPass) + offset;
        count = Math.Min(Math.Min(UnitChannels, Layout.StepsPerPass - offset), Layout.Channels - first);
        return first;
    }

    private readonly float* LeftOf(int unit)
    {
        int point = unit / (Layout.Passes * BlocksPerPass), pass = unit / BlocksPerPass % Layout.Passes;
        return Left + (point * Layout.PlaneStride) + (pass * Layout.PassStride) + (unit % BlocksPerPass * UnitChannels);
    }
}

/// <summary>
/// Adds the weight gradient Gᵀ(sums)G, times batch norm's scale, for a range of columns. Each unit is a range of
/// channels.
/// </summary>
internal unsafe struct WinogradFilterGradients<TSimd> : IParallelBody
    where TSimd : unmanaged, ISimd<TSimd>
{
    public const int UnitChannels = 16;

    public float* Sums;         // per point, [channels, columns]
    public float* Scale;
    public float* Target;       // [9, channels, all columns]
    public int Channels;
    public int FirstColumn;
    public int Columns;
    public int AllColumns;

    public readonly void Run(int unit, int worker)
    {
        float* rows = stackalloc float[3 * WinogradTransforms.Inputs * TSimd.Width];
        for (int channel = unit * UnitChannels; channel < Math.Min(Channels, (unit + 1) * UnitChannels); channel++)
        {
            for (int column = 0; column < Columns; column += TSimd.Width)
                Add(Sums + ((long)channel * Columns) + column, rows, channel, FirstColumn + column);
        }
    }

    private readonly void Add(float* sums, float* rows, int channel, int column)
    {
        const int side = WinogradTransforms.Inputs;
        int width = TSimd.Width, row = side * TSimd.Width;
        long plane = WinogradLayout.FilterStride(Channels, Columns), down = side * plane;
        for (int x = 0; x < side; x++)
        {
            float* u = sums + (x * plane);
            for (int y = 0; y < side && Sse.IsSupported; y++) Sse.Prefetch0(u + (y * down) + Columns);
            WinogradTransforms.FilterGradient(
                TSimd.Load(u), TSimd.Load(u + down), TSimd.Load(u + (2 * down)), TSimd.Load(u + (3 * down)), TSimd.Load(u + (4 * down)), TSimd.Load(u + (5 * down)),
                out TSimd g0, out TSimd g1, out TSimd g2);
            float* to = rows + (x * width);
            g0.Store(to);
            g1.Store(to + row);
            g2.Store(to + (2 * row));
        }

        TSimd factor = Scale is null ? TSimd.Broadcast(1) : TSimd.Load(Scale + column);
        float* target = Target + ((long)channel * AllColumns) + column;
        long tap = (long)Channels * AllColumns;
        for (int y = 0; y < 3; y++, target += 3 * tap)
        {
            float* from = rows + (y * row);
            for (int x = 0; x < 3 && Sse.IsSupported; x++) Sse.Prefetch0(target + (x * tap) + AllColumns);
            WinogradTransforms.FilterGradient(
                TSimd.Load(from), TSimd.Load(from + width), TSimd.Load(from + (2 * width)), TSimd.Load(from + (3 * width)), TSimd.Load(from + (4 * width)),
                TSimd.Load(from + (5 * width)), out TSimd g0, out TSimd g1, out TSimd g2);
            TSimd.MultiplyAdd(g0, factor, TSimd.Load(target)).Store(target);
            TSimd.MultiplyAdd(g1, factor, TSimd.Load(target + tap)).Store(target + tap);
            TSimd.MultiplyAdd(g2, factor, TSimd.Load(target + (2 * tap))).Store(target + (2 * tap));
        }
    }
}
