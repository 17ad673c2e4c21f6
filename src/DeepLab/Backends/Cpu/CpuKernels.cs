using System.Diagnostics;
using DeepLab.Cpu;

namespace DeepLab.Backends.Cpu;

/// <summary>
/// The kernels of one instruction set. The set is chosen here, once; no code further in checks it again.
/// </summary>
internal abstract class CpuKernels
{
    /// <summary>The kernels of a set that the process may use.</summary>
    public static CpuKernels Of(InstructionSet set) => set switch
    {
        InstructionSet.Avx512 => new CpuKernels<Simd512>(),
        InstructionSet.Avx2 => new CpuKernels<Simd256>(),
        _ => new CpuKernels<SimdPortable>(),
    };

    /// <summary>Prepares a convolution.</summary>
    public abstract PreparedConvolution Prepare(CpuBackend backend, in ConvolutionSpec spec, ConvolutionWeights weights, string name);

    /// <summary>Prepares an ASPP that <see cref="AsppTaps.Suit"/> accepts.</summary>
    public abstract PreparedAspp Prepare(CpuBackend backend, AsppSpec spec, IReadOnlyList<ConvolutionWeights> weights, string name);

    /// <summary>
    /// The peak multiply-add rate on registers of all threads together, in GFLOP/s: the best of several short runs.
    /// </summary>
    public abstract double MeasurePeak(WorkerPool pool);
}

/// <summary>The kernels for one vector type.</summary>
internal sealed class CpuKernels<TSimd> : CpuKernels
    where TSimd : unmanaged, ISimd<TSimd>
{
    public override PreparedConvolution Prepare(CpuBackend backend, in ConvolutionSpec spec, ConvolutionWeights weights, string name) =>
        new CpuConvolution<TSimd>(backend, spec, weights, name);

    public override PreparedAspp Prepare(CpuBackend backend, AsppSpec spec, IReadOnlyList<ConvolutionWeights> weights, string name) =>
        new CpuAspp<TSimd>(backend, spec, weights, name);

    public override unsafe double MeasurePeak(WorkerPool pool)
    {
        const int runs = 7, rounds = 4_000_000;
        using var results = new NativeArray<float>();
        results.Reserve((long)pool.Threads * TSimd.Width);
        var body = new MultiplyAddPeak<TSimd> { Rounds = rounds, Results = results.Pointer };
        double best = 0;
        for (int run = 0; run < runs; run++)
        {
            long start = Stopwatch.GetTimestamp();
            pool.Run(ref body, pool.Threads);
            best = Math.Max(best, pool.Threads * body.Operations / Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best / 1e9;
    }
}
