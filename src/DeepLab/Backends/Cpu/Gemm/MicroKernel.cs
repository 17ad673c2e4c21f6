using System.Runtime.CompilerServices;
using DeepLab.Cpu;

namespace DeepLab.Backends.Cpu;

/// <summary>
/// Rows copied from a map's channels in their original order, padded so that they do not collide in one cache set.
/// </summary>
internal static class RowPanel
{
    /// <summary>Floats between rows.</summary>
    public const int Stride = GemmBlocking.Steps + 16;
}

/// <summary>The left matrix's factors of a tile, in place: one per row and step.</summary>
internal readonly unsafe struct LeftTile(float* factors, nint row, nint step)
{
    /// <summary>The first row's first factor.</summary>
    public readonly float* Factors = factors;

    /// <summary>Floats between rows.</summary>
    public readonly nint Row = row;

    /// <summary>Floats between steps.</summary>
    public readonly nint Step = step;
}

/// <summary>
/// The right matrix's factors of a tile, two vectors per step, in place: in a panel, one step after another, or in the
/// matrix itself. The first product that reads them from the matrix copies them into a panel for later products, which
/// costs little beside its multiply-adds.
/// </summary>
internal readonly unsafe struct RightTile(float* factors, nint step, float* panel)
{
    /// <summary>The first step's factors.</summary>
    public readonly float* Factors = factors;

    /// <summary>Floats between steps.</summary>
    public readonly nint Step = step;

    /// <summary>Where the panel is written.</summary>
    public readonly float* Panel = panel;
}

/// <summary>Where a <see cref="RightTile"/> is located, known when the kernel is compiled.</summary>
internal interface IRightPlace
{
    static abstract bool IsPanel { get; }
}

/// <summary>In a panel.</summary>
internal readonly struct InPanel : IRightPlace
{
    public static bool IsPanel => true;
}

/// <summary>In the matrix itself.</summary>
internal readonly struct InMatrix : IRightPlace
{
    public static bool IsPanel => false;
}

/// <summary>The innermost product: everything else exists to feed it.</summary>
internal static unsafe class MicroKernel
{
    /// <summary>The same with a right panel.</summary>
    public static void Multiply<TSimd>(in LeftTile left, float* right, int steps, float* c, int stride, bool accumulate, ref PrefetchSchedule aside)
        where TSimd : unmanaged, ISimd<TSimd> =>
        Multiply<TSimd, InPanel>(left, new RightTile(right, 2 * TSimd.Width, null), steps, c, stride, accumulate, ref aside);

    /// <summary>
    /// c[TileRows, 2·Width] = [c +] left[TileRows, steps] · right[steps, 2·Width]. The sums stay in registers: 16, 12
    /// or 8 of them, which covers the latency of the multiply-adds, along with 2 vectors of the right side and a
    /// broadcast of the left. With AVX-512 a step is 16 multiply-adds in 8 cycles and 33 instructions of the 48 that
    /// fit in that time, so little else may happen in the loop. The caller guarantees that both sides hold <paramref
    /// name="steps"/> steps and that c holds whole rows of <paramref name="stride"/> floats.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply<TSimd, TRight>(in LeftTile left, in RightTile right, int steps, float* c, int stride, bool accumulate, ref PrefetchSchedule aside)
        where TSimd : unmanaged, ISimd<TSimd>
        where TRight : struct, IRightPlace
    {
        // One pointer for every two rows: few enough to stay in registers.
        nint row = left.Row, stepBytes = left.Step * sizeof(float), rightStep = TRight.IsPanel ? 2 * TSimd.Width : right.Step;
        float* a0 = left.Factors, a2 = a0 + (2 * row), a4 = a2 + (2 * row), a6 = a4 + (2 * row), b = right.Factors, copy = right.Panel;
        TSimd c00 = TSimd.Zero, c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00;
        TSimd c40 = c00, c41 = c00, c50 = c00, c51 = c00, c60 = c00, c61 = c00, c70 = c00, c71 = c00;
        float* last = b + (steps * rightStep);
        while (b < last)
        {
            float* end = b + (PrefetchSchedule.StepsBetween * rightStep);
            if (end > last) end = last;
            aside.Next<TSimd>();
            for (; b < end; b += rightStep)
            {
                TSimd b0 = TSimd.Load(b), b1 = TSimd.Load(b + TSimd.Width);
                if (!TRight.IsPanel)
                {
                    b0.Store(copy);
                    b1.Store(copy + TSimd.Width);
                    copy += 2 * TSimd.Width;
                }

                TSimd f = TSimd.Broadcast(a0[0]);
                TSimd.Accumulate(ref c00, b0, f);
                TSimd.Accumulate(ref c01, b1, f);
                f = TSimd.Broadcast(a0[row]);
                TSimd.Accumulate(ref c10, b0, f);
                TSimd.Accumulate(ref c11, b1, f);
                a0 = (float*)((byte*)a0 + stepBytes);
                f = TSimd.Broadcast(a2[0]);
                TSimd.Accumulate(ref c20, b0, f);
                TSimd.Accumulate(ref c21, b1, f);
                f = TSimd.Broadcast(a2[row]);
                TSimd.Accumulate(ref c30, b0, f);
                TSimd.Accumulate(ref c31, b1, f);
                a2 = (float*)((byte*)a2 + stepBytes);

                if (TSimd.TileRows > 4)
                {
                    f = TSimd.Broadcast(a4[0]);
                    TSimd.Accumulate(ref c40, b0, f);
                    TSimd.Accumulate(ref c41, b1, f);
                    f = TSimd.Broadcast(a4[row]);
                    TSimd.Accumulate(ref c50, b0, f);
                    TSimd.Accumulate(ref c51, b1, f);
                    a4 = (float*)((byte*)a4 + stepBytes);
                }

                if (TSimd.TileRows > 6)
                {
                    f = TSimd.Broadcast(a6[0]);
                    TSimd.Accumulate(ref c60, b0, f);
                    TSimd.Accumulate(ref c61, b1, f);
                    f = TSimd.Broadcast(a6[row]);
                    TSimd.Accumulate(ref c70, b0, f);
                    TSimd.Accumulate(ref c71, b1, f);
                    a6 = (float*)((byte*)a6 + stepBytes);
                }
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
