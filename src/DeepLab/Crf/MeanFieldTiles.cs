using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DeepLab.Cpu;

namespace DeepLab.Crf;

/// <summary>
/// One step of mean-field inference on the pixels of a tile: reads the messages of both kernels from their lattices, adds the logarithms of the
/// probabilities, takes the softmax, and spreads the new marginals over the tile's part of the shared lattices for the next step. A unit is a tile.
/// Between one blur and the next each row of marginals is thus touched once, while it is in the first-level cache.
/// </summary>
internal unsafe struct MeanFieldTiles<T> : IParallelBody
    where T : unmanaged, ILanes<T>
{
    public const int MostLattices = 2;

    public LatticeTile* Tiles;
    public LatticeView* Lattices;
    public int LatticeCount;
    public float* LogProbabilities;     // [pixel, stride]
    public float* Before;               // [pixel, stride], or null: the first marginals are those of the probabilities alone
    public float* After;                // [pixel, stride]
    public float* Marginals;            // [pixel, classes], or null: where the last step's go
    public int ImageWidth;
    public int Classes;
    public int Stride;
    public float** Scratch;             // a worker's

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(int unit, int worker)
    {
        float** values = stackalloc float*[MostLattices];
        float* scratch = Scratch[worker];
        for (int i = 0; i < LatticeCount; i++) values[i] = Before is null ? null : Values(Lattices + i, unit, ref scratch);
        if (Marginals is null) ClearTileValues(unit);

        LatticeTile* tile = Tiles + unit;
        long* at = stackalloc long[MostLattices];
        for (int y = tile->Top; y < tile->Top + tile->Height; y++)
        {
            for (int i = 0; i < LatticeCount; i++) at[i] = Lattices[i].PixelAt(unit, y, tile->Left) * Lattices[i].Corners;
            long pixel = ((long)y * ImageWidth) + tile->Left;
            for (int x = 0; x < tile->Width; x++, pixel++)
            {
                float* row = After + (pixel * Stride);
                Softmax(LogProbabilities + (pixel * Stride), Before is null ? 0 : LatticeCount, at, values, row);
                if (Marginals is null) Spread(unit, at, row);
                else new ReadOnlySpan<float>(row, Classes).CopyTo(new Span<float>(Marginals + (pixel * Classes), Classes));
                for (int i = 0; i < LatticeCount; i++) at[i] += Lattices[i].Corners;
            }
        }
    }

    /// <summary>The blurred values of the vertices that the tile touches.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly float* Values(LatticeView* lattice, int unit, ref float* scratch)
    {
        LatticeTile* tile = lattice->Tiles + unit;
        float* values = scratch;
        long length = ((long)tile->Vertices + 1) * Stride;
        scratch += length;
        if (lattice->TileNeighbours is null)
        {
            int* shared = lattice->Shared + tile->FirstVertex;
            for (int i = 0; i < tile->Vertices; i++) LatticeRows.Copy<T>(lattice->Values + ((long)shared[i] * Stride), values + ((long)i * Stride), Stride);
            return values;
        }

        float* blurred = scratch;
        scratch += length;
        NativeMemory.Clear(values, (nuint)length * sizeof(float));
        NativeMemory.Clear(blurred + (length - Stride), (nuint)Stride * sizeof(float));
        SpreadAround(lattice, tile, values);
        ushort* neighbours = lattice->TileNeighbours + (tile->FirstVertex * 2 * lattice->Corners);
        for (int direction = 0; direction < lattice->Corners; direction++, neighbours += 2L * tile->Vertices)
        {
            LatticeRows.Blur<T, ushort>(values, blurred, neighbours, 0, tile->Vertices, Stride);
            float* swap = values;
            values = blurred;
            blurred = swap;
        }

        return values;
    }

    /// <summary>Spreads the old marginals of a lattice's own, larger tile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void SpreadAround(LatticeView* lattice, LatticeTile* tile, float* values)
    {
        long at = tile->FirstPixel * lattice->Corners;
        for (int y = tile->Top; y < tile->Top + tile->Height; y++)
        {
            float* row = Before + ((((long)y * ImageWidth) + tile->Left) * Stride);
            for (int x = 0; x < tile->Width; x++, row += Stride, at += lattice->Corners)
                LatticeRows.Spread<T>(row, lattice->Vertices + at, lattice->Weights + at, lattice->Corners, values, Stride);
        }
    }

    private readonly void ClearTileValues(int unit)
    {
        for (int i = 0; i < LatticeCount; i++)
        {
            LatticeTile* tile = Lattices[i].Tiles + unit;
            if (Lattices[i].TileNeighbours is null)
                NativeMemory.Clear(Lattices[i].TileValues + (tile->FirstVertex * Stride), (nuint)tile->Vertices * (nuint)Stride * sizeof(float));
        }
    }

    /// <summary>target = softmax(start + Σ weight · value). The lanes behind the last class start so low that they end as zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Softmax(float* start, int lattices, long* at, float** values, float* target)
    {
        T largest = T.Load(start);
        for (int c = 0; c < Stride; c += T.Width)
        {
            T score = T.Load(start + c);
            for (int i = 0; i < lattices; i++)
            {
                ushort* vertices = Lattices[i].Vertices + at[i];
                float* weights = Lattices[i].Weights + at[i], rows = values[i] + c;
                for (int k = 0; k < Lattices[i].Corners; k++)
                    score = T.MultiplyAdd(T.Broadcast(weights[k]), T.Load(rows + ((long)vertices[k] * Stride)), score);
            }

            largest = c == 0 ? score : T.Max(largest, score);
            score.Store(target + c);
        }

        T shift = T.Broadcast(-T.Largest(largest)), sum = T.Broadcast(0);
        for (int c = 0; c < Stride; c += T.Width)
        {
            T value = Lanes.Exp(T.Add(T.Load(target + c), shift));
            sum = T.Add(sum, value);
            value.Store(target + c);
        }

        T factor = T.Broadcast(1 / T.Sum(sum));
        for (int c = 0; c < Stride; c += T.Width) T.Multiply(T.Load(target + c), factor).Store(target + c);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Spread(int unit, long* at, float* row)
    {
        for (int i = 0; i < LatticeCount; i++)
        {
            LatticeView* lattice = Lattices + i;
            if (lattice->TileNeighbours is not null) continue;
            LatticeRows.Spread<T>(
                row, lattice->Vertices + at[i], lattice->Weights + at[i], lattice->Corners,
                lattice->TileValues + (lattice->Tiles[unit].FirstVertex * Stride), Stride);
        }
    }
}
