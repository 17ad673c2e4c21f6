using DeepLab.Cpu;

namespace DeepLab.Crf;

/// <summary>
/// The lattice of a kernel of positions whose deviation is a few pixels: it has more vertices than the image has pixels, but each matters to its surroundings alone. So every tile
/// gets a lattice of its own, over its pixels and those around it that it can feel, and is filtered in a core's cache. Its values are those that the whole lattice would have.
/// Depends on the image's size only, and is kept while that stays the same.
/// </summary>
internal sealed class TileLattice : PermutohedralLattice
{
    /// <summary>The most pixels around a tile: with more, most of the work would be done for them.</summary>
    private const int MostReach = 16;

    private readonly int _reach;
    private readonly Action<int, int> _build, _scale;
    private readonly NativeArray<float> _normalisation = new();     // [pixel]
    private readonly float[]?[] _sums;
    private ImageTiles? _tiles;
    private (int Height, int Width) _size;

    public TileLattice(LatticeEmbedding embedding, float deviation, float weight, WorkerPool pool)
        : base(embedding, weight, closed: true, pool)
    {
        _reach = Reach(deviation);
        _sums = new float[]?[pool.Threads];
        _build = Build;
        _scale = Scale;
    }

    /// <summary>Whether the surroundings of a tile that matter are small.</summary>
    public static bool Suits(float deviation) => Reach(deviation) <= MostReach;

    /// <summary>Lays the lattice out for an image's size.</summary>
    public void LayOut(ImageTiles tiles)
    {
        if (_size == (tiles.Height, tiles.Width)) return;
        _size = default;
        _tiles = tiles;
        Embedding.Fit(tiles.Height, tiles.Width);
        Data.Tiles.Reserve(tiles.Count);
        Span<LatticeTile> around = Data.Tiles.Slice(0, tiles.Count);
        long pixels = 0;
        for (int i = 0; i < around.Length; i++)
        {
            around[i] = Around(tiles.Tiles.Slice(i, 1)[0]);
            around[i].FirstPixel = pixels;

            // How many vertices there are is not known yet, only that a pixel has no more than its corners: what lies between is never touched.
            around[i].FirstVertex = pixels * Data.Corners;
            pixels += around[i].Pixels;
        }

        ReservePixels(pixels);
        Data.TileNeighbours.Reserve(pixels * Data.Corners * 2 * Data.Corners);
        _normalisation.Reserve((long)tiles.Height * tiles.Width);
        Pool.Run(_build, tiles.Count);
        Pool.Run(_scale, tiles.Count);
        _size = (tiles.Height, tiles.Width);
    }

    public override void Dispose()
    {
        base.Dispose();
        _normalisation.Dispose();
    }

    /// <summary>
    /// How far a pixel can feel another: a corner of its simplex, a step of the blur in each of three directions, and a corner of the other's are each at most one deviation away.
    /// </summary>
    private static int Reach(float deviation) => (int)Math.Min(Math.Ceiling(5 * (double)deviation), int.MaxValue);

    private LatticeTile Around(in LatticeTile tile)
    {
        int top = Math.Max(0, tile.Top - _reach), left = Math.Max(0, tile.Left - _reach);
        return new LatticeTile
        {
            Top = top,
            Left = left,
            Height = Math.Min(_tiles!.Height, tile.Top + tile.Height + _reach) - top,
            Width = Math.Min(_tiles.Width, tile.Left + tile.Width + _reach) - left,
        };
    }

    private void Build(int unit, int worker)
    {
        ref LatticeTile tile = ref Data.Tiles.Slice(unit, 1)[0];
        VertexTable table = Locate(null, tile, worker);
        tile.Vertices = table.Count;
        Span<ushort> neighbours = Data.TileNeighbours.Slice(tile.FirstVertex * 2 * Data.Corners, table.Count * 2 * Data.Corners);
        for (int direction = 0, at = 0; direction < Data.Corners; direction++)
        {
            LatticeKey step = Embedding.Steps[direction];
            foreach (LatticeKey key in table.Keys)
            {
                neighbours[at++] = (ushort)table.Find(key - step, table.Count);
                neighbours[at++] = (ushort)table.Find(key + step, table.Count);
            }
        }

        Normalise(_tiles!.Tiles.Slice(unit, 1)[0], tile, neighbours, worker);
    }

    /// <summary>Filters ones, for the pixels of the tile without those around it.</summary>
    private void Normalise(in LatticeTile inner, in LatticeTile tile, ReadOnlySpan<ushort> neighbours, int worker)
    {
        int length = tile.Vertices + 1;
        if (_sums[worker] is not { } memory || memory.Length < 2 * length) _sums[worker] = memory = new float[2 * length];
        Span<float> sums = memory.AsSpan(0, length), blurred = memory.AsSpan(length, length);
        sums.Clear();
        blurred.Clear();
        ReadOnlySpan<ushort> vertices = Vertices(tile);
        ReadOnlySpan<float> weights = Weights(tile);
        for (int i = 0; i < vertices.Length; i++) sums[vertices[i]] += weights[i];
        for (int direction = 0; direction < Data.Corners; direction++, neighbours = neighbours[(2 * tile.Vertices)..])
        {
            for (int i = 0; i < tile.Vertices; i++) blurred[i] = sums[i] + (0.5f * (sums[neighbours[2 * i]] + sums[neighbours[(2 * i) + 1]]));
            Span<float> swap = sums;
            sums = blurred;
            blurred = swap;
        }

        for (int y = inner.Top; y < inner.Top + inner.Height; y++)
        {
            Span<float> row = _normalisation.Slice(((long)y * _tiles!.Width) + inner.Left, inner.Width);
            int at = (((y - tile.Top) * tile.Width) + (inner.Left - tile.Left)) * Data.Corners;
            for (int x = 0; x < row.Length; x++)
            {
                float sum = 0;
                for (int k = 0; k < Data.Corners; k++, at++) sum += weights[at] * sums[vertices[at]];
                row[x] = Normalisation(sum);
            }
        }
    }

    /// <summary>Gives the weights their normalisation, once every tile has found that of its pixels.</summary>
    private void Scale(int unit, int worker)
    {
        LatticeTile tile = Data.Tiles.Slice(unit, 1)[0];
        Span<float> weights = Weights(tile);
        for (int y = 0, at = 0; y < tile.Height; y++)
        {
            foreach (float factor in _normalisation.Slice(((long)(tile.Top + y) * _tiles!.Width) + tile.Left, tile.Width))
            {
                for (int k = 0; k < Data.Corners; k++) weights[at++] *= factor * RootOfWeight;
            }
        }
    }
}
