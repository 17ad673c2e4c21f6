using DeepLab.Backends;
using DeepLab.Backends.Cpu;
using DeepLab.Layers;
using DeepLab.Models;
using DeepLab.Tensors;
using DeepLab.Tests.Oracle;
using Xunit;

namespace DeepLab.Tests.Models;

public sealed class InitializationTests
{
    private static readonly RaggedShape s_images = new([new MapSize(41, 33), new MapSize(37, 50)], 3);

    [Fact]
    public void Weights_from_scratch_have_their_deviations_and_depend_on_the_seed_alone()
    {
        using var backend = new CpuBackend(2);
        DeepLabResNet network = FromScratch(backend, 7), same = FromScratch(backend, 7), other = FromScratch(backend, 8);
        for (int i = 0; i < network.State.Count; i++) Assert.Equal(network.State[i].ToArray(), same.State[i].ToArray());
        Assert.NotEqual(network.State[0].ToArray(), other.State[0].ToArray());

        Assert.Equal(Math.Sqrt(2.0 / (64 * 49)), Deviation(network.ResNet.Stem.Weight), 0.002);
        Assert.Equal(Math.Sqrt(2.0 / (512 * 9)), Deviation(network.ResNet.Blocks[^1].LastOfBranch.Weight), 0.0001);
        Assert.Equal(0.01, Deviation(network.ResNet.Head.Branches[2].Weight), 0.0002);
        Assert.All(network.ResNet.Head.Branches, b => Assert.All(b.Bias!.ToArray(), v => Assert.Equal(0, v)));
        Assert.All(network.ResNet.Blocks, b => Assert.All(b.LastOfBranch.BatchNorm!.Gamma.ToArray(), v => Assert.Equal(0.3f, v)));
    }

    [Fact]
    public void Measured_statistics_are_the_moments_of_each_layer_and_stay_when_measured_again()
    {
        using var backend = new CpuBackend(2);
        DeepLabResNet network = FromScratch(backend, 3);
        float[] pixels = HashUniform.Values("measure", "x", (int)s_images.Length, u => 100 * u);
        using Execution execution = backend.CreateExecution();
        Initialization.MeasureBatchNorm(execution, network, pixels, s_images);

        (double[] mean, double[] variance) = StemMoments(network.ResNet.Stem, pixels);
        BatchNorm norm = network.ResNet.Stem.BatchNorm!;
        Compare.Near(mean, Doubles(norm.Mean), 1e-5, "mean of the stem");
        Compare.Near(variance, Doubles(norm.Variance), 1e-5, "variance of the stem");

        double[][] first = [.. network.State.Select(Doubles)];
        Initialization.MeasureBatchNorm(execution, network, pixels, s_images);
        for (int i = 0; i < first.Length; i++)
        {
            Assert.All(first[i], v => Assert.True(double.IsFinite(v)));
            Compare.Near(first[i], Doubles(network.State[i]), 1e-5, network.State[i].Name);
        }
    }

    private static DeepLabResNet FromScratch(Backend backend, ulong seed)
    {
        var network = new DeepLabResNet(backend, new DeepLabConfiguration(18, 4));
        Initialization.FromScratch(network, seed);
        return network;
    }

    private static double Deviation(Parameter parameter) => Math.Sqrt(Doubles(parameter).Average(v => v * v));

    private static double[] Doubles(StateTensor tensor) => [.. tensor.ToArray().Select(v => (double)v)];

    private static (double[] Mean, double[] Variance) StemMoments(Conv stem, float[] pixels)
    {
        using var oracle = new DoubleBackend();
        var geometry = new ConvolutionSpec(3, 64, 7, 2, 1, 3);
        var copy = new Conv(oracle, "stem", geometry, null, relu: false);
        copy.Weight.CopyFrom(stem.Weight.ToArray());
        Tensor x = oracle.NewTensor(s_images), y = oracle.NewTensor(geometry.OutputShape(s_images));
        oracle.Upload(pixels, x);
        using Execution execution = oracle.CreateExecution();
        oracle.Prepare(geometry, new ConvolutionWeights(copy.Weight.Value, null, null)).Forward(execution, x, y);
        double[] mean = new double[64], variance = new double[64], values = oracle.Read(y);
        for (int k = 0; k < values.Length; k++) mean[k % 64] += values[k] / y.Shape.Rows;
        for (int k = 0; k < values.Length; k++) variance[k % 64] += Math.Pow(values[k] - mean[k % 64], 2) / y.Shape.Rows;
        return (mean, variance);
    }
}
