using DeepLab.Cpu;
using DeepLab.Imaging;
using DeepLab.Reports;

namespace DeepLab.Crf;

/// <summary>
/// The lattice of a kernel that reaches far over the image. Each tile numbers the vertices that it touches; then the tiles' vertices are numbered all together, and the whole
/// lattice is blurred at once. With a colour it depends on the image's content.
/// </summary>
internal sealed class SharedLattice : PermutohedralLattice
{
    private const int UnitVertices = 1024;

    private readonly Action<int, int> _locate, _findNeighbours, _spreadOnes, _scale;
    private readonly NativeArray<LatticeKey> _tileKeys = new();     // from a tile's first pixel times corners
    private readonly VertexTable _table = new();
    private RgbImage? _image;
    private int _stride;

    public SharedLattice(LatticeEmbedding embedding, float weight, WorkerPool pool)
        : base(embedding, weight, closed: false, pool)
    {
        _locate = Locate;
        _findNeighbours = FindNeighbours;
        _spreadOnes = SpreadOnes;
        _scale = Scale;
    }

    /// <summary>Lays the lattice out for an image.</summary>
    /// <param name="tiles">The image, cut.</param>
    /// <param name="image">Its colours.</param>
    /// <param name="stride">Floats a row of values.</param>
    public void LayOut<T>(ImageTiles tiles, RgbImage image, int stride)
        where T : unmanaged, ILanes<T>
    {
        _image = image;
        Embedding.Fit(tiles.Height, tiles.Width);
        long pixels = (long)tiles.Height * tiles.Width;
        Data.Tiles.Reserve(tiles.Count);
        tiles.Tiles.Slice(0, tiles.Count).CopyTo(Data.Tiles.Slice(0, tiles.Count));
        ReservePixels(pixels);
        _tileKeys.Reserve(pixels * Data.Corners);
        Pool.Run(_locate, tiles.Count);

        long tileVertices = 0;
        foreach (ref LatticeTile tile in Data.Tiles.Slice(0, tiles.Count))
        {
            tile.FirstVertex = tileVertices;
            tileVertices += tile.Vertices;
        }

        NumberVertices(tiles.Count, checked((int)tileVertices));
        Data.Neighbours.Reserve(2L * Data.Corners * _table.Count);
        for (int direction = 0; direction < Data.Corners; direction++) NeighboursAlong(direction).Fill(_table.Count);
        Pool.Run(_findNeighbours, (_table.Count + UnitVertices - 1) / UnitVertices);

        // The sums over the rows of K are what it makes of ones; a vector's first lane stands for them.
        Data.ReserveValues(tileVertices, stride);
        _stride = T.Width;
        Pool.Run(_spreadOnes, tiles.Count);
        Data.Blur<T>(Pool, _stride);
        Pool.Run(_scale, tiles.Count);
        _image = null;
    }

    public override void Dispose()
    {
        base.Dispose();
        _tileKeys.Dispose();
    }

    private void Locate(int unit, int worker)
    {
        ref LatticeTile tile = ref Data.Tiles.Slice(unit, 1)[0];
        VertexTable table = Locate(_image, tile, worker);
        tile.Vertices = table.Count;
        table.Keys.CopyTo(_tileKeys.Slice(tile.FirstPixel * Data.Corners, table.Count));
    }

    /// <summary>Numbers the vertices in the order of the tiles, and lists for each which vertices of tiles it is.</summary>
    private void NumberVertices(int tileCount, int tileVertices)
    {
        _table.Clear();
        Data.Shared.Reserve(tileVertices);
        Span<int> shared = Data.Shared.Slice(0, tileVertices);
        int at = 0;
        foreach (ref readonly LatticeTile tile in Data.Tiles.Slice(0, tileCount))
        {
            foreach (LatticeKey key in _tileKeys.Slice(tile.FirstPixel * Data.Corners, tile.Vertices)) shared[at++] = _table.Add(key);
        }

        Data.SharedVertices = _table.Count;
        Data.FirstPart.Reserve(_table.Count + 2);
        Data.Parts.Reserve(tileVertices);
        Span<int> first = Data.FirstPart.Slice(0, _table.Count + 2), parts = Data.Parts.Slice(0, tileVertices);
        first.Clear();
        foreach (int vertex in shared) first[vertex + 2]++;
        for (int i = 2; i < first.Length; i++) first[i] += first[i - 1];

        // first[vertex + 1] runs from where the vertex's list begins to its end, which is where the next one's begins.
        for (int i = 0; i < shared.Length; i++) parts[first[shared[i] + 1]++] = i;
    }

    /// <summary>[vertex, 2].</summary>
    private Span<int> NeighboursAlong(int direction) => Data.Neighbours.Slice(2L * direction * _table.Count, 2 * _table.Count);

    /// <summary>A vertex names itself to the neighbour it finds, so that each pair is looked for once.</summary>
    private void FindNeighbours(int unit, int worker)
    {
        int first = unit * UnitVertices, end = Math.Min(_table.Count, first + UnitVertices);
        for (int direction = 0; direction < Data.Corners; direction++)
        {
            LatticeKey step = Embedding.Steps[direction];
            Span<int> neighbours = NeighboursAlong(direction);
            for (int vertex = first; vertex < end; vertex++)
            {
                int next = _table.Find(_table.Keys[vertex] + step, _table.Count);
                if (next == _table.Count) continue;
                neighbours[2 * vertex] = next;
                neighbours[(2 * next) + 1] = vertex;
            }
        }
    }

    private void SpreadOnes(int unit, int worker)
    {
        LatticeTile tile = Data.Tiles.Slice(unit, 1)[0];
        Span<float> sums = Data.TileValues.Slice(tile.FirstVertex * _stride, tile.Vertices * _stride);
        sums.Clear();
        ReadOnlySpan<ushort> vertices = Vertices(tile);
        ReadOnlySpan<float> weights = Weights(tile);
        for (int i = 0; i < vertices.Length; i++) sums[vertices[i] * _stride] += weights[i];
    }

    private void Scale(int unit, int worker)
    {
        LatticeTile tile = Data.Tiles.Slice(unit, 1)[0];
        ReadOnlySpan<int> shared = Data.Shared.Slice(tile.FirstVertex, tile.Vertices);
        ReadOnlySpan<ushort> vertices = Vertices(tile);
        Span<float> weights = Weights(tile);
        for (int first = 0; first < weights.Length; first += Data.Corners)
        {
            float sum = 0;
            for (int i = first; i < first + Data.Corners; i++) sum += weights[i] * Data.Blurred(shared[vertices[i]], _stride);
            float factor = Normalisation(sum) * RootOfWeight;
            for (int i = first; i < first + Data.Corners; i++) weights[i] *= factor;
        }
    }
}
