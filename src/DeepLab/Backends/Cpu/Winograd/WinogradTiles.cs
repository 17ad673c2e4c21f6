using DeepLab.Tensors;

namespace DeepLab.Backends.Cpu;

/// <summary>
/// One of the interleaved grids of a map: with dilation d, pixels whose coordinates have the same remainders modulo d
/// form a map of their own, on which the convolution is an ordinary one. It is divided into tiles of 4×4 outputs.
/// </summary>
internal struct WinogradGrid
{
    public int FirstTile, TileColumns;
    public int FirstRow;            // of the map in its tensor
    public int MapWidth;
    public int PhaseY, PhaseX;
    public int Height, Width;       // of the grid
}

/// <summary>One tile: the position of its first output on its grid.</summary>
internal unsafe struct WinogradTile
{
    public WinogradGrid* Grid;
    public int Y, X;
}

/// <summary>The tiles of all maps of a ragged batch, whose input and output have the same maps.</summary>
internal unsafe struct WinogradTiles
{
    /// <summary>Beyond this dilation the grids are as small as a tile.</summary>
    public const int MostDilation = 8;

    // Below this share of the direct sum's multiplications the transforms pay off.
    private const double WorthWhile = 0.7;

    public WinogradGrid* Grids;
    public int GridCount;
    public int Dilation;
    public int Count;

    /// <summary>Whether a convolution can use this method and gains from it, which depends on shapes alone.</summary>
    public static bool Suit(in ConvolutionSpec geometry, RaggedShape maps)
    {
        if (geometry.KernelSize != 3 || geometry.Stride != 1 || geometry.Padding != geometry.Dilation || geometry.Dilation > MostDilation) return false;
        if (geometry.InChannels % WinogradLayout.ChannelMultiple != 0 || geometry.OutChannels % WinogradLayout.ChannelMultiple != 0) return false;
        long tiles = 0;
        foreach (MapSize map in maps.Maps)
        {
            for (int y = 0; y < Math.Min(geometry.Dilation, map.Height); y++)
            {
                for (int x = 0; x < Math.Min(geometry.Dilation, map.Width); x++)
                    tiles += Tiles(GridSide(map.Height, y, geometry.Dilation)) * (long)Tiles(GridSide(map.Width, x, geometry.Dilation));
            }
        }

        return tiles <= int.MaxValue && tiles * WinogradTransforms.Points < WorthWhile * maps.Rows * geometry.Taps;
    }

    /// <summary>The maximum number of grids of a batch.</summary>
    public static int MostGrids(RaggedShape maps, int dilation) => maps.Maps.Length * dilation * dilation;

    /// <summary>Lists the grids.</summary>
    /// <param name="maps">The batch.</param>
    /// <param name="dilation">Pixels between taps.</param>
    /// <param name="grids">Room for <see cref="MostGrids"/>.</param>
    public static WinogradTiles Of(RaggedShape maps, int dilation, WinogradGrid* grids)
    {
        int count = 0, tiles = 0;
        for (int i = 0; i < maps.Maps.Length; i++)
        {
            MapSize map = maps.Maps[i];
            for (int y = 0; y < Math.Min(dilation, map.Height); y++)
            {
                for (int x = 0; x < Math.Min(dilation, map.Width); x++)
                {
                    var grid = new WinogradGrid
                    {
                        FirstTile = tiles,
                        FirstRow = maps.FirstRow(i),
                        MapWidth = map.Width,
                        PhaseY = y,
                        PhaseX = x,
                        Height = GridSide(map.Height, y, dilation),
                        Width = GridSide(map.Width, x, dilation),
                    };
                    grid.TileColumns = Tiles(grid.Width);
                    grids[count++] = grid;
                    tiles += Tiles(grid.Height) * grid.TileColumns;
                }
            }
        }

        return new WinogradTiles { Grids = grids, GridCount = count, Dilation = dilation, Count = tiles };
    }

    /// <summary>Finds a tile.</summary>
    public readonly WinogradTile Tile(int index)
    {
        int low = 0, high = GridCount - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (Grids[middle].FirstTile <= index) low = middle;
            else high = middle - 1;
        }

        WinogradGrid* grid = Grids + low;
        int rest = index - grid->FirstTile;
        return new WinogradTile
        {
            Grid = grid,
            Y = rest / grid->TileColumns * WinogradTransforms.Outputs,
            X = rest % grid->TileColumns * WinogradTransforms.Outputs,
        };
    }

    /// <summary>The tensor row at a position of a tile's grid.</summary>
    public readonly int Row(in WinogradTile tile, int y, int x)
    {
        WinogradGrid* grid = tile.Grid;
        return grid->FirstRow + (((y * Dilation) + grid->PhaseY) * grid->MapWidth) + (x * Dilation) + grid->PhaseX;
    }

    /// <summary>
    /// Points to the channels of size × size pixels starting at (tile.Y + first, tile.X + first), or to <paramref
    /// name="outside"/> where there is no pixel.
    /// </summary>
    public readonly void Locate(in WinogradTile tile, int first, int size, float* source, int channels, float* outside, float** pixels)
    {
        WinogradGrid* grid = tile.Grid;
        for (int i = 0; i < size; i++)
        {
            int y = tile.Y + first + i;
            bool inside = (uint)y < (uint)grid->Height;
            for (int j = 0; j < size; j++)
            {
                int x = tile.X + first + j;
                pixels[(i * size) + j] = inside && (uint)x < (uint)grid->Width ? source + ((long)Row(tile, y, x) * channels) : outside;
            }
        }
    }

    private static int GridSide(int side, int phase, int dilation) => (side - phase + dilation - 1) / dilation;

    private static int Tiles(int side) => (side + WinogradTransforms.Outputs - 1) / WinogradTransforms.Outputs;
}
