using DeepLab.Cpu;

namespace DeepLab.Crf;

/// <summary>
/// The tiles that an image's pixels are worked on in: small enough that the rows of the vertices that a tile touches stay in a core's cache. How an image is cut depends
/// on its size alone, so that sums are taken in the same order whatever the number of threads.
/// </summary>
internal sealed class ImageTiles : IDisposable
{
    /// <summary>The longest side of a tile. With 5 pixels around it and 24 classes, its vertices in the smoothness lattice take 600 KB.</summary>
    public const int Side = 64;

    public NativeArray<LatticeTile> Tiles { get; } = new();

    public int Count { get; private set; }

    public int Height { get; private set; }

    public int Width { get; private set; }

    /// <summary>Cuts an image of a size into tiles of nearly the same sides.</summary>
    public void Cut(int height, int width)
    {
        if ((height, width) == (Height, Width)) return;
        int rows = (height + Side - 1) / Side, columns = (width + Side - 1) / Side;
        Tiles.Reserve((long)rows * columns);
        (Height, Width, Count) = (height, width, rows * columns);
        Span<LatticeTile> tiles = Tiles.Slice(0, Count);
        long pixels = 0;
        for (int i = 0; i < tiles.Length; i++)
        {
            (int top, int bottom) = Part(i / columns, rows, height);
            (int left, int right) = Part(i % columns, columns, width);
            tiles[i] = new LatticeTile { Top = top, Left = left, Height = bottom - top, Width = right - left, FirstPixel = pixels };
            pixels += tiles[i].Pixels;
        }
    }

    public void Dispose() => Tiles.Dispose();

    private static (int First, int End) Part(int index, int parts, int length) =>
        ((int)((long)index * length / parts), (int)((index + 1L) * length / parts));
}
