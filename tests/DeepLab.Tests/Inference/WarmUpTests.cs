using DeepLab.Backends;
using DeepLab.Backends.Cpu;
using DeepLab.Cpu;
using DeepLab.Inference;
using DeepLab.Tests.Oracle;
using Xunit;

namespace DeepLab.Tests.Inference;

public sealed class WarmUpTests
{
    public static TheoryData<InstructionSet> Tiers => [.. TestBackends.Tiers];

    // The stem, a block with a projection and one without, and the last layer's four convolutions as one; three scales,
    // and their maximum.
    [Theory]
    [MemberData(nameof(Tiers))]
    public void Runs_each_kind_of_layer_on_the_backends_own_kernels(InstructionSet tier)
    {
        using var backend = new CpuBackend(1, tier);
        using Execution execution = backend.CreateExecution();
        Profile profiler = execution.Profile = new Profile();
        WarmUp.Run(execution);
        Assert.Equal(1 + 4 + 3 + 1, profiler.Costs.Where(c => c.Key.Kind == "forward").Sum(c => c.Value.Calls));
        Assert.Equal((1, 4, 1), (Calls("pooling"), Calls("resizing"), Calls("maximum")));

        int Calls(string kind) => profiler.Costs.Where(c => c.Key.Kind == kind).Sum(c => c.Value.Calls);
    }
}
