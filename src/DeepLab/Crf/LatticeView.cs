namespace DeepLab.Crf;

/// <summary>A rectangle of an image, and where its part of a lattice's lists begins.</summary>
internal struct LatticeTile
{
    public int Top, Left, Height, Width;

    /// <summary>The first pixel in the lattice's lists of corners and weights, which hold a tile's pixels row by row.</summary>
    public long FirstPixel;

    /// <summary>The first vertex in the lattice's lists of vertices. A tile has its own numbers, from 0, for those it touches.</summary>
    public long FirstVertex;

    public int Vertices;

    public readonly int Pixels => Height * Width;
}

/// <summary>
/// A permutohedral lattice as kernels see it. Each pixel lies in a simplex of <see cref="Corners"/> vertices and has a weight for each: it is spread
/// over them (splat), the vertices' values are blurred along each of the lattice's directions, and the pixel reads them back with the same weights (slice).
/// A lattice is either blurred as a whole, and the tiles' sums are added up and handed out again, or each tile holds all that it needs and
/// blurs for itself; then it has <see cref="TileNeighbours"/>.
/// </summary>
internal unsafe struct LatticeView
{
    public LatticeTile* Tiles;
    public int Corners;

    /// <summary>[pixel, corner]: the vertex's number in the tile.</summary>
    public ushort* Vertices;

    /// <summary>[pixel, corner]: the share of the vertex, times the normalisation of the pixel and the root of the kernel's weight.</summary>
    public float* Weights;

    /// <summary>[direction, vertex of the tile, 2], from a tile's first vertex times 2 · directions: its neighbours, or the number of vertices where there is none.</summary>
    public ushort* TileNeighbours;

    /// <summary>[vertex of a tile]: its number in the whole lattice.</summary>
    public int* Shared;

    /// <summary>[vertex of a tile, stride]: sums over the tile's pixels.</summary>
    public float* TileValues;

    /// <summary>[vertex, stride]: the whole lattice's values, blurred.</summary>
    public float* Values;

    /// <summary>Where a pixel of a tile stands in the lists.</summary>
    public readonly long PixelAt(int tile, int y, int x)
    {
        LatticeTile* t = Tiles + tile;
        return t->FirstPixel + ((long)(y - t->Top) * t->Width) + (x - t->Left);
    }
}
