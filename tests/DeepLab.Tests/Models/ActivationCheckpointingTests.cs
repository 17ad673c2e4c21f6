using DeepLab.Backends;
using DeepLab.Backends.Cpu;
using DeepLab.Data;
using DeepLab.Layers;
using DeepLab.Models;
using DeepLab.Tensors;
using DeepLab.Tests.Oracle;
using DeepLab.Training;
using Xunit;

namespace DeepLab.Tests.Models;

public sealed class ActivationCheckpointingTests
{
    [Theory]
    [InlineData(18, ActivationCheckpointing.AlternateBlocks)]
    [InlineData(50, ActivationCheckpointing.AlternateBlocks)]
    [InlineData(50, ActivationCheckpointing.EarlyStages)]
    public void Maps_that_are_computed_again_give_the_same_bits(int depth, ActivationCheckpointing checkpointing)
    {
        double[][] kept = Gradients(depth, ActivationCheckpointing.None), recomputed = Gradients(depth, checkpointing);
        Assert.Contains(kept[0], v => v != 0);
        for (int i = 0; i < kept.Length; i++) Assert.True(kept[i].AsSpan().SequenceEqual(recomputed[i]), $"gradient {i} differs");
    }

    [Theory]
    [InlineData(18)]
    [InlineData(50)]
    public void Packed_kernels_that_are_kept_give_the_same_bits_after_updates(int depth)
    {
        double[] kept = Updated(ActivationCheckpointing.None), packedAnew = Updated(ActivationCheckpointing.EarlyStages);
        Assert.True(kept.AsSpan().SequenceEqual(packedAnew));

        // Two updates of two images each, with a prediction in between, which keeps packed kernels by its own rule.
        double[] Updated(ActivationCheckpointing checkpointing)
        {
            using var backend = new CpuBackend(2);
            using NetworkBench step = NetworkBench.FromNames(backend, depth, 6, "kept", "x", new MapSize(65, 49), checkpointing);
            var losses = new List<double>();
            for (int update = 0; update < 2; update++)
            {
                for (int image = 0; image < 2; image++)
                {
                    step.Run();
                    losses.AddRange(step.Losses);
                }

                step.Update(1e-3f);
                step.RunForward();
                losses.AddRange(step.Losses);
            }

            return [.. losses, .. step.Network.Parameters.SelectMany(p => backend.Read(p.Value))];
        }
    }

    // What backward reads at 321×321 is 654 MiB.
    [Theory]
    [InlineData(101, 321, ActivationCheckpointing.EarlyStages, 0.86)]
    [InlineData(101, 321, ActivationCheckpointing.AlternateBlocks, 0.65)]
    [InlineData(101, 513, ActivationCheckpointing.EarlyStages, 0.86)]
    [InlineData(101, 513, ActivationCheckpointing.AlternateBlocks, 0.65)]
    [InlineData(50, 65, ActivationCheckpointing.EarlyStages, 0.74)]
    [InlineData(50, 65, ActivationCheckpointing.AlternateBlocks, 0.63)]
    [InlineData(18, 321, ActivationCheckpointing.EarlyStages, 1)]
    public void Maps_that_are_computed_again_make_a_smaller_arena(int depth, int size, ActivationCheckpointing checkpointing, double share)
    {
        long kept = PlannedExtent(depth, size, ActivationCheckpointing.None), extent = PlannedExtent(depth, size, checkpointing);
        Assert.InRange((double)extent / kept, share - 0.03, share);
    }

    private static double[][] Gradients(int depth, ActivationCheckpointing checkpointing)
    {
        using var backend = new CpuBackend(2);
        using NetworkBench step = NetworkBench.FromNames(backend, depth, 6, "memory", "x", new MapSize(65, 49), checkpointing);

        // Twice: the second run starts with memory as the first left it.
        step.Run();
        step.Run();
        return [.. step.Network.Parameters.Select(p => backend.Read(p.Gradient!))];
    }

    private static long PlannedExtent(int depth, int size, ActivationCheckpointing checkpointing)
    {
        using var backend = new CpuBackend(1);
        var network = new DeepLabResNet(backend, new DeepLabConfiguration(depth, 21));
        foreach (Parameter parameter in network.Parameters) parameter.AllocateGradient();
        using Execution execution = backend.CreateExecution(new ExecutionOptions { Checkpointing = checkpointing });
        RaggedShape images = RaggedShape.Map(size, size, 3);
        var pixels = new float[images.Length];
        execution.Plan(ExecutionMode.Train, () =>
        {
            MultiScaleScores scores = network.MultiScale.Forward(execution, pixels, images);
            network.MultiScale.Backward(execution, scores, network.MultiScale.RentGradients(execution, scores));
        });
        return execution.PlannedExtent;
    }
}
