using DeepLab.Backends;
using DeepLab.Backends.Cpu;
using DeepLab.Layers;
using DeepLab.Models;
using DeepLab.Tensors;
using DeepLab.Tests.Oracle;
using DeepLab.Weights.Formats.PyTorch;
using Xunit;

namespace DeepLab.Tests.Models;

public sealed class NetworkStructureTests
{
    // Counted from the state_dict of tests/reference/deeplab_torch.py, without num_batches_tracked.
    [Theory]
    [InlineData(18, 21, 108, 11_573_268, 11_554_068)]
    [InlineData(34, 6, 188, 21_412_312, 21_378_264)]
    [InlineData(50, 2, 273, 23_708_616, 23_602_376)]
    [InlineData(101, 21, 528, 44_153_876, 43_943_188)]
    [InlineData(152, 255, 783, 77_096_892, 76_794_044)]
    public void Networks_have_the_arrays_of_the_reference(int depth, int classes, int arrays, long values, long learnt)
    {
        using var backend = new DoubleBackend();
        var network = new DeepLabResNet(backend, new DeepLabConfiguration(depth, classes));
        Assert.Equal(arrays, network.State.Count);
        Assert.Equal(arrays, network.State.Select(s => s.Name).Distinct().Count());
        Assert.Equal(values, network.State.Sum(s => (long)s.Length));
        Assert.Equal(learnt, network.Parameters.Sum(p => (long)p.Length));
    }

    [Theory]
    [InlineData(18)]
    [InlineData(34)]
    [InlineData(50)]
    public void Names_and_shapes_are_those_of_the_reference(int depth)
    {
        using var backend = new DoubleBackend();
        var network = new DeepLabResNet(backend, new DeepLabConfiguration(depth, 6));
        IReadOnlyDictionary<string, GoldenWeights.Tensor> expected = GoldenWeights.StateDict(depth, 6);
        Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), network.State.Select(s => s.Name).Order(StringComparer.Ordinal));
        foreach (StateTensor tensor in network.State) Assert.Equal(expected[tensor.Name].Shape, tensor.Shape.Select(s => (long)s));
    }

    [Fact]
    public void The_last_layer_learns_faster_and_its_biases_do_not_decay()
    {
        using var backend = new DoubleBackend();
        var network = new DeepLabResNet(backend, new DeepLabConfiguration(101, 21));
        foreach (Parameter parameter in network.Parameters)
        {
            (float rate, float decay) = !parameter.Name.StartsWith("Scale.layer5.", StringComparison.Ordinal) ? (1f, 1f)
                : parameter.Name.EndsWith(".bias", StringComparison.Ordinal) ? (20f, 0f) : (10f, 1f);
            Assert.Equal((rate, decay), (parameter.LearningRateMultiplier, parameter.DecayMultiplier));
        }

        network.SetHeadLearningRateMultiplier(1);
        Assert.Equal([1f, 2f], network.ResNet.Head.Branches[3].Parameters.Select(p => p.LearningRateMultiplier));
    }

    [Theory]
    [InlineData(17, 21)]
    [InlineData(101, 1)]
    [InlineData(18, 256)]
    public void Depths_and_classes_that_do_not_exist_are_named(int depth, int classes)
    {
        using var backend = new DoubleBackend();
        var error = Assert.Throws<DeepLabException>(() => new DeepLabResNet(backend, new DeepLabConfiguration(depth, classes)));
        Assert.Contains((depth == 17 ? depth : classes).ToString(), error.Message);
    }

    [Theory]
    [InlineData(33, 5)]
    [InlineData(65, 9)]
    [InlineData(241, 31)]
    [InlineData(321, 41)]
    [InlineData(500, 63)]
    [InlineData(513, 65)]
    public void Score_maps_are_an_eighth_of_the_image(int side, int expected) =>
        Assert.Equal(new MapSize(expected, 5), DeepLabResNet.ScoreSize(new MapSize(side, 33)));

    [Fact]
    public void Every_side_from_the_smallest_on_runs_square_or_not()
    {
        using var backend = new CpuBackend(2);
        DeepLabResNet network = NetworkBench.NewNetwork(backend, 18, 21);
        for (int height = 33; height <= 60; height++)
        {
            var size = new MapSize(height, 93 - height);
            float[] pixels = HashUniform.Values("sides", "x", 3 * size.Pixels, u => 100 * u);
            using var step = new NetworkBench(network, pixels, HashUniform.Labels("sides", "label", size.Height, size.Width, 21), size);
            step.Inspect = scores =>
            {
                Assert.Equal([DeepLabResNet.ScoreSize(size)], scores.Outputs[0].Shape.Maps);
                Assert.Equal(scores.Outputs[0].Shape, scores.Outputs[1].Shape);
                Assert.Equal(scores.Outputs[0].Shape, scores.Fused.Shape);
                MapSize half = NetworkScale.DeepLab[2].SizeOf(size);
                Assert.Equal([DeepLabResNet.ScoreSize(half)], scores.Outputs[2].Shape.Maps);
                AssertFusedIsTheMaximum(backend, scores);
            };
            if (height % 3 == 0) step.Run();
            else step.RunForward();
            Assert.All(step.Losses, loss => Assert.True(loss is > 0 and < 100, $"a loss of {loss} at {size}"));
        }
    }

    [Theory]
    [InlineData(34)]
    [InlineData(50)]
    public void Batches_of_different_images_give_each_its_own_scores(int depth)
    {
        using var backend = new CpuBackend(2);
        DeepLabResNet network = NetworkBench.NewNetwork(backend, depth, 6);
        MapSize[] sizes = [new(33, 41), new(50, 34)];
        float[][] pixels = [.. sizes.Select((s, i) => HashUniform.Values("batch", $"x{i}", 3 * s.Pixels, u => 100 * u))];
        double[] together = Fused(network, new RaggedShape([.. sizes], 3), [.. pixels[0], .. pixels[1]]);
        double[] first = Fused(network, new RaggedShape([sizes[0]], 3), pixels[0]), second = Fused(network, new RaggedShape([sizes[1]], 3), pixels[1]);
        Compare.Near([.. first, .. second], together, 1e-5, "scores of both images in one batch");
    }

    private static double[] Fused(DeepLabResNet network, RaggedShape images, float[] pixels)
    {
        using Execution execution = network.Backend.CreateExecution();
        double[] result = [];
        execution.Run(network, ExecutionMode.Predict, images, () =>
        {
            MultiScaleScores scores = network.MultiScale.Forward(execution, pixels, images);
            if (!execution.IsPlanning) result = network.Backend.Read(scores.Fused);
        });
        return result;
    }

    private static void AssertFusedIsTheMaximum(Backend backend, MultiScaleScores scores)
    {
        double[] full = backend.Read(scores.Outputs[0]), threeQuarters = backend.Read(scores.Outputs[1]), fused = backend.Read(scores.Fused);
        for (int i = 0; i < fused.Length; i++) Assert.True(fused[i] >= full[i] && fused[i] >= threeQuarters[i]);
    }
}
