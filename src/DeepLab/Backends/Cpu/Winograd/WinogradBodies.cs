using DeepLab.Cpu;

namespace DeepLab.Backends.Cpu;

/// <summary>
/// Input factors BᵀxB of a range of tiles, stored in a <see cref="WinogradLayout"/>. Each unit is a range of slots.
/// </summary>
internal unsafe struct WinogradInputs<TSimd> : IParallelBody
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
        const int side = WinogradTransforms.Inputs;
        float** pixels = stackalloc float*[WinogradTransforms.Points];
        float* columns = stackalloc float[WinogradTransforms.Points * TSimd.Width];
        for (int slot = unit * UnitSlots; slot < Math.Min(Layout.Slots, (unit + 1) * UnitSlots); slot++)
        {
            if (slot < TileCount)
            {
                WinogradTile tile = Tiles.Tile(FirstTile + slot);
                Tiles.Locate(tile, -1, side, Source, Layout.Channels, Zeros, pixels);
            }
            else
            {
                for (int i = 0; i < WinogradTransforms.Points; i++) pixels[i] = Zeros;
            }

            float* target = Target + Layout.SlotOffset(slot);
            for (int pass = 0, first = 0; pass < Layout.Passes; pass++, first += Layout.StepsPerPass)
            {
                int steps = Math.Min(Layout.StepsPerPass, Layout.Channels - first);
                Transform(pixels, first, steps, columns, target + (pass * Layout.PassStride), Layout.PlaneStride);
            }
        }
    }

    private static void Transform(float** pixels, int first, int count, float* columns, float* target, long plane)
    {
        const int side = WinogradTransforms.Inputs;
        int width = TSimd.Width, row = side * TSimd.Width;
        for (int channel = 0; channel < count; channel += width)
        {
            int at = first + channel;
            for (int x = 0; x < side; x++)
            {
                float** p = pixels + x;
                WinogradTransforms.Input(
                    TSimd.Load(p[0] + at), TSimd.Load(p[side] + at), TSimd.Load(p[2 * side] + at), TSimd.Load(p[3 * side] + at), TSimd.Load(p[4 * side] + at),
                    TSimd.Load(p[5 * side] + at), out TSimd v0, out TSimd v1, out TSimd v2, out TSimd v3, out TSimd v4, out TSimd v5);
                float* to = columns + (x * width);
                v0.Store(to);
                v1.Store(to + row);
                v2.Store(to + (2 * row));
                v3.Store(to + (3 * row));
                v4.Store(to + (4 * row));
                v5.Store(to + (5 * row));
            }

            for (int y = 0; y < side; y++)
            {
                float* from = columns + (y * row);
                WinogradTransforms.Input(
                    TSimd.Load(from), TSimd.Load(from + width), TSimd.Load(from + (2 * width)), TSimd.Load(from + (3 * width)), TSimd.Load(from + (4 * width)),
                    TSimd.Load(from + (5 * width)), out TSimd v0, out TSimd v1, out TSimd v2, out TSimd v3, out TSimd v4, out TSimd v5);
                float* to = target + (y * side * plane) + channel;
                v0.Store(to);
                v1.Store(to + plane);
                v2.Store(to + (2 * plane));
                v3.Store(to + (3 * plane));
                v4.Store(to + (4 * plane));
                v5.Store(to + (5 * plane));
            }
        }
    }
}

/// <summary>
/// The products: for each point, input factors [tiles, channels] · filter factors [channels, columns]. One unit per
/// point and block of columns.
/// </summary>
internal unsafe struct WinogradProducts<TSimd> : IParallelBody
    where TSimd : unmanaged, ISimd<TSimd>
{
    /// <summary>The maximum columns per unit.</summary>
    public const int MostColumns = 256;

    public int UnitColumns;     // in whole panels
    public WinogradLayout Layout;
    public float* Left;
    public float* Right;
    public float* Target;
    public int Workers;         // how many workers share the units

    public readonly int BlocksPerPoint => (Layout.Columns + UnitColumns - 1) / UnitColumns;

    public readonly void Run(int unit, int worker)
    {
        int point = unit / BlocksPerPoint, first = unit % BlocksPerPoint * UnitColumns, last = Math.Min(first + UnitColumns, Layout.Columns);
        int panel = 2 * TSimd.Width, tile = TSimd.TileRows, tiles = Layout.Slots / tile;
        float* target = Target + (point * Layout.ProductStride);
        float* right = Right + (point * WinogradLayout.FilterStride(Layout.Channels, Layout.Columns));
        for (int pass = 0, step = 0; pass < Layout.Passes; pass++, step += Layout.StepsPerPass)
        {
            int steps = Math.Min(Layout.StepsPerPass, Layout.Channels - step), calls = PrefetchSchedule.Calls(steps);
            float* left = Left + (point * Layout.PlaneStride) + (pass * Layout.PassStride);
            var aside = new PrefetchSchedule
            {
                Result = new ResultPrefetch(target, null, Layout.Columns, tile, calls),
                Left = new RowPrefetch(RowPanel.Stride, Layout.Rows, RowPanel.Stride, (last - first) / panel * tiles * calls),
                Right = new RowPrefetch(0, 1, steps * panel, tiles * calls),
            };
            float* nextLeft = NextLeft(unit, pass);
            if (nextLeft is not null) aside.Left.Start(nextLeft, Layout.Rows);
            for (int column = first; column < last; column += panel)
            {
                float* factors = right + ((long)column * Layout.Channels) + ((long)step * panel);
                if (column + panel < last) aside.Right.Start(factors + ((long)panel * Layout.Channels), 1);
                for (int slot = 0; slot < Layout.Slots; slot += tile)
                {
                    if (pass == 0)
                    {
                        bool isLast = slot + tile == Layout.Slots;
                        aside.Result.Start(isLast ? 0 : slot + tile, tile, isLast ? column + panel : column);
                    }

                    var side = new LeftTile(left + Layout.SlotOffset(slot), RowPanel.Stride, 1);
                    MicroKernel.Multiply<TSimd>(side, factors, steps, target + ((long)slot * Layout.Columns) + column, Layout.Columns, pass > 0, ref aside);
                }
            }
        }
    }

    // The factors that this worker needs next: those of the next pass, or of the unit that it will probably run next.
    private readonly float* NextLeft(int unit, int pass)
    {
        int point = unit / BlocksPerPoint, next = (unit + Workers) / BlocksPerPoint;
        if (pass + 1 < Layout.Passes) return Left + (point * Layout.PlaneStride) + ((pass + 1) * Layout.PassStride);
        return next != point && next < WinogradTransforms.Points ? Left + (next * Layout.PlaneStride) : null;
    }
}

/// <summary>
/// The outputs AᵀmA of a range of tiles, passed through the epilogue and stored. Each unit is a range of tiles.
/// </summary>
internal unsafe struct WinogradOutputs<TSimd> : IParallelBody
    where TSimd : unmanaged, ISimd<TSimd>
{
    public const int UnitTiles = 4;

    public WinogradTiles Tiles;
    public WinogradLayout Layout;
    public int FirstTile;
    public int TileCount;
    public float* Products;
    public Epilogue Epilogue;

    public readonly void Run(int unit, int worker)
    {
        float* rows = stackalloc float[WinogradTransforms.Outputs * WinogradTransforms.Inputs * TSimd.Width];
        for (int slot = unit * UnitTiles; slot < Math.Min(TileCount, (unit + 1) * UnitTiles); slot++)
        {
            WinogradTile tile = Tiles.Tile(FirstTile + slot);
            int height = Math.Min(WinogradTransforms.Outputs, tile.Grid->Height - tile.Y), width = Math.Min(WinogradTransforms.Outputs, tile.Grid->Width - tile.X);
            long first = (long)Tiles.Row(tile, tile.Y, tile.X) * Layout.Columns;
            long down = (long)Tiles.Dilation * tile.Grid->MapWidth * Layout.Columns, right = (long)Tiles.Dilation * Layout.Columns;
            float* products = Products + ((long)slot * Layout.Columns);
            for (int channel = 0; channel < Layout.Columns; channel += TSimd.Width)
                Transform(products + channel, Layout.ProductStride, rows, channel, first + channel, down, right, height, width);
        }
    }

    private readonly void Transform(float* products, long plane, float* rows, int channel, long at, long down, long right, int height, int width)
    {
        const int side = WinogradTransforms.Inputs;
        int vector = TSimd.Width, row = side * TSimd.Width;
        for (int x = 0; x < side; x++)
        {
            float* p = products + (x * plane);
            long next = side * plane;
            WinogradTransforms.Output(
                TSimd.Load(p), TSimd.Load(p + next), TSimd.Load(p + (2 * next)), TSimd.Load(p + (3 * next)), TSimd.Load(p + (4 * next)), TSimd.Load(p + (5 * next)),
                out TSimd y0, out TSimd y1, out TSimd y2, out TSimd y3);
            float* to = rows + (x * vector);
            y0.Store(to);
            y1.Store(to + row);
            y2.Store(to + (2 * row));
            y3.Store(to + (3 * row));
        }

        TSimd shift = Epilogue.Shift is null ? TSimd.Zero : TSimd.Load(Epilogue.Shift + channel);
        for (int y = 0; y < height; y++, at += down)
        {
            float* from = rows + (y * row);
            WinogradTransforms.Output(
                TSimd.Load(from), TSimd.Load(from + vector), TSimd.Load(from + (2 * vector)), TSimd.Load(from + (3 * vector)), TSimd.Load(from + (4 * vector)),
                TSimd.Load(from + (5 * vector)), out TSimd y0, out TSimd y1, out TSimd y2, out TSimd y3);
            Epilogue.Finish(TSimd.Add(y0, shift), at);
            if (width > 1) Epilogue.Finish(TSimd.Add(y1, shift), at + right);
            if (width > 2) Epilogue.Finish(TSimd.Add(y2, shift), at + (2 * right));
            if (width > 3) Epilogue.Finish(TSimd.Add(y3, shift), at + (3 * right));
        }
    }
}
