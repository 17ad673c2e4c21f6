namespace DeepLab.Kernels.Cpu;

/// <summary>
/// Factors of the outputs' gradients, AyAᵀ for some tiles: for each point a matrix [slots, columns] in panels of two vectors. A unit is some slots.
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
/// Adds the weights' gradient Gᵀ(Σ factors of inputs · factors of gradients)G, times batch norm's scale, summed over some tiles. A unit is a block of
/// channels by columns, whose 36 sums stay with its worker.
/// </summary>
internal unsafe struct WinogradWeightGradients<TSimd> : IParallelBody
    where TSimd : unmanaged, ISimd<TSimd>
{
    /// <summary>The most channels and columns of a unit.</summary>
    public const int MostChannels = 32, MostColumns = 64;

    /// <summary>The fewest channels of a unit.</summary>
    public const int LeastChannels = 8;

    /// <summary>The most rows of a block with those that fill a tile of any tier.</summary>
    public const int MostRows = 36;

    /// <summary>Floats of a worker's sums.</summary>
    public const int BlockLength = WinogradTransforms.Points * MostRows * MostColumns;

    public WinogradLayout Layout;
    public float* Left;
    public float* Right;
    public float* Scale;
    public float* Target;
    public WorkerScratch* Scratch;
    public int UnitChannels;    // divides the channels
    public int UnitColumns;     // whole panels

    public readonly int ColumnBlocks => (Layout.Columns + UnitColumns - 1) / UnitColumns;

    public readonly int Units => Layout.Channels / UnitChannels * ColumnBlocks;

    public readonly void Run(int unit, int worker)
    {
        int firstChannel = unit / ColumnBlocks * UnitChannels, firstColumn = unit % ColumnBlocks * UnitColumns;
        int columns = Math.Min(UnitColumns, Layout.Columns - firstColumn), panel = 2 * TSimd.Width;
        float* sums = Scratch[worker].Winograd;
        int pass = firstChannel / Layout.StepsPerPass;
        float* left = Left + (pass * Layout.PassStride) + (firstChannel - (pass * Layout.StepsPerPass));
        for (int point = 0; point < WinogradTransforms.Points; point++)
        {
            float* block = sums + ((long)point * MostRows * MostColumns);
            for (int column = 0; column < columns; column += panel)
            {
                float* right = Right + (point * Layout.ProductStride) + ((long)(firstColumn + column) * Layout.Slots);
                for (int row = 0; row < UnitChannels; row += TSimd.TileRows)
                {
                    for (int group = 0; group < Layout.Groups; group++)
                    {
                        MicroKernel.Multiply<TSimd, TransposedRowPanel>(
                            left + (point * Layout.PlaneStride) + ((long)group * Layout.Channels) + row, right + ((long)group * Layout.Rows * panel), Layout.Rows,
                            block + (row * MostColumns) + column, MostColumns, group > 0);
                    }
                }
            }
        }

        for (int channel = 0; channel < UnitChannels; channel++)
        {
            for (int column = 0; column < columns; column += TSimd.Width)
                Add(sums + (channel * MostColumns) + column, firstChannel + channel, firstColumn + column);
        }
    }

    private readonly void Add(float* sums, int channel, int column)
    {
        const int side = WinogradTransforms.Inputs, plane = MostRows * MostColumns;
        int width = TSimd.Width, row = side * TSimd.Width;
        float* rows = stackalloc float[3 * side * TSimd.Width];
        for (int x = 0; x < side; x++)
        {
            float* u = sums + (x * plane);
            WinogradTransforms.FilterGradient(
                TSimd.Load(u), TSimd.Load(u + (side * plane)), TSimd.Load(u + (2 * side * plane)), TSimd.Load(u + (3 * side * plane)),
                TSimd.Load(u + (4 * side * plane)), TSimd.Load(u + (5 * side * plane)), out TSimd g0, out TSimd g1, out TSimd g2);
            float* to = rows + (x * width);
            g0.Store(to);
            g1.Store(to + row);
            g2.Store(to + (2 * row));
        }

        TSimd factor = Scale is null ? TSimd.Broadcast(1) : TSimd.Load(Scale + column);
        float* target = Target + ((long)channel * Layout.Columns) + column;
        long tap = (long)Layout.Channels * Layout.Columns;
        for (int y = 0; y < 3; y++, target += 3 * tap)
        {
            float* from = rows + (y * row);
            WinogradTransforms.FilterGradient(
                TSimd.Load(from), TSimd.Load(from + width), TSimd.Load(from + (2 * width)), TSimd.Load(from + (3 * width)), TSimd.Load(from + (4 * width)),
                TSimd.Load(from + (5 * width)), out TSimd g0, out TSimd g1, out TSimd g2);
            TSimd.MultiplyAdd(g0, factor, TSimd.Load(target)).Store(target);
            TSimd.MultiplyAdd(g1, factor, TSimd.Load(target + tap)).Store(target + tap);
            TSimd.MultiplyAdd(g2, factor, TSimd.Load(target + (2 * tap))).Store(target + (2 * tap));
        }
    }
}
