using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DeepLab.Cpu;

namespace DeepLab.Crf;

/// <summary>
/// The unary term: target[pixel, stride] = ln(max(probability, minimum)). Behind the last class it is so low that a
/// softmax gives 0. Also tells whether some value may be no probability. A unit is some pixels.
/// </summary>
internal unsafe struct UnaryTerm<T> : IParallelBody
    where T : unmanaged, ILanes<T>
{
    public const int UnitPixels = 512;

    private const float Never = -1e30f;

    public float* Probabilities;        // [pixel, classes]
    public float* Target;
    public int Pixels;
    public int Classes;
    public int Stride;
    public float Minimum;
    public int* OutOfRange;             // set to 1

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(int unit, int worker)
    {
        int first = unit * UnitPixels, end = Math.Min(Pixels, first + UnitPixels);
        if (!AllInRange(Probabilities + ((long)first * Classes), (long)(end - first) * Classes)) *OutOfRange = 1;
        T minimum = T.Broadcast(Minimum);
        for (int pixel = first; pixel < end; pixel++)
        {
            float* row = Target + ((long)pixel * Stride);
            new ReadOnlySpan<float>(Probabilities + ((long)pixel * Classes), Classes).CopyTo(new Span<float>(row, Classes));
            new Span<float>(row + Classes, Stride - Classes).Fill(1);
            for (int c = 0; c < Stride; c += T.Width) T.Log(T.Max(T.Load(row + c), minimum)).Store(row + c);
            new Span<float>(row + Classes, Stride - Classes).Fill(Never);
        }
    }

    /// <summary>
    /// Non-negative floats compare like their bits; those of negative numbers, infinity and NaN are larger.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool AllInRange(float* values, long count)
    {
        Vector<uint> largest = Vector<uint>.Zero;
        long i = 0;
        for (; i <= count - Vector<uint>.Count; i += Vector<uint>.Count) largest = Vector.Max(largest, Vector.Load((uint*)values + i));
        uint limit = BitConverter.SingleToUInt32Bits(MeanField.LargestProbability);
        bool inRange = !Vector.GreaterThanAny(largest, new Vector<uint>(limit));
        for (; i < count; i++) inRange &= ((uint*)values)[i] <= limit;
        return inRange;
    }
}

/// <summary>
/// One step of mean-field inference on the pixels of a tile: slices the messages of the kernels from their lattices,
/// adds the unary term, takes the softmax, and splats the new marginals into the tile's part of the global lattices for
/// the next step. A unit is a tile. Between two blurs each row of marginals is thus touched once, while it is in the
/// first-level cache.
/// </summary>
internal unsafe struct MeanFieldStep<T> : IParallelBody
    where T : unmanaged, ILanes<T>
{
    public const int MostLattices = 2;

    public LatticeTile* Tiles;
    public LatticeView* Lattices;
    public int LatticeCount;
    public float* Unary;                // [pixel, stride]
    public float* Before;               // [pixel, stride], or null for the first marginals, the softmax of the unary term
    public float* After;                // [pixel, stride]
    public float* Result;               // [pixel, classes], or null: where the last step's marginals go
    public int ImageWidth;
    public int Classes;
    public int Stride;
    public float** Scratch;             // each worker's

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(int unit, int worker)
    {
        float** values = stackalloc float*[MostLattices];
        float* scratch = Scratch[worker];
        for (int i = 0; i < LatticeCount; i++) values[i] = Before is null ? null : BlurredValues(Lattices + i, unit, ref scratch);
        if (Result is null) ClearTileValues(unit);

        LatticeTile* tile = Tiles + unit;
        long* at = stackalloc long[MostLattices];
        for (int y = tile->Top; y < tile->Top + tile->Height; y++)
        {
            for (int i = 0; i < LatticeCount; i++) at[i] = Lattices[i].PixelAt(unit, y, tile->Left) * Lattices[i].Corners;
            long pixel = ((long)y * ImageWidth) + tile->Left;
            for (int x = 0; x < tile->Width; x++, pixel++)
            {
                float* row = After + (pixel * Stride);
                SliceAndNormalise(Unary + (pixel * Stride), Before is null ? 0 : LatticeCount, at, values, row);
                if (Result is null) Splat(unit, at, row);
                else new ReadOnlySpan<float>(row, Classes).CopyTo(new Span<float>(Result + (pixel * Classes), Classes));
                for (int i = 0; i < LatticeCount; i++) at[i] += Lattices[i].Corners;
            }
        }
    }

    /// <summary>The blurred values of the vertices that the tile touches, in the worker's scratch memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly float* BlurredValues(LatticeView* lattice, int unit, ref float* scratch)
    {
        LatticeTile* tile = lattice->Tiles + unit;
        float* values = scratch;
        long length = ((long)tile->Vertices + 1) * Stride;
        scratch += length;
        if (lattice->TileNeighbours is null)
        {
            int* globalVertices = lattice->GlobalVertices + tile->FirstVertex;
            for (int i = 0; i < tile->Vertices; i++)
                LatticeRows.Copy<T>(lattice->GlobalValues + ((long)globalVertices[i] * Stride), values + ((long)i * Stride), Stride);
            return values;
        }

        float* blurred = scratch;
        scratch += length;
        NativeMemory.Clear(values, (nuint)length * sizeof(float));
        NativeMemory.Clear(blurred + (length - Stride), (nuint)Stride * sizeof(float));
        SplatWithMargin(lattice, tile, values);
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

    /// <summary>Splats the old marginals of a tile and its margin.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void SplatWithMargin(LatticeView* lattice, LatticeTile* tile, float* values)
    {
        long at = tile->FirstPixel * lattice->Corners;
        for (int y = tile->Top; y < tile->Top + tile->Height; y++)
        {
            float* row = Before + ((((long)y * ImageWidth) + tile->Left) * Stride);
            for (int x = 0; x < tile->Width; x++, row += Stride, at += lattice->Corners)
                LatticeRows.Splat<T>(row, lattice->Vertices + at, lattice->Weights + at, lattice->Corners, values, Stride);
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

    /// <summary>target = softmax(unary + Σ weight · value). The lanes behind the last class end as zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void SliceAndNormalise(float* unary, int lattices, long* at, float** values, float* target)
    {
        T largest = T.Load(unary);
        for (int c = 0; c < Stride; c += T.Width)
        {
            T score = T.Load(unary + c);
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

    /// <summary>Splats a pixel's new marginals into the tile's part of the global lattices.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Splat(int unit, long* at, float* row)
    {
        for (int i = 0; i < LatticeCount; i++)
        {
            LatticeView* lattice = Lattices + i;
            if (lattice->TileNeighbours is not null) continue;
            LatticeRows.Splat<T>(
                row, lattice->Vertices + at[i], lattice->Weights + at[i], lattice->Corners,
                lattice->TileValues + (lattice->Tiles[unit].FirstVertex * Stride), Stride);
        }
    }
}
