using System.Numerics;
using System.Runtime.CompilerServices;
using DeepLab.Cpu;

namespace DeepLab.Crf;

/// <summary>
/// Operations on rows of values, one row per vertex or pixel; a row's stride is a whole number of vectors.
/// </summary>
internal static unsafe class LatticeRows
{
    /// <summary>
    /// target = source + (one neighbour + the other) / 2, for the vertices from <paramref name="first"/> to <paramref
    /// name="end"/>. A missing neighbour is a row of zeros behind the last vertex, so that the loop needs no branch.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Blur<T, TIndex>(float* source, float* target, TIndex* neighbours, int first, int end, int stride)
        where T : unmanaged, ILanes<T>
        where TIndex : unmanaged, IBinaryInteger<TIndex>
    {
        T half = T.Broadcast(0.5f);
        for (int vertex = first; vertex < end; vertex++)
        {
            float* a = source + (long.CreateTruncating(neighbours[2L * vertex]) * stride);
            float* b = source + (long.CreateTruncating(neighbours[(2L * vertex) + 1]) * stride);
            float* from = source + ((long)vertex * stride), to = target + ((long)vertex * stride);
            for (int c = 0; c < stride; c += T.Width)
                T.MultiplyAdd(half, T.Add(T.Load(a + c), T.Load(b + c)), T.Load(from + c)).Store(to + c);
        }
    }

    /// <summary>Adds a pixel's row, times its weight for each, to the rows of the vertices of its simplex.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Splat<T>(float* row, ushort* vertices, float* weights, int corners, float* values, int stride)
        where T : unmanaged, ILanes<T>
    {
        for (int c = 0; c < stride; c += T.Width)
        {
            T value = T.Load(row + c);
            for (int k = 0; k < corners; k++)
            {
                float* target = values + ((long)vertices[k] * stride) + c;
                T.MultiplyAdd(T.Broadcast(weights[k]), value, T.Load(target)).Store(target);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy<T>(float* source, float* target, int stride)
        where T : unmanaged, ILanes<T>
    {
        for (int c = 0; c < stride; c += T.Width) T.Load(source + c).Store(target + c);
    }
}

/// <summary>
/// Adds up, for each vertex of a global lattice, what the tiles have splatted, in their order. A unit is some vertices.
/// </summary>
internal unsafe struct SplatSum<T> : IParallelBody
    where T : unmanaged, ILanes<T>
{
    public const int UnitVertices = 512;

    public float* TileValues;
    public int* FirstPart;      // [vertex + 1]
    public int* Parts;          // rows of TileValues
    public float* Values;
    public int Vertices;
    public int Stride;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(int unit, int worker)
    {
        int end = Math.Min(Vertices, (unit + 1) * UnitVertices);
        for (int vertex = unit * UnitVertices; vertex < end; vertex++)
        {
            float* target = Values + ((long)vertex * Stride);
            for (int c = 0; c < Stride; c += T.Width)
            {
                T sum = T.Load(TileValues + ((long)Parts[FirstPart[vertex]] * Stride) + c);
                for (int part = FirstPart[vertex] + 1; part < FirstPart[vertex + 1]; part++)
                    sum = T.Add(sum, T.Load(TileValues + ((long)Parts[part] * Stride) + c));
                sum.Store(target + c);
            }
        }
    }
}

/// <summary>Blurs a global lattice along one direction. A unit is some vertices.</summary>
internal unsafe struct LatticeBlur<T> : IParallelBody
    where T : unmanaged, ILanes<T>
{
    public const int UnitVertices = 512;

    public float* Source;
    public float* Target;
    public int* Neighbours;     // [vertex, 2]
    public int Vertices;
    public int Stride;

    public readonly void Run(int unit, int worker) =>
        LatticeRows.Blur<T, int>(Source, Target, Neighbours, unit * UnitVertices, Math.Min(Vertices, (unit + 1) * UnitVertices), Stride);
}
