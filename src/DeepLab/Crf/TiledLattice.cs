using DeepLab.Cpu;
using DeepLab.Imaging;

namespace DeepLab.Crf;

/// <summary>
/// The lattice of a kernel of positions whose deviation is a few pixels: it has more vertices than the image has
/// pixels, but each affects only pixels nearby. So every tile gets a lattice of its own, over its pixels and a margin
/// around them that can affect them, and filters it in a core's cache. The values are those that one lattice for the
/// image would have. It depends on the image's size only, and is kept while that stays the same.
/// </summary>
internal sealed unsafe class TiledLattice : PermutohedralLattice
{
    /// <summary>The widest margin around a tile: with more, most of the work would be done for the margin.</summary>
    private const int MostMargin = 16;

    private readonly int _margin;
    private readonly Action<int, int> _build, _scaleWeights;
    private readonly NativeArray<ushort> _neighbours = new();
    private readonly NativeArray<float> _normalisation = new();     // [pixel]
    private readonly float[]?[] _values;                            // of each worker
    private ImageTiles? _tiles;
    private (int Height, int Width) _size;

    public TiledLattice(LatticeEmbedding embedding, float weight, WorkerPool pool)
        : base(embedding, weight, pool)
    {
        _margin = Margin(embedding);
        _values = new float[]?[pool.Threads];
        (_build, _scaleWeights) = (Build, ScaleWeights);
    }

    public override LatticeView View => PixelView with { TileNeighbours = _neighbours.Pointer };

    /// <summary>The largest tile's vertices and a row of zeros, before and after a blur.</summary>
    public override long ScratchRows => 2 * (MostTileVertices + 1L);

    /// <summary>Whether a kernel of positions needs only a narrow margin around a tile.</summary>
    public static bool Suits(LatticeEmbedding embedding) => Margin(embedding) <= MostMargin;

    public override void LayOut<T>(ImageTiles tiles, RgbImage image, int stride)
    {
        if (_size == (tiles.Height, tiles.Width)) return;
        _size = default;
        _tiles = tiles;
        Embedding.Fit(tiles.Height, tiles.Width);
        long pixels = 0;
        Span<LatticeTile> withMargins = NewTiles(tiles.Count);
        for (int i = 0; i < withMargins.Length; i++)
        {
            withMargins[i] = WithMargin(tiles.Tiles[i]);
            withMargins[i].FirstPixel = pixels;

            // How many vertices a tile has is not known yet, only that each pixel adds no more than its corners: the
            // gaps are never touched.
            withMargins[i].FirstVertex = pixels * Corners;
            pixels += withMargins[i].Pixels;
        }

        ReservePixels(pixels);
        _neighbours.Reserve(pixels * Corners * 2 * Corners);
        _normalisation.Reserve((long)tiles.Height * tiles.Width);
        Pool.Run(_build, tiles.Count);
        Pool.Run(_scaleWeights, tiles.Count);
        _size = (tiles.Height, tiles.Width);
    }

    public override void Dispose()
    {
        base.Dispose();
        _neighbours.Dispose();
        _normalisation.Dispose();
    }

    /// <summary>
    /// How far away a pixel can affect another: from it to a corner of its simplex, a step of the blur in each of three
    /// directions, and from a corner to the other pixel are at most one deviation each.
    /// </summary>
    private static int Margin(LatticeEmbedding embedding) => (int)Math.Min(Math.Ceiling(5 * (double)embedding.PositionDeviation), int.MaxValue);

    private LatticeTile WithMargin(in LatticeTile tile)
    {
        int top = Math.Max(0, tile.Top - _margin), left = Math.Max(0, tile.Left - _margin);
        return new LatticeTile
        {
            Top = top,
            Left = left,
            Height = Math.Min(_tiles!.Height, tile.Top + tile.Height + _margin) - top,
            Width = Math.Min(_tiles.Width, tile.Left + tile.Width + _margin) - left,
        };
    }

    private void Build(int unit, int worker)
    {
        ref LatticeTile tile = ref Tiles[unit];
        VertexTable table = Locate(null, tile, worker);
        tile.Vertices = table.Count;
        Span<ushort> neighbours = _neighbours.Slice(tile.FirstVertex * 2 * Corners, table.Count * 2 * Corners);
        int at = 0;
        foreach (LatticeKey step in Embedding.Steps)
        {
            foreach (LatticeKey key in table.Keys)
            {
                neighbours[at++] = (ushort)table.Find(key - step, table.Count);
                neighbours[at++] = (ushort)table.Find(key + step, table.Count);
            }
        }

        Normalise(_tiles!.Tiles[unit], tile, neighbours, worker);
    }

    /// <summary>Finds the normalisation of a tile's pixels, without the margin: filters ones.</summary>
    private void Normalise(in LatticeTile inner, in LatticeTile tile, ReadOnlySpan<ushort> neighbours, int worker)
    {
        int length = tile.Vertices + 1;
        if (_values[worker] is not { } memory || memory.Length < 2 * length) _values[worker] = memory = new float[2 * length];
        Span<float> values = memory.AsSpan(0, length), blurred = memory.AsSpan(length, length);
        values.Clear();
        blurred.Clear();
        ReadOnlySpan<ushort> vertices = Vertices(tile);
        ReadOnlySpan<float> weights = Weights(tile);
        for (int i = 0; i < vertices.Length; i++) values[vertices[i]] += weights[i];
        for (int direction = 0; direction < Corners; direction++, neighbours = neighbours[(2 * tile.Vertices)..])
        {
            for (int i = 0; i < tile.Vertices; i++) blurred[i] = values[i] + (0.5f * (values[neighbours[2 * i]] + values[neighbours[(2 * i) + 1]]));
            Span<float> swap = values;
            values = blurred;
            blurred = swap;
        }

        for (int y = inner.Top; y < inner.Top + inner.Height; y++)
        {
            Span<float> row = _normalisation.Slice(((long)y * _tiles!.Width) + inner.Left, inner.Width);
            int at = (((y - tile.Top) * tile.Width) + (inner.Left - tile.Left)) * Corners;
            for (int x = 0; x < row.Length; x++)
            {
                float sum = 0;
                for (int k = 0; k < Corners; k++, at++) sum += weights[at] * values[vertices[at]];
                row[x] = Normalisation(sum);
            }
        }
    }

    /// <summary>Multiplies the weights by the normalisation, once all tiles have found that of their pixels.</summary>
    private void ScaleWeights(int unit, int worker)
    {
        LatticeTile tile = Tiles[unit];
        Span<float> weights = Weights(tile);
        for (int y = 0, at = 0; y < tile.Height; y++)
        {
            foreach (float factor in _normalisation.Slice(((long)(tile.Top + y) * _tiles!.Width) + tile.Left, tile.Width))
            {
                for (int k = 0; k < Corners; k++) weights[at++] *= factor * RootOfWeight;
            }
        }
    }
}
