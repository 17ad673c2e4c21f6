using DeepLab.Backends.Cpu;
using DeepLab.Layers;
using DeepLab.Models;
using DeepLab.Weights;
using Xunit;

namespace DeepLab.Tests.Weights;

public sealed class NetworkWeightsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("deeplab-weights-").FullName;
    private readonly CpuBackend _backend = new(threads: 1);

    public void Dispose()
    {
        _backend.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Tensors_are_those_of_the_network_in_its_order()
    {
        DeepLabResNet network = TinyNetwork.WithAnyValues(_backend, 18, 2);
        using NetworkWeights weights = NetworkWeights.Of(network, ["background", "boat"]);
        Assert.Same(network.Configuration, weights.Configuration);
        Assert.Equal(["background", "boat"], weights.ClassNames);
        Assert.True(weights.HasHead);
        Assert.Equal(("memory", "the seed's names (Scale.conv1.weight, ...)"), (weights.Format, weights.NamingScheme));
        Assert.Equal(network.State.Select(t => t.Name), weights.Tensors.Select(t => t.Name));
        foreach ((StateTensor expected, TensorInfo actual) in network.State.Zip(weights.Tensors))
        {
            Assert.Equal(TensorType.F32, actual.Type);
            Assert.Equal(expected.Shape.Select(side => (long)side), actual.Shape);
            var values = new float[actual.Count];
            weights.Read(actual.Name, values);
            Assert.True(expected.ToArray().AsSpan().SequenceEqual(values), expected.Name);
        }
    }

    [Fact]
    public void Names_that_fit_no_class_and_tensors_that_are_not_there_are_refused()
    {
        var network = new DeepLabResNet(_backend, new DeepLabConfiguration(18, 3));
        Assert.StartsWith("2 names do not fit 3 classes.", Assert.Throws<ArgumentException>(() => NetworkWeights.Of(network, ["a", "b"])).Message, StringComparison.Ordinal);
        using NetworkWeights weights = NetworkWeights.Of(network);
        Assert.Null(weights.ClassNames);
        Assert.Throws<ArgumentException>(() => weights.WithClassNames(["a", "b"]));
        Assert.StartsWith("The network has no tensor 'conv1.weight'.", Assert.Throws<ArgumentException>(() => weights.Read("conv1.weight", new float[9408])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => weights.Read("Scale.conv1.weight", new float[9407]));
    }

    [Theory]
    [InlineData("net.pth")]
    [InlineData("net.safetensors")]
    [InlineData("net.onnx")]
    public void The_checksum_of_what_is_written_is_that_of_the_weights(string name)
    {
        DeepLabResNet network = TinyNetwork.WithAnyValues(_backend, 18, 2);
        using NetworkWeights weights = NetworkWeights.Of(network);
        string path = Path.Combine(_folder, name), expected = weights.Checksum();
        Assert.Matches("^[0-9a-f]{16}$", expected);
        Assert.Equal(expected, NetworkFile.SaveWithChecksum(path, weights.WithClassNames(["a", "b"])));
        if (!name.EndsWith(".onnx", StringComparison.Ordinal))
        {
            using NetworkWeights written = NetworkWeights.Open(path);
            Assert.Equal(["a", "b"], written.ClassNames);
            Assert.Equal(expected, written.Checksum());
        }

        StateTensor bias = network.State[^1];
        bias.CopyFrom([.. bias.ToArray().Select(v => v + 1)]);
        Assert.NotEqual(expected, weights.Checksum());
    }

    [Fact]
    public void A_checksum_of_tensors_in_another_order_or_of_some_of_them_is_refused()
    {
        NetworkLayout layout = NetworkLayout.Of(new DeepLabConfiguration(18, 2));
        using var checksum = new WeightsChecksum(layout);
        Assert.Throws<InvalidOperationException>(() => checksum.Add(layout.Tensors[1], new float[64]));
        checksum.Add(layout.Tensors[0], new float[64 * 147]);
        Assert.Throws<InvalidOperationException>(checksum.Result);
    }
}
