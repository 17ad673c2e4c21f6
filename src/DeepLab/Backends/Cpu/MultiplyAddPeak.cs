using System.Runtime.CompilerServices;
using DeepLab.Cpu;

namespace DeepLab.Backends.Cpu;

/// <summary>
/// Multiply-adds on registers alone: the most a processor can do, on all threads at once. One unit per thread.
/// </summary>
internal unsafe struct MultiplyAddPeak<TSimd> : IParallelBody
    where TSimd : unmanaged, ISimd<TSimd>
{
    /// <summary>
    /// The number of independent sums: enough to cover the latency of two multiply-add units on any processor.
    /// </summary>
    private const int Sums = 12;

    public int Rounds;
    public float* Results;

    /// <summary>Floating-point operations per unit.</summary>
    public readonly double Operations => 2.0 * Sums * TSimd.Width * Rounds;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(int unit, int worker)
    {
        TSimd a = TSimd.Broadcast(0.999f), b = TSimd.Broadcast(0.001f);
        TSimd s0 = a, s1 = b, s2 = a, s3 = b, s4 = a, s5 = b, s6 = a, s7 = b, s8 = a, s9 = b, s10 = a, s11 = b;
        for (int i = 0; i < Rounds; i++)
        {
            s0 = TSimd.MultiplyAdd(s0, a, b);
            s1 = TSimd.MultiplyAdd(s1, a, b);
            s2 = TSimd.MultiplyAdd(s2, a, b);
            s3 = TSimd.MultiplyAdd(s3, a, b);
            s4 = TSimd.MultiplyAdd(s4, a, b);
            s5 = TSimd.MultiplyAdd(s5, a, b);
            s6 = TSimd.MultiplyAdd(s6, a, b);
            s7 = TSimd.MultiplyAdd(s7, a, b);
            s8 = TSimd.MultiplyAdd(s8, a, b);
            s9 = TSimd.MultiplyAdd(s9, a, b);
            s10 = TSimd.MultiplyAdd(s10, a, b);
            s11 = TSimd.MultiplyAdd(s11, a, b);
        }

        TSimd sum = TSimd.Add(TSimd.Add(TSimd.Add(s0, s1), TSimd.Add(s2, s3)), TSimd.Add(TSimd.Add(s4, s5), TSimd.Add(s6, s7)));
        TSimd.Add(sum, TSimd.Add(TSimd.Add(s8, s9), TSimd.Add(s10, s11))).Store(Results + ((long)unit * TSimd.Width));
    }
}
