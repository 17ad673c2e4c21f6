using System.Runtime.CompilerServices;

namespace DeepLab.Kernels.Cpu;

/// <summary>How a panel of the left matrix lies in memory.</summary>
internal interface IPanelLayout
{
    /// <summary>Floats between a row and the next.</summary>
    static abstract int RowStride<TSimd>()
        where TSimd : unmanaged, ISimd<TSimd>;

    /// <summary>Floats between a step of the sum and the next.</summary>
    static abstract int StepStride<TSimd>()
        where TSimd : unmanaged, ISimd<TSimd>;
}

/// <summary>Each row's steps together, copied from a map's channels as they lie. Rows are padded so that they do not meet in one cache set.</summary>
internal readonly struct RowPanel : IPanelLayout
{
    public const int Stride = GemmCuts.Steps + 16;

    public static int RowStride<TSimd>()
        where TSimd : unmanaged, ISimd<TSimd> => Stride;

    public static int StepStride<TSimd>()
        where TSimd : unmanaged, ISimd<TSimd> => 1;
}

/// <summary>Each step's rows together: the weight gradient sums over pixels, whose channels are the rows.</summary>
internal readonly struct StepPanel : IPanelLayout
{
    public static int RowStride<TSimd>()
        where TSimd : unmanaged, ISimd<TSimd> => 1;

    public static int StepStride<TSimd>()
        where TSimd : unmanaged, ISimd<TSimd> => TSimd.TileRows;
}

/// <summary>
/// A <see cref="RowPanel"/> read across: its rows are the steps. Winograd's weight gradient sums over tiles, whose channels are the rows.
/// </summary>
internal readonly struct TransposedRowPanel : IPanelLayout
{
    public static int RowStride<TSimd>()
        where TSimd : unmanaged, ISimd<TSimd> => 1;

    public static int StepStride<TSimd>()
        where TSimd : unmanaged, ISimd<TSimd> => RowPanel.Stride;
}

/// <summary>The innermost product: everything else is there to feed it.</summary>
internal static unsafe class MicroKernel
{
    /// <summary>
    /// c[TileRows, 2·Width] = [c +] a[TileRows, steps] · b[steps, 2·Width]. The sums stay in registers: 16, 12 or 8 of them, which covers
    /// the latency of the multiply-adds, with 2 vectors of b and a broadcast of a beside them.
    /// The caller guarantees that a and b hold <paramref name="steps"/> steps and c whole rows of <paramref name="stride"/> floats.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply<TSimd, TPanel>(float* a, float* b, int steps, float* c, int stride, bool accumulate)
        where TSimd : unmanaged, ISimd<TSimd>
        where TPanel : struct, IPanelLayout
    {
        int row = TPanel.RowStride<TSimd>(), width = TSimd.Width;
        TSimd c00 = TSimd.Zero, c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00;
        TSimd c40 = c00, c41 = c00, c50 = c00, c51 = c00, c60 = c00, c61 = c00, c70 = c00, c71 = c00;
        for (float* end = b + ((long)steps * 2 * width); b < end; b += 2 * width, a += TPanel.StepStride<TSimd>())
        {
            TSimd b0 = TSimd.Load(b), b1 = TSimd.Load(b + width);
            TSimd f = TSimd.Broadcast(a[0]);
            c00 = TSimd.MultiplyAdd(f, b0, c00);
            c01 = TSimd.MultiplyAdd(f, b1, c01);
            f = TSimd.Broadcast(a[row]);
            c10 = TSimd.MultiplyAdd(f, b0, c10);
            c11 = TSimd.MultiplyAdd(f, b1, c11);
            f = TSimd.Broadcast(a[2 * row]);
            c20 = TSimd.MultiplyAdd(f, b0, c20);
            c21 = TSimd.MultiplyAdd(f, b1, c21);
            f = TSimd.Broadcast(a[3 * row]);
            c30 = TSimd.MultiplyAdd(f, b0, c30);
            c31 = TSimd.MultiplyAdd(f, b1, c31);
            if (TSimd.TileRows > 4)
            {
                f = TSimd.Broadcast(a[4 * row]);
                c40 = TSimd.MultiplyAdd(f, b0, c40);
                c41 = TSimd.MultiplyAdd(f, b1, c41);
                f = TSimd.Broadcast(a[5 * row]);
                c50 = TSimd.MultiplyAdd(f, b0, c50);
                c51 = TSimd.MultiplyAdd(f, b1, c51);
            }

            if (TSimd.TileRows > 6)
            {
                f = TSimd.Broadcast(a[6 * row]);
                c60 = TSimd.MultiplyAdd(f, b0, c60);
                c61 = TSimd.MultiplyAdd(f, b1, c61);
                f = TSimd.Broadcast(a[7 * row]);
                c70 = TSimd.MultiplyAdd(f, b0, c70);
                c71 = TSimd.MultiplyAdd(f, b1, c71);
            }
        }

        Store(c, c00, c01, accumulate);
        Store(c + stride, c10, c11, accumulate);
        Store(c + (2 * stride), c20, c21, accumulate);
        Store(c + (3 * stride), c30, c31, accumulate);
        if (TSimd.TileRows > 4)
        {
            Store(c + (4 * stride), c40, c41, accumulate);
            Store(c + (5 * stride), c50, c51, accumulate);
        }

        if (TSimd.TileRows > 6)
        {
            Store(c + (6 * stride), c60, c61, accumulate);
            Store(c + (7 * stride), c70, c71, accumulate);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TSimd>(float* c, TSimd left, TSimd right, bool accumulate)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        if (accumulate)
        {
            left = TSimd.Add(left, TSimd.Load(c));
            right = TSimd.Add(right, TSimd.Load(c + TSimd.Width));
        }

        left.Store(c);
        right.Store(c + TSimd.Width);
    }
}
