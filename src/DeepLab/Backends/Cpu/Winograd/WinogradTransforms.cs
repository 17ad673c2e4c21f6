using System.Runtime.CompilerServices;
using DeepLab.Cpu;

namespace DeepLab.Backends.Cpu;

/// <summary>
/// The one-dimensional transforms of Winograd's minimal filtering F(4, 3) at the points 0, ±1, ±2 and infinity
/// (arXiv:1509.09308): six values yield four outputs of a three-tap filter with six multiplications. Applied to rows
/// and columns they yield F(4×4, 3×3), with 36 multiplications for 16 outputs where the direct sum takes 144.
/// </summary>
internal static class WinogradTransforms
{
    /// <summary>Outputs of a tile, per side.</summary>
    public const int Outputs = 4;

    /// <summary>Inputs of a tile, per side.</summary>
    public const int Inputs = 6;

    /// <summary>Products of a tile: one for each pair of points.</summary>
    public const int Points = Inputs * Inputs;

    /// <summary>Bᵀx: six inputs to six factors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input<T>(T x0, T x1, T x2, T x3, T x4, T x5, out T v0, out T v1, out T v2, out T v3, out T v4, out T v5)
        where T : unmanaged, ISimd<T>
    {
        T four = T.Broadcast(4), minusFour = T.Broadcast(-4), minusFive = T.Broadcast(-5), two = T.Broadcast(2);
        v0 = T.MultiplyAdd(four, x0, T.MultiplyAdd(minusFive, x2, x4));
        T even = T.MultiplyAdd(minusFour, x2, x4), odd = T.MultiplyAdd(minusFour, x1, x3);
        v1 = T.Add(even, odd);
        v2 = T.Subtract(even, odd);
        even = T.Subtract(x4, x2);
        odd = T.Multiply(two, T.Subtract(x3, x1));
        v3 = T.Add(even, odd);
        v4 = T.Subtract(even, odd);
        v5 = T.MultiplyAdd(four, x1, T.MultiplyAdd(minusFive, x3, x5));
    }

    /// <summary>Aᵀm: six products to four outputs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output<T>(T m0, T m1, T m2, T m3, T m4, T m5, out T y0, out T y1, out T y2, out T y3)
        where T : unmanaged, ISimd<T>
    {
        T sum1 = T.Add(m1, m2), difference1 = T.Subtract(m1, m2), sum2 = T.Add(m3, m4), difference2 = T.Subtract(m3, m4);
        y0 = T.Add(m0, T.Add(sum1, sum2));
        y1 = T.MultiplyAdd(T.Broadcast(2), difference2, difference1);
        y2 = T.MultiplyAdd(T.Broadcast(4), sum2, sum1);
        y3 = T.Add(m5, T.MultiplyAdd(T.Broadcast(8), difference2, difference1));
    }

    /// <summary>Ay: four output gradients to six product gradients.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OutputGradient<T>(T y0, T y1, T y2, T y3, out T m0, out T m1, out T m2, out T m3, out T m4, out T m5)
        where T : unmanaged, ISimd<T>
    {
        T even = T.Add(y0, y2), odd = T.Add(y1, y3);
        m0 = y0;
        m1 = T.Add(even, odd);
        m2 = T.Subtract(even, odd);
        even = T.MultiplyAdd(T.Broadcast(4), y2, y0);
        odd = T.Multiply(T.Broadcast(2), T.MultiplyAdd(T.Broadcast(4), y3, y1));
        m3 = T.Add(even, odd);
        m4 = T.Subtract(even, odd);
        m5 = y3;
    }

    /// <summary>Gg: three taps to six factors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Filter<T>(T g0, T g1, T g2, out T u0, out T u1, out T u2, out T u3, out T u4, out T u5)
        where T : unmanaged, ISimd<T>
    {
        T sixth = T.Broadcast(1f / 6), minusSixth = T.Broadcast(-1f / 6);
        u0 = T.Multiply(T.Broadcast(1f / 4), g0);
        T even = T.Multiply(minusSixth, T.Add(g0, g2)), odd = T.Multiply(minusSixth, g1);
        u1 = T.Add(even, odd);
        u2 = T.Subtract(even, odd);
        even = T.MultiplyAdd(T.Broadcast(1f / 24), g0, T.Multiply(sixth, g2));
        odd = T.Multiply(T.Broadcast(1f / 12), g1);
        u3 = T.Add(even, odd);
        u4 = T.Subtract(even, odd);
        u5 = g2;
    }

    /// <summary>Gᵀu: six factor gradients to three tap gradients.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FilterGradient<T>(T u0, T u1, T u2, T u3, T u4, T u5, out T g0, out T g1, out T g2)
        where T : unmanaged, ISimd<T>
    {
        T sum1 = T.Multiply(T.Broadcast(-1f / 6), T.Add(u1, u2)), sum2 = T.Add(u3, u4);
        g0 = T.MultiplyAdd(T.Broadcast(1f / 4), u0, T.MultiplyAdd(T.Broadcast(1f / 24), sum2, sum1));
        g1 = T.MultiplyAdd(T.Broadcast(1f / 6), T.Subtract(u2, u1), T.Multiply(T.Broadcast(1f / 12), T.Subtract(u3, u4)));
        g2 = T.Add(u5, T.MultiplyAdd(T.Broadcast(1f / 6), sum2, sum1));
    }
}
