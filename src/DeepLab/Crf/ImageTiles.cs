using DeepLab.Cpu;

namespace DeepLab.Crf;

/// <summary>A rectangle of an image, and where its part of a lattice's lists begins.</summary>
internal struct LatticeTile
{
    public int Top, Left, Height, Width;

    /// <summary>
    /// The first pixel in the lattice's lists of corners and weights, which hold a tile's pixels row by row.
    /// </summary>
    public long FirstPixel;

    /// <summary>
    /// The first vertex in the lattice's lists of vertices. A tile numbers those that it touches from 0.
    /// </summary>
    public long FirstVertex;

    /// <summary>How many vertices the tile touches.</summary>
    public int Vertices;

    public readonly int Pixels => Height * Width;
}

/// <summary>
/// The tiles that an image is processed in: small enough that the values of all vertices that a tile touches stay in a
/// core's cache. How an image is cut depends on its size alone, so sums are taken in the same order for any number of
/// threads.
/// </summary>
internal sealed class ImageTiles : IDisposable
{
    /// <summary>
    /// The longest side of a tile. With a margin of 5 pixels and 24 classes, its vertices in the smoothness lattice
    /// take 600 KB.
    /// </summary>
    private const int Side = 64;

    public NativeArray<LatticeTile> Tiles { get; } = new();

    public int Count { get; private set; }

    public int Height { get; private set; }

    public int Width { get; private set; }

    /// <summary>Cuts an image of a size into tiles with nearly equal sides.</summary>
    public void Cut(int height, int width)
    {
        if ((height, width) == (Height, Width)) return;
        (Height, Width) = (0, 0);
        int rows = (height + Side - 1) / Side, columns = (width + Side - 1) / Side;
        Count = checked(rows * columns);
        Tiles.Reserve(Count);
        Span<LatticeTile> tiles = Tiles.Slice(0, Count);
        long pixels = 0;
        for (int i = 0; i < tiles.Length; i++)
        {
            (int top, int bottom) = Part(i / columns, rows, height);
            (int left, int right) = Part(i % columns, columns, width);
            tiles[i] = new LatticeTile { Top = top, Left = left, Height = bottom - top, Width = right - left, FirstPixel = pixels };
            pixels += tiles[i].Pixels;
        }

        (Height, Width) = (height, width);
    }

    public void Dispose() => Tiles.Dispose();

    private static (int First, int End) Part(int index, int parts, int length) =>
        ((int)((long)index * length / parts), (int)((index + 1L) * length / parts));
}
