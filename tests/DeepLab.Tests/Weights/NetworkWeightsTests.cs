using DeepLab.Backends;
using DeepLab.Backends.Cpu;
using DeepLab.Data;
using DeepLab.Layers;
using DeepLab.Models;
using DeepLab.Weights;
using Xunit;

namespace DeepLab.Tests.Weights;

public sealed class NetworkWeightsTests : IDisposable
{
    private readonly CpuBackend _backend = new(threads: 1);

    public void Dispose() => _backend.Dispose();

    [Fact]
    public void Arrays_are_those_of_the_network_in_its_order()
    {
        DeepLabResNet network = TinyNetwork.WithAnyValues(_backend, 18, 2);
        var weights = new NetworkWeights(network, ["background", "boat"]);
        Assert.Same(network.Configuration, weights.Configuration);
        Assert.Equal(["background", "boat"], weights.ClassNames);
        Assert.Equal(network.State.Select(t => t.Name), weights.State.Select(t => t.Name));
        foreach ((StateTensor expected, TensorInfo actual) in network.State.Zip(weights.State))
        {
            Assert.Equal(TensorType.F32, actual.Type);
            Assert.Equal(expected.Shape.Select(side => (long)side), actual.Shape);
            var values = new float[actual.Count];
            weights.Read(actual.Name, values);
            Assert.True(expected.ToArray().AsSpan().SequenceEqual(values), expected.Name);
        }
    }

    [Fact]
    public void Names_that_fit_no_class_and_arrays_that_are_not_there_are_refused()
    {
        var network = new DeepLabResNet(PlanningBackend.ForShapes, new DeepLabConfiguration(18, 3));
        Assert.StartsWith("2 names do not fit 3 classes.", Assert.Throws<ArgumentException>(() => new NetworkWeights(network, ["a", "b"])).Message, StringComparison.Ordinal);
        var weights = new NetworkWeights(network);
        Assert.Null(weights.ClassNames);
        Assert.StartsWith("The network has no array 'conv1.weight'.", Assert.Throws<ArgumentException>(() => weights.Read("conv1.weight", new float[9408])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => weights.Read("Scale.conv1.weight", new float[9407]));
    }
}
