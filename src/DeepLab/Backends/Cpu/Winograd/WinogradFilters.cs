using System.Runtime.CompilerServices;
using DeepLab.Cpu;

namespace DeepLab.Backends.Cpu;

/// <summary>
/// Transforms a kernel [9 · inChannels, outChannels], times batch norm's scale, into 36 matrices [inChannels,
/// outChannels], each in panels of two vectors as <see cref="RightPanels"/> lays them out. One unit per input channel.
/// </summary>
internal unsafe struct WinogradFilters<TSimd> : IParallelBody
    where TSimd : unmanaged, ISimd<TSimd>
{
    public float* Weights;
    public float* Scale;    // [outChannels] or null
    public int InChannels;
    public int OutChannels;
    public float* Target;

    public readonly void Run(int unit, int worker)
    {
        long tap = (long)InChannels * OutChannels;
        WinogradFilter.Transform<TSimd>(
            Weights + ((long)unit * OutChannels), tap, flip: false, Scale, OutChannels, Target + ((long)unit * 2 * TSimd.Width), InChannels,
            WinogradLayout.FilterStride(InChannels, OutChannels));
    }
}

/// <summary>
/// The same from kernels in file layout, [outChannels, inChannels, 9]. Each unit is a range of input channels.
/// </summary>
internal unsafe struct MappedWinogradFilters<TSimd> : IParallelBody
    where TSimd : unmanaged, ISimd<TSimd>
{
    private const int Taps = 9;

    public float* Weights;
    public float* Scale;    // [outChannels] or null
    public int InChannels;
    public int OutChannels;
    public float* Target;
    public WorkerScratch* Scratch;

    /// <summary>
    /// The maximum number of output channels for which one input channel's kernels fit in a worker's block.
    /// </summary>
    public const int MostOutChannels = GemmBlocking.GradientBlockRows * GemmBlocking.BlockColumns / Taps;

    /// <summary>Input channels per unit: their kernels fit in a worker's block.</summary>
    public readonly int UnitChannels => Math.Clamp(MostOutChannels / OutChannels, 1, 8);

    public readonly void Run(int unit, int worker)
    {
        int first = unit * UnitChannels, count = Math.Min(UnitChannels, InChannels - first);
        float* kernels = Scratch[worker].Block;     // [count, 9, outChannels]
        Transposition.Copy(Weights + ((long)first * Taps), (nint)InChannels * Taps, null, OutChannels, count * Taps, kernels, OutChannels);
        for (int i = 0; i < count; i++)
        {
            WinogradFilter.Transform<TSimd>(
                kernels + (i * Taps * OutChannels), OutChannels, flip: false, Scale, OutChannels, Target + ((long)(first + i) * 2 * TSimd.Width), InChannels,
                WinogradLayout.FilterStride(InChannels, OutChannels));
        }
    }
}

/// <summary>
/// The same for the input gradient, which is the convolution with the kernel rotated by 180° and its channels swapped:
/// 36 matrices [outChannels, inChannels]. Each unit is a range of output channels.
/// </summary>
internal unsafe struct TransposedWinogradFilters<TSimd> : IParallelBody
    where TSimd : unmanaged, ISimd<TSimd>
{
    private const int Taps = 9;

    public float* Weights;
    public float* Scale;    // [outChannels] or null
    public int InChannels;
    public int OutChannels;
    public float* Target;
    public WorkerScratch* Scratch;

    /// <summary>Output channels per unit: their kernels fit in a worker's block.</summary>
    public readonly int UnitChannels => Math.Clamp(GemmBlocking.GradientBlockRows * GemmBlocking.BlockColumns / (Taps * InChannels), 1, 16);

    /// <summary>The maximum number of input channels whose kernels fit.</summary>
    public const int MostInChannels = GemmBlocking.GradientBlockRows * GemmBlocking.BlockColumns / Taps;

    public readonly void Run(int unit, int worker)
    {
        int first = unit * UnitChannels, count = Math.Min(UnitChannels, OutChannels - first);
        float* kernels = Scratch[worker].Block;     // [count, 9, inChannels]
        Transposition.Copy(Weights + first, OutChannels, Scale is null ? null : Scale + first, Taps * InChannels, count, kernels, Taps * InChannels);
        for (int o = 0; o < count; o++)
        {
            WinogradFilter.Transform<TSimd>(
                kernels + (o * Taps * InChannels), InChannels, flip: true, null, InChannels, Target + ((long)(first + o) * 2 * TSimd.Width), OutChannels, WinogradLayout.FilterStride(InChannels, OutChannels));
        }
    }
}

/// <summary>The transform of one row of kernels.</summary>
internal static unsafe class WinogradFilter
{
    /// <summary>GgGᵀ for <paramref name="columns"/> adjacent kernels.</summary>
    /// <param name="kernel">The first tap of the first kernel.</param>
    /// <param name="tapStride">Floats from one tap to the next.</param>
    /// <param name="flip">Whether the kernels are rotated by 180°.</param>
    /// <param name="scale">One factor per column, or null.</param>
    /// <param name="columns">The number of kernels, in whole panels.</param>
    /// <param name="target">The first kernel's factor at the first point, in the first panel.</param>
    /// <param name="steps">Rows per panel.</param>
    /// <param name="planeStride">Floats per point.</param>
    public static void Transform<TSimd>(float* kernel, long tapStride, bool flip, float* scale, int columns, float* target, int steps, long planeStride)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        int panel = 2 * TSimd.Width;
        float* rows = stackalloc float[WinogradTransforms.Inputs * 3 * TSimd.Width];
        for (int column = 0; column < columns; column += TSimd.Width)
        {
            TSimd factor = scale is null ? TSimd.Broadcast(1) : TSimd.Load(scale + column);
            for (int x = 0; x < 3; x++)
            {
                TSimd g0 = Tap<TSimd>(kernel, tapStride, flip, 0, x, column), g1 = Tap<TSimd>(kernel, tapStride, flip, 1, x, column);
                TSimd g2 = Tap<TSimd>(kernel, tapStride, flip, 2, x, column);
                WinogradTransforms.Filter(
                    TSimd.Multiply(g0, factor), TSimd.Multiply(g1, factor), TSimd.Multiply(g2, factor),
                    out TSimd u0, out TSimd u1, out TSimd u2, out TSimd u3, out TSimd u4, out TSimd u5);
                float* to = rows + (x * TSimd.Width);
                int stride = 3 * TSimd.Width;
                u0.Store(to);
                u1.Store(to + stride);
                u2.Store(to + (2 * stride));
                u3.Store(to + (3 * stride));
                u4.Store(to + (4 * stride));
                u5.Store(to + (5 * stride));
            }

            float* place = target + ((long)(column / panel) * steps * panel) + (column % panel);
            for (int y = 0; y < WinogradTransforms.Inputs; y++)
            {
                float* from = rows + (y * 3 * TSimd.Width);
                WinogradTransforms.Filter(
                    TSimd.Load(from), TSimd.Load(from + TSimd.Width), TSimd.Load(from + (2 * TSimd.Width)),
                    out TSimd u0, out TSimd u1, out TSimd u2, out TSimd u3, out TSimd u4, out TSimd u5);
                float* to = place + (y * WinogradTransforms.Inputs * planeStride);
                u0.Store(to);
                u1.Store(to + planeStride);
                u2.Store(to + (2 * planeStride));
                u3.Store(to + (3 * planeStride));
                u4.Store(to + (4 * planeStride));
                u5.Store(to + (5 * planeStride));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TSimd Tap<TSimd>(float* kernel, long stride, bool flip, int y, int x, int column)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        int tap = (3 * y) + x;
        return TSimd.Load(kernel + ((flip ? 8 - tap : tap) * stride) + column);
    }
}
