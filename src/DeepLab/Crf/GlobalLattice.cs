using DeepLab.Cpu;
using DeepLab.Imaging;

namespace DeepLab.Crf;

/// <summary>
/// One lattice for the whole image, for a kernel with colours or with a large deviation. Each tile numbers the vertices
/// that it touches; these are then numbered globally. To filter, tiles splat into their own vertices, their values are
/// added up in the order of the tiles, and the global vertices are blurred.
/// </summary>
internal sealed unsafe class GlobalLattice : PermutohedralLattice
{
    private const int UnitVertices = 1024;

    private readonly Action<int, int> _locateTile, _findNeighbours, _splatOnes, _scaleWeights;
    private readonly VertexTable _table = new();

    // Of the tiles: keys, from a tile's first pixel times corners on; then [vertex of a tile] and [vertex of a tile,
    // stride].
    private readonly NativeArray<LatticeKey> _tileKeys = new();
    private readonly NativeArray<int> _globalVertices = new();
    private readonly NativeArray<float> _tileValues = new();

    // Of the global vertices: [vertex + 1], where its parts begin; the tiles' vertices that are this vertex, in the
    // order of the tiles; and [direction, vertex, 2], where the number of vertices stands for no neighbour.
    private readonly NativeArray<int> _firstPart = new(), _parts = new(), _neighbours = new();

    // [vertex + 1, stride], the last row zeros: the values before and after a blur, in turn.
    private readonly NativeArray<float> _even = new(), _odd = new();
    private float* _blurred;
    private RgbImage? _image;
    private int _stride;

    public GlobalLattice(LatticeEmbedding embedding, float weight, WorkerPool pool)
        : base(embedding, weight, pool) =>
        (_locateTile, _findNeighbours, _splatOnes, _scaleWeights) = (LocateTile, FindNeighbours, SplatOnes, ScaleWeights);

    public override LatticeView View => PixelView with
    {
        GlobalVertices = _globalVertices.Pointer,
        TileValues = _tileValues.Pointer,
        GlobalValues = _blurred,
    };

    /// <summary>A copy of the blurred values of the largest tile's vertices.</summary>
    public override long ScratchRows => MostTileVertices + 1L;

    public override void LayOut<T>(ImageTiles tiles, RgbImage image, int stride)
    {
        _image = image;
        Embedding.Fit(tiles.Height, tiles.Width);
        long pixels = (long)tiles.Height * tiles.Width;
        tiles.Tiles.Slice(0, tiles.Count).CopyTo(NewTiles(tiles.Count));
        ReservePixels(pixels);
        _tileKeys.Reserve(pixels * Corners);
        Pool.Run(_locateTile, tiles.Count);
        _image = null;

        long tileVertices = 0;
        foreach (ref LatticeTile tile in Tiles.Slice(0, tiles.Count))
        {
            tile.FirstVertex = tileVertices;
            tileVertices += tile.Vertices;
        }

        NumberVertices(checked((int)tileVertices));
        _neighbours.Reserve(2L * Corners * _table.Count);
        for (int direction = 0; direction < Corners; direction++) NeighboursAlong(direction).Fill(_table.Count);
        Pool.Run(_findNeighbours, Units(UnitVertices));
        _tileValues.Reserve(checked(tileVertices * stride));
        _even.Reserve(checked((_table.Count + 1L) * stride));
        _odd.Reserve(checked((_table.Count + 1L) * stride));
        Normalise<T>();
    }

    /// <summary>Adds up what the tiles have splatted and blurs it along every direction.</summary>
    public override void Blur<T>(int stride)
    {
        float* values = _even.Pointer, other = _odd.Pointer;
        _even.Slice((long)_table.Count * stride, stride).Clear();
        _odd.Slice((long)_table.Count * stride, stride).Clear();
        var sum = new SplatSum<T>
        {
            TileValues = _tileValues.Pointer,
            FirstPart = _firstPart.Pointer,
            Parts = _parts.Pointer,
            Values = values,
            Vertices = _table.Count,
            Stride = stride,
        };
        Pool.Run(ref sum, Units(SplatSum<T>.UnitVertices));
        for (int direction = 0; direction < Corners; direction++)
        {
            var blur = new LatticeBlur<T>
            {
                Source = values,
                Target = other,
                Neighbours = _neighbours.Pointer + (2L * direction * _table.Count),
                Vertices = _table.Count,
                Stride = stride,
            };
            Pool.Run(ref blur, Units(LatticeBlur<T>.UnitVertices));
            float* swap = values;
            values = other;
            other = swap;
        }

        _blurred = values;
    }

    public override void Dispose()
    {
        base.Dispose();
        _tileKeys.Dispose();
        foreach (NativeArray<int> list in (ReadOnlySpan<NativeArray<int>>)[_globalVertices, _firstPart, _parts, _neighbours]) list.Dispose();
        foreach (NativeArray<float> rows in (ReadOnlySpan<NativeArray<float>>)[_tileValues, _even, _odd]) rows.Dispose();
        _blurred = null;
    }

    private int Units(int vertices) => (_table.Count + vertices - 1) / vertices;

    private void LocateTile(int unit, int worker)
    {
        ref LatticeTile tile = ref Tiles[unit];
        VertexTable table = Locate(_image, tile, worker);
        tile.Vertices = table.Count;
        table.Keys.CopyTo(_tileKeys.Slice(tile.FirstPixel * Corners, table.Count));
    }

    /// <summary>
    /// Numbers the vertices in the order of the tiles, and lists the tiles' vertices that each one is.
    /// </summary>
    private void NumberVertices(int tileVertices)
    {
        _table.Clear();
        _globalVertices.Reserve(tileVertices);
        Span<int> globalVertices = _globalVertices.Slice(0, tileVertices);
        int at = 0;
        foreach (ref readonly LatticeTile tile in Tiles.Slice(0, TileCount))
        {
            foreach (LatticeKey key in _tileKeys.Slice(tile.FirstPixel * Corners, tile.Vertices)) globalVertices[at++] = _table.Add(key);
        }

        _firstPart.Reserve(_table.Count + 2);
        _parts.Reserve(tileVertices);
        Span<int> first = _firstPart.Slice(0, _table.Count + 2), parts = _parts.Slice(0, tileVertices);
        first.Clear();
        foreach (int vertex in globalVertices) first[vertex + 2]++;
        for (int i = 2; i < first.Length; i++) first[i] += first[i - 1];

        // first[vertex + 1] runs from where the vertex's list begins to its end, which is where the next one's begins.
        for (int i = 0; i < globalVertices.Length; i++) parts[first[globalVertices[i] + 1]++] = i;
    }

    /// <summary>[vertex, 2].</summary>
    private Span<int> NeighboursAlong(int direction) => _neighbours.Slice(2L * direction * _table.Count, 2 * _table.Count);

    /// <summary>
    /// A vertex also enters itself as a neighbour of the one that it finds, so that each pair is looked up once.
    /// </summary>
    private void FindNeighbours(int unit, int worker)
    {
        int first = unit * UnitVertices, end = Math.Min(_table.Count, first + UnitVertices);
        for (int direction = 0; direction < Corners; direction++)
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

    /// <summary>
    /// Multiplies the weights by the normalisation. K's row sums are the filter of an image of ones, of which only the
    /// first lane of each vector is used.
    /// </summary>
    private void Normalise<T>()
        where T : unmanaged, ILanes<T>
    {
        _stride = T.Width;
        Pool.Run(_splatOnes, TileCount);
        Blur<T>(_stride);
        Pool.Run(_scaleWeights, TileCount);
    }

    private void SplatOnes(int unit, int worker)
    {
        LatticeTile tile = Tiles[unit];
        Span<float> values = _tileValues.Slice(tile.FirstVertex * _stride, tile.Vertices * _stride);
        values.Clear();
        ReadOnlySpan<ushort> vertices = Vertices(tile);
        ReadOnlySpan<float> weights = Weights(tile);
        for (int i = 0; i < vertices.Length; i++) values[vertices[i] * _stride] += weights[i];
    }

    private void ScaleWeights(int unit, int worker)
    {
        LatticeTile tile = Tiles[unit];
        ReadOnlySpan<int> globalVertices = _globalVertices.Slice(tile.FirstVertex, tile.Vertices);
        ReadOnlySpan<ushort> vertices = Vertices(tile);
        Span<float> weights = Weights(tile);
        for (int first = 0; first < weights.Length; first += Corners)
        {
            float sum = 0;
            for (int i = first; i < first + Corners; i++) sum += weights[i] * Blurred(globalVertices[vertices[i]]);
            float factor = Normalisation(sum) * RootOfWeight;
            for (int i = first; i < first + Corners; i++) weights[i] *= factor;
        }
    }

    /// <summary>The first value of a vertex after <see cref="Blur"/>.</summary>
    private float Blurred(int vertex) =>
        (uint)vertex < (uint)_table.Count ? _blurred[(long)vertex * _stride] : throw new ArgumentOutOfRangeException(nameof(vertex));
}
