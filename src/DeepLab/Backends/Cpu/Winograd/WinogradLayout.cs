namespace DeepLab.Backends.Cpu;

/// <summary>
/// The memory layout of some tiles' factors, chosen so that products read them in place. The input factors are, for
/// each point and each pass over at most <see cref="GemmBlocking.Steps"/> channels, a <see cref="RowPanel"/> whose rows
/// are tiles. Where channels are few, a row holds several tiles side by side: slot s is row s % <see cref="Rows"/>,
/// group s / <see cref="Rows"/>.
/// </summary>
internal readonly struct WinogradLayout
{
    /// <summary>The number of channels must be a multiple of this: whole tiles on every tier.</summary>
    public const int ChannelMultiple = 32;

    // Factors and products together: they stay in the last-level cache of most machines.
    private const long MostFloats = 4 << 20;

    // Keeps planes at power-of-two distances from colliding in one cache set.
    private const int PlanePadding = 16;

    public readonly int Channels;
    public readonly int Columns;
    public readonly int StepsPerPass;
    public readonly int Passes;
    public readonly int Groups;
    public readonly int Rows;

    /// <summary>Lays out the factors of <paramref name="tiles"/> tiles at once.</summary>
    public WinogradLayout(int channels, int columns, int tiles, int tileRows)
    {
        Channels = channels;
        Columns = columns;
        StepsPerPass = GemmBlocking.StepsPerPass(channels);
        Passes = (channels + StepsPerPass - 1) / StepsPerPass;
        Groups = Passes > 1 ? 1 : Math.Max(1, GemmBlocking.Steps / channels);
        Rows = ((((tiles + Groups - 1) / Groups) + tileRows - 1) / tileRows) * tileRows;
    }

    /// <summary>Slots for tiles; those past the last tile hold zeros.</summary>
    public int Slots => Rows * Groups;

    /// <summary>Floats of one pass of one point.</summary>
    public long PassStride => (long)Rows * RowPanel.Stride;

    /// <summary>Floats of one point's factors.</summary>
    public long PlaneStride => Passes * PassStride;

    /// <summary>Floats of all factors.</summary>
    public long FactorLength => WinogradTransforms.Points * PlaneStride;

    /// <summary>Floats of one point's products, one row per slot.</summary>
    public long ProductStride => ((long)Slots * Columns) + PlanePadding;

    /// <summary>Floats of all products.</summary>
    public long ProductLength => WinogradTransforms.Points * ProductStride;

    /// <summary>Floats of one point's filters.</summary>
    public static long FilterStride(int inChannels, int outChannels) => ((long)inChannels * outChannels) + PlanePadding;

    /// <summary>The number of tiles processed at once: all, or as many as the cache holds.</summary>
    public static int TilesAtOnce(int channels, int columns, int tiles)
    {
        long perTile = WinogradTransforms.Points * ((long)channels + columns), most = Math.Max(64, MostFloats / perTile);
        long parts = (tiles + most - 1) / most;
        return (int)((tiles + parts - 1) / parts);
    }

    /// <summary>The offset of a slot's channels of the first pass within a point's factors.</summary>
    public long SlotOffset(int slot) => ((long)(slot % Rows) * RowPanel.Stride) + ((long)(slot / Rows) * Channels);
}
