using DeepLab.Backends;
using DeepLab.Backends.Cpu;
using DeepLab.Cpu;
using DeepLab.Tests.Oracle;

namespace DeepLab.Tests.Backends;

/// <summary>The CPU with .NET's portable vectors.</summary>
public sealed class PortableConformance() : CpuConformance(InstructionSet.Portable);

/// <summary>The CPU with AVX2.</summary>
public sealed class Avx2Conformance() : CpuConformance(InstructionSet.Avx2);

/// <summary>The CPU with AVX-512.</summary>
public sealed class Avx512Conformance() : CpuConformance(InstructionSet.Avx512);

/// <summary>The oracle: compared with itself it shows no difference, which checks the suite itself.</summary>
public sealed class OracleConformance() : BackendConformance(_ => new DoubleBackend(), null)
{
    /// <inheritdoc/>
    protected override int ConvolutionCases => 12;

    /// <inheritdoc/>
    protected override int Cases => 10;
}

/// <summary>The CPU with one instruction set.</summary>
public abstract class CpuConformance(InstructionSet set) : BackendConformance(
    threads => new CpuBackend(threads, set), set <= InstructionSets.Best ? null : $"this process has no {set.Describe()}");
