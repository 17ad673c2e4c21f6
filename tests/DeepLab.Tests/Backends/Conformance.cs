using DeepLab.Backends;
using DeepLab.Backends.Cpu;
using DeepLab.Cpu;
using DeepLab.Tests.Oracle;

namespace DeepLab.Tests.Backends;

/// <summary>The processor on .NET's portable vectors.</summary>
public sealed class PortableConformance() : CpuConformance(InstructionSet.Portable);

/// <summary>The processor on AVX2.</summary>
public sealed class Avx2Conformance() : CpuConformance(InstructionSet.Avx2);

/// <summary>The processor on AVX-512.</summary>
public sealed class Avx512Conformance() : CpuConformance(InstructionSet.Avx512);

/// <summary>The oracle: that comparing it with itself finds nothing says that the suite itself is right.</summary>
public sealed class OracleConformance() : BackendConformance(_ => new DoubleBackend(), null)
{
    /// <inheritdoc/>
    protected override int ConvolutionCases => 12;

    /// <inheritdoc/>
    protected override int Cases => 10;
}

/// <summary>The processor on one instruction set.</summary>
public abstract class CpuConformance(InstructionSet set) : BackendConformance(
    threads => new CpuBackend(threads, set), set <= InstructionSets.Best ? null : $"this process has no {set.Describe()}");
