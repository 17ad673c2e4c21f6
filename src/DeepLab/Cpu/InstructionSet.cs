using System.Numerics;

namespace DeepLab.Cpu;

/// <summary>
/// The instruction sets that the CPU's kernels are compiled for. Each rounds a little differently: results are
/// bit-identical only on the same set.
/// </summary>
public enum InstructionSet
{
    /// <summary>.NET's portable vectors, at whatever width the machine has.</summary>
    Portable,

    /// <summary>AVX2 with fused multiply-add: 8 floats.</summary>
    Avx2,

    /// <summary>AVX-512: 16 floats.</summary>
    Avx512,
}

/// <summary>Which instruction sets this process may use.</summary>
internal static class InstructionSets
{
    /// <summary>The widest set.</summary>
    public static InstructionSet Best => Simd512.IsSupported ? InstructionSet.Avx512 : Simd256.IsSupported ? InstructionSet.Avx2 : InstructionSet.Portable;

    /// <summary>
    /// The set's name, with the number of floats per vector where it varies: "AVX2", "portable vectors of 4".
    /// </summary>
    public static string Describe(this InstructionSet set) => set switch
    {
        InstructionSet.Avx512 => "AVX-512",
        InstructionSet.Avx2 => "AVX2",
        _ => $"portable vectors of {Vector<float>.Count}",
    };

    /// <summary>The requested set, or the widest.</summary>
    /// <exception cref="DeepLabException">This process does not support it.</exception>
    internal static InstructionSet Resolve(InstructionSet? wanted)
    {
        InstructionSet set = wanted ?? Best;
        return set <= Best ? set : throw new DeepLabException($"this processor (or this process) has no {set.Describe()}; the widest is {Best.Describe()}");
    }
}
