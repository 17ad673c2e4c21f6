using System.Runtime.CompilerServices;
using DeepLab.Cpu;
using DeepLab.Imaging;

namespace DeepLab.Crf;

/// <summary>
/// A Gaussian filter of the pixels of an image (Adams, Baek and Davis, 2010) with symmetric normalisation: N^½ K N^½, where K stands for splat, blur and slice, and N divides by K's sum
/// over each row. The weights that are laid out hold N^½ and the root of the kernel's weight, so that filtering marginals needs nothing else.
/// </summary>
internal abstract class PermutohedralLattice : IDisposable
{
    private readonly Worker[] _workers;

    protected PermutohedralLattice(LatticeEmbedding embedding, float weight, bool closed, WorkerPool pool)
    {
        (Embedding, Pool, RootOfWeight) = (embedding, pool, MathF.Sqrt(weight));
        Data = new LatticeData(embedding.Dimensions + 1) { Closed = closed };
        _workers = [.. Enumerable.Range(0, pool.Threads).Select(_ => new Worker(embedding))];
    }

    public LatticeData Data { get; }

    protected LatticeEmbedding Embedding { get; }

    protected WorkerPool Pool { get; }

    protected float RootOfWeight { get; }

    public virtual void Dispose() => Data.Dispose();

    /// <summary>1 / √sum: the power of −½ that a pixel's weights are multiplied by.</summary>
    protected static float Normalisation(float sum) => 1 / MathF.Sqrt(sum + 1e-20f);

    protected Span<ushort> Vertices(in LatticeTile tile) => Data.Vertices.Slice(tile.FirstPixel * Data.Corners, tile.Pixels * Data.Corners);

    protected Span<float> Weights(in LatticeTile tile) => Data.Weights.Slice(tile.FirstPixel * Data.Corners, tile.Pixels * Data.Corners);

    /// <summary>Makes room for the lists of as many pixels of tiles, tiles that overlap counted more than once.</summary>
    protected void ReservePixels(long pixels)
    {
        Data.Vertices.Reserve(pixels * Data.Corners);
        Data.Weights.Reserve(pixels * Data.Corners);
    }

    /// <summary>Lists the vertices around each pixel of a tile with their shares; returns all that the tile touches, until the worker's next tile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected VertexTable Locate(RgbImage? image, in LatticeTile tile, int worker)
    {
        Worker own = _workers[worker];
        own.Table.Clear();
        int corners = Data.Corners, dimensions = Embedding.Dimensions;
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

    private sealed class Worker(LatticeEmbedding embedding)
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
