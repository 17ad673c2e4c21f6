using DeepLab.Cpu;

namespace DeepLab.Crf;

/// <summary>The lists of a permutohedral lattice, in memory that stays for the next image; <see cref="LatticeView"/> tells what each one holds.</summary>
internal sealed unsafe class LatticeData(int corners) : IDisposable
{
    private float* _blurred;

    /// <summary>Vertices of a simplex, one more than there are dimensions; as many are the directions of the blur.</summary>
    public int Corners { get; } = corners;

    public NativeArray<LatticeTile> Tiles { get; } = new();

    public NativeArray<ushort> Vertices { get; } = new();

    public NativeArray<float> Weights { get; } = new();

    public NativeArray<ushort> TileNeighbours { get; } = new();

    public NativeArray<int> Shared { get; } = new();

    public NativeArray<float> TileValues { get; } = new();

    /// <summary>Whether tiles blur for themselves.</summary>
    public bool Closed { get; init; }

    /// <summary>Vertices of the whole lattice.</summary>
    public int SharedVertices { get; set; }

    /// <summary>[vertex + 1]: where its part of <see cref="Parts"/> begins.</summary>
    public NativeArray<int> FirstPart { get; } = new();

    /// <summary>The tiles' vertices that are one vertex of the whole lattice, in the order of the tiles.</summary>
    public NativeArray<int> Parts { get; } = new();

    /// <summary>[direction, vertex, 2]: neighbours in the whole lattice, or the number of vertices where there is none.</summary>
    public NativeArray<int> Neighbours { get; } = new();

    private NativeArray<float> Even { get; } = new();

    private NativeArray<float> Odd { get; } = new();

    public LatticeView View => new()
    {
        Tiles = Tiles.Pointer,
        Corners = Corners,
        Vertices = Vertices.Pointer,
        Weights = Weights.Pointer,
        TileNeighbours = Closed ? TileNeighbours.Pointer : null,
        Shared = Shared.Pointer,
        TileValues = TileValues.Pointer,
        Values = _blurred,
    };

    /// <summary>The first value of a vertex of the whole lattice after <see cref="Blur"/>.</summary>
    public float Blurred(int vertex, int stride) =>
        (uint)vertex < (uint)SharedVertices ? _blurred[(long)vertex * stride] : throw new ArgumentOutOfRangeException(nameof(vertex));

    /// <summary>Makes room for values of the whole lattice and of the tiles.</summary>
    public void ReserveValues(long tileVertices, int stride)
    {
        TileValues.Reserve(checked(tileVertices * stride));
        Even.Reserve(checked((SharedVertices + 1L) * stride));
        Odd.Reserve(checked((SharedVertices + 1L) * stride));
    }

    /// <summary>Adds up the tiles' values and blurs them along every direction.</summary>
    public void Blur<T>(WorkerPool pool, int stride)
        where T : unmanaged, ILanes<T>
    {
        float* values = Even.Pointer, other = Odd.Pointer;
        new Span<float>(values + ((long)SharedVertices * stride), stride).Clear();
        new Span<float>(other + ((long)SharedVertices * stride), stride).Clear();
        var merge = new LatticeMerge<T>
        {
            TileValues = TileValues.Pointer,
            FirstPart = FirstPart.Pointer,
            Parts = Parts.Pointer,
            Values = values,
            Vertices = SharedVertices,
            Stride = stride,
        };
        pool.Run(ref merge, Units(LatticeMerge<T>.UnitVertices));
        for (int direction = 0; direction < Corners; direction++)
        {
            var blur = new LatticeBlur<T>
            {
                Source = values,
                Target = other,
                Neighbours = Neighbours.Pointer + (2L * direction * SharedVertices),
                Vertices = SharedVertices,
                Stride = stride,
            };
            pool.Run(ref blur, Units(LatticeBlur<T>.UnitVertices));
            float* swap = values;
            values = other;
            other = swap;
        }

        _blurred = values;
    }

    public void Dispose()
    {
        foreach (IDisposable array in (ReadOnlySpan<IDisposable>)
            [Tiles, Vertices, Weights, TileNeighbours, Shared, TileValues, FirstPart, Parts, Neighbours, Even, Odd])
        {
            array.Dispose();
        }

        _blurred = null;
    }

    private int Units(int vertices) => (SharedVertices + vertices - 1) / vertices;
}
