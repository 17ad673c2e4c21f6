using System.Runtime.CompilerServices;
using DeepLab.Cpu;
using DeepLab.Imaging;

namespace DeepLab.Crf;

/// <summary>
/// A Gaussian filter over the pixels of an image (Adams, Baek and Davis, 2010). Each pixel lies in a simplex of d + 1
/// vertices and has a weight for each: its values are spread over them (splat), the vertices' values are blurred along
/// the lattice's d + 1 directions, and the pixel reads them back with the same weights (slice).
/// <para>
/// The filter is normalised symmetrically: N^½ K N^½, where K is splat, blur and slice, and N divides by K's row sums.
/// The weights contain N^½ and the root of the kernel's weight, so that filtering marginals gives the finished message.
/// </para>
/// </summary>
internal abstract unsafe class PermutohedralLattice : IDisposable
{
    private readonly NativeArray<ushort> _vertices = new();
    private readonly NativeArray<float> _weights = new();
    private readonly WorkerState[] _states;

    protected PermutohedralLattice(LatticeEmbedding embedding, float weight, WorkerPool pool)
    {
        (Embedding, Pool, RootOfWeight, Corners) = (embedding, pool, MathF.Sqrt(weight), embedding.Dimensions + 1);
        _states = [.. Enumerable.Range(0, pool.Threads).Select(_ => new WorkerState(embedding))];
    }

    /// <summary>The lattice for kernels, valid until the next call of another method.</summary>
    public abstract LatticeView View { get; }

    /// <summary>Rows of values that a worker needs to read any one tile of the lattice.</summary>
    public abstract long ScratchRows { get; }

    /// <summary>How many tiles the lattice was laid out for.</summary>
    public int TileCount { get; private set; }

    protected LatticeEmbedding Embedding { get; }

    protected WorkerPool Pool { get; }

    protected float RootOfWeight { get; }

    /// <summary>
    /// Vertices of a simplex, one more than there are dimensions; also the number of directions of the blur.
    /// </summary>
    protected int Corners { get; }

    protected NativeArray<LatticeTile> Tiles { get; } = new();

    /// <summary>What <see cref="View"/> has for every kind of lattice.</summary>
    protected LatticeView PixelView => new() { Tiles = Tiles.Pointer, Corners = Corners, Vertices = _vertices.Pointer, Weights = _weights.Pointer };

    /// <summary>The most vertices that any tile touches.</summary>
    protected int MostTileVertices
    {
        get
        {
            int most = 0;
            foreach (ref readonly LatticeTile tile in Tiles.Slice(0, TileCount)) most = Math.Max(most, tile.Vertices);
            return most;
        }
    }

    /// <summary>Finds the vertices and weights of all pixels of an image.</summary>
    /// <typeparam name="T">The vectors that values will be filtered in.</typeparam>
    /// <param name="tiles">The image, cut.</param>
    /// <param name="image">Its colours.</param>
    /// <param name="stride">Floats in a row of values: whole vectors.</param>
    public abstract void LayOut<T>(ImageTiles tiles, RgbImage image, int stride)
        where T : unmanaged, ILanes<T>;

    /// <summary>Blurs what all tiles have splatted, unless each tile does that for itself.</summary>
    public virtual void Blur<T>(int stride)
        where T : unmanaged, ILanes<T>
    {
    }

    public virtual void Dispose()
    {
        Tiles.Dispose();
        _vertices.Dispose();
        _weights.Dispose();
    }

    /// <summary>1 / √sum, a pixel's entry of N^½.</summary>
    protected static float Normalisation(float sum) => 1 / MathF.Sqrt(sum + 1e-20f);

    /// <summary>[pixel of the tile, corner]: the vertex's number in the tile.</summary>
    protected Span<ushort> Vertices(in LatticeTile tile) => _vertices.Slice(tile.FirstPixel * Corners, tile.Pixels * Corners);

    /// <summary>[pixel of the tile, corner].</summary>
    protected Span<float> Weights(in LatticeTile tile) => _weights.Slice(tile.FirstPixel * Corners, tile.Pixels * Corners);

    /// <summary>Makes room for tiles, for the caller to fill in.</summary>
    protected Span<LatticeTile> NewTiles(int count)
    {
        TileCount = 0;
        Tiles.Reserve(count);
        TileCount = count;
        return Tiles.Slice(0, count);
    }

    /// <summary>Makes room for the pixels of all tiles; a pixel in several tiles counts several times.</summary>
    protected void ReservePixels(long pixels)
    {
        _vertices.Reserve(pixels * Corners);
        _weights.Reserve(pixels * Corners);
    }

    /// <summary>Sets the vertices and barycentric weights of a tile's pixels.</summary>
    /// <param name="image">The colours; null for a kernel of positions alone.</param>
    /// <param name="tile">The tile.</param>
    /// <param name="worker">Who does it.</param>
    /// <returns>All vertices that the tile touches; valid until the worker's next tile.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected VertexTable Locate(RgbImage? image, in LatticeTile tile, int worker)
    {
        WorkerState own = _states[worker];
        own.Table.Clear();
        int corners = Corners, dimensions = Embedding.Dimensions;
        Span<ushort> vertices = Vertices(tile);
        Span<float> weights = Weights(tile);
        Span<LatticeKey> keys = stackalloc LatticeKey[corners];
        Span<float> features = own.Features(tile.Width * dimensions);
        for (int y = 0, at = 0; y < tile.Height; y++)
        {
            Embedding.Features(image, tile.Top + y, tile.Left, tile.Width, features);
            for (int x = 0; x < tile.Width; x++, at += corners)
            {
                own.Locator.Locate(features.Slice(x * dimensions, dimensions), keys, weights.Slice(at, corners));
                for (int k = 0; k < keys.Length; k++) vertices[at + k] = checked((ushort)own.Table.Add(keys[k]));
            }
        }

        return own.Table;
    }

    private sealed class WorkerState(LatticeEmbedding embedding)
    {
        private float[] _features = [];

        public SimplexLocator Locator { get; } = new(embedding);

        public VertexTable Table { get; } = new();

        public Span<float> Features(int count)
        {
            if (_features.Length < count) _features = new float[count];
            return _features.AsSpan(0, count);
        }
    }
}

/// <summary>
/// A <see cref="PermutohedralLattice"/> as kernels see it. Either it has global vertices and values, or neighbours per
/// tile.
/// </summary>
internal unsafe struct LatticeView
{
    public LatticeTile* Tiles;
    public int Corners;

    /// <summary>[pixel, corner]: the vertex's number in the tile.</summary>
    public ushort* Vertices;

    /// <summary>
    /// [pixel, corner]: the barycentric weight, times the pixel's normalisation and the root of the kernel's weight.
    /// </summary>
    public float* Weights;

    /// <summary>
    /// [direction, vertex of the tile, 2], from a tile's first vertex times 2 · directions: its neighbours, or the
    /// number of vertices where there is none. Null where the lattice is blurred as a whole.
    /// </summary>
    public ushort* TileNeighbours;

    /// <summary>[vertex of a tile]: its number in the global lattice.</summary>
    public int* GlobalVertices;

    /// <summary>[vertex of a tile, stride]: what the tile's pixels have splatted.</summary>
    public float* TileValues;

    /// <summary>[global vertex, stride]: blurred values.</summary>
    public float* GlobalValues;

    /// <summary>Where a pixel of a tile stands in the lists.</summary>
    public readonly long PixelAt(int tile, int y, int x)
    {
        LatticeTile* t = Tiles + tile;
        return t->FirstPixel + ((long)(y - t->Top) * t->Width) + (x - t->Left);
    }
}
