using DeepLab.Backends.Cpu;
using DeepLab.Cpu;
using DeepLab.Layers;
using DeepLab.Tensors;
using DeepLab.Tests.Oracle;
using Xunit;

namespace DeepLab.Tests.Models;

public sealed class DeterminismTests
{
    public static TheoryData<InstructionSet> Tiers => [.. TestBackends.Tiers];

    [Theory]
    [MemberData(nameof(Tiers))]
    public void A_training_step_gives_the_same_bits_for_any_number_of_threads(InstructionSet tier)
    {
        double[][] expected = Results(tier, 1, runs: 2);
        Assert.Contains(expected[0], v => v != 0);
        foreach (int threads in (int[])[2, 3, 5, 24])
        {
            double[][] actual = Results(tier, threads, runs: 1);
            for (int i = 0; i < expected.Length; i++)
                Assert.True(expected[i].AsSpan().SequenceEqual(actual[i]), $"result {i} differs between 1 and {threads} threads");
        }
    }

    /// <summary>The scores, the losses and the gradients, after the given number of identical runs.</summary>
    private static double[][] Results(InstructionSet tier, int threads, int runs)
    {
        using var backend = new CpuBackend(threads, tier);
        using NetworkBench step = NetworkBench.FromNames(backend, 18, 21, "determinism", "x", new MapSize(65, 49));
        double[][]? first = null;
        for (int run = 0; run < runs; run++)
        {
            foreach (Parameter parameter in step.Network.Parameters) backend.Write(parameter.Gradient!, new double[parameter.Length]);
            var results = new List<double[]>();
            step.Inspect = s => results.AddRange(s.Outputs.Select(t => backend.Read(t)));
            step.Run();
            results.Add([.. step.Losses]);
            results.AddRange(step.Network.Parameters.Select(p => backend.Read(p.Gradient!)));
            first ??= [.. results];
            for (int i = 0; i < first.Length; i++) Assert.True(first[i].AsSpan().SequenceEqual(results[i]), $"result {i} differs between runs");
        }

        return first!;
    }
}
