using DeepLab.Backends;
using DeepLab.Layers;
using DeepLab.Models;
using DeepLab.Tests.Oracle;
using DeepLab.Training;
using Xunit;

namespace DeepLab.Tests.Training;

public sealed class OptimizerTests
{
    [Theory]
    [InlineData(0, 2.5e-4)]
    [InlineData(10_000, 1.3397168e-4)]
    [InlineData(19_999, 3.365593e-8)]
    [InlineData(20_000, 0)]
    public void The_learning_rate_decays_by_the_authors_polynomial(int iteration, double expected) =>
        Assert.Equal(expected, new TrainingOptions().LearningRateAt(iteration), 1e-4 * 2.5e-4);

    [Fact]
    public void The_defaults_are_the_authors()
    {
        var options = new TrainingOptions();
        Assert.Equal((20_000, 10, 2.5e-4, 0.9, 5e-4, 10, 1000), (options.Iterations, options.IterationSize, options.BaseLearningRate, options.Momentum, options.WeightDecay, options.HeadLearningRateMultiplier, options.SnapshotEvery));
        Assert.Equal(Path.Combine("a", "VOC12_scenes_1000.pth"), (options with { SnapshotDirectory = "a" }).SnapshotPath(1000));
    }

    [Fact]
    public void Two_steps_follow_Caffes_momentum_with_multipliers()
    {
        using var backend = new DoubleBackend();
        var conv = new Conv(backend, "c", new ConvolutionSpec(1, 2, 1, 1, 1, 0), batchNorm: null, relu: false);
        conv.Weight.LearningRateMultiplier = 10;
        conv.Bias!.LearningRateMultiplier = 20;
        conv.Bias.DecayMultiplier = 0;
        conv.Weight.CopyFrom([1, -2]);
        conv.Bias.CopyFrom([0.5f, 0]);
        using Execution execution = backend.CreateExecution();
        using var optimizer = new SgdOptimizer(execution, conv.Parameters);
        backend.Write(conv.Weight.Gradient!, [0.25, 0.5]);
        backend.Write(conv.Bias.Gradient!, [1, -1]);
        optimizer.Step(0.01, 0.9, 0.1);

        // v = 0.1·(g + 0.1·w) for the weights, 0.2·g for the biases.
        AssertNear([1 - 0.035, -2 - 0.03], backend.Read(conv.Weight.Value));
        AssertNear([0.5 - 0.2, 0.2], backend.Read(conv.Bias.Value));
        AssertNear([0, 0], backend.Read(conv.Weight.Gradient!));

        // Zero gradient: v = 0.9·v + 0.05·0.1·w at half the rate.
        optimizer.Step(0.005, 0.9, 0.1);
        double v0 = (0.9 * 0.035) + (0.005 * 0.965), v1 = (0.9 * 0.03) + (0.005 * -2.03);
        AssertNear([0.965 - v0, -2.03 - v1], backend.Read(conv.Weight.Value));
        AssertNear([0.3 - 0.18, 0.2 + 0.18], backend.Read(conv.Bias.Value));
    }

    [Fact]
    public void A_gradient_longer_than_the_clip_norm_is_scaled_to_it()
    {
        using var backend = new DoubleBackend();
        var conv = new Conv(backend, "c", new ConvolutionSpec(1, 2, 1, 1, 1, 0), batchNorm: null, relu: false);
        using Execution execution = backend.CreateExecution();
        using var optimizer = new SgdOptimizer(execution, conv.Parameters);
        backend.Write(conv.Weight.Gradient!, [3, 0]);
        backend.Write(conv.Bias!.Gradient!, [0, 4]);
        Assert.Equal(5, optimizer.GradientNorm(), 1e-12);
        optimizer.Step(1, 0, 0, clipNorm: 2.5);
        AssertNear([-1.5, 0], backend.Read(conv.Weight.Value));
        AssertNear([0, -2], backend.Read(conv.Bias.Value));
        backend.Write(conv.Weight.Gradient!, [0.3, 0]);
        optimizer.Step(1, 0, 0, clipNorm: 2.5);
        AssertNear([-1.8, 0], backend.Read(conv.Weight.Value));
    }

    [Fact]
    public void The_last_layer_learns_faster_and_its_biases_do_not_decay()
    {
        using var backend = new DoubleBackend();
        var network = new DeepLabResNet(backend, new DeepLabConfiguration(18, 2));
        foreach (Parameter parameter in network.Parameters)
        {
            bool head = parameter.Name.Contains("layer5"), bias = parameter.Name.EndsWith(".bias", StringComparison.Ordinal);
            Assert.Equal(head ? bias ? 20 : 10 : 1, parameter.LearningRateMultiplier);
            Assert.Equal(bias ? 0 : 1, parameter.DecayMultiplier);
            Assert.True(head || !bias, parameter.Name);
        }
    }

    // The optimizer passes rates in single precision.
    private static void AssertNear(double[] expected, double[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 1e-6);
    }
}
