using DeepLab.Cpu;

namespace DeepLab.Backends.Cpu;

/// <summary>The CPU; every machine has exactly one such device.</summary>
internal sealed class CpuDeviceProvider : DeviceProvider
{
    /// <summary>The name of this kind of device.</summary>
    public const string CpuKind = "cpu";

    public override string Kind => CpuKind;

    public override int Count => 1;

    public override string Describe(int index) => $"{InstructionSets.Best.Describe()}, {Environment.ProcessorCount} thread{(Environment.ProcessorCount == 1 ? "" : "s")}";

    public override Backend Create(int index, BackendOptions options) => new CpuBackend(options.Threads, options.InstructionSet, options.ExactConvolutions);
}
