using DeepLab.Backends.Cpu;
using DeepLab.Layers;
using DeepLab.Models;
using DeepLab.Weights;
using Xunit;

namespace DeepLab.Tests.Weights;

public sealed class NetworkLayoutTests
{
    public static TheoryData<int, bool> DepthsAndStrides => [.. DeepLabConfiguration.Depths.SelectMany(depth => new (int, bool)[] { (depth, false), (depth, true) })];

    [Theory]
    [MemberData(nameof(DepthsAndStrides))]
    public void The_table_has_the_names_shapes_and_order_of_the_network(int depth, bool strideOn3x3)
    {
        using var backend = new CpuBackend(threads: 1);
        var configuration = new DeepLabConfiguration(depth, 3) { StrideOn3x3 = strideOn3x3 };
        IReadOnlyList<StateTensor> state = new DeepLabResNet(backend, configuration).State;
        IReadOnlyList<NetworkTensor> table = NetworkLayout.Of(configuration).Tensors;
        Assert.Equal(state.Select(t => $"{t.Name} F32 [{string.Join(", ", t.Shape)}]"), table.Select(t => t.ToString()));
    }

    // The parameters of torchvision's resnet18 to resnet152 without their last layer, fc.
    [Theory]
    [InlineData(18, 20, 11_176_512)]
    [InlineData(34, 36, 21_284_672)]
    [InlineData(50, 53, 23_508_032)]
    [InlineData(101, 104, 42_500_160)]
    [InlineData(152, 155, 58_143_808)]
    public void A_backbone_has_the_layers_and_parameters_of_its_depth(int depth, int convolutions, long parameters)
    {
        NetworkLayout layout = NetworkLayout.Of(new DeepLabConfiguration(depth), withHead: false);
        Assert.Equal(convolutions, layout.Layers.Count);
        Assert.All(layout.Layers, layer => Assert.True(layer.HasBatchNorm && layer.Tensors.Count == 5));
        Assert.Equal(parameters, layout.Tensors.Where(t => t.IsParameter).Sum(t => t.Count));
        Assert.Same(layout, NetworkLayout.Of(new DeepLabConfiguration(depth, 7), withHead: false));
    }

    [Fact]
    public void Rows_tell_where_their_layer_stands()
    {
        NetworkLayout layout = NetworkLayout.Of(new DeepLabConfiguration(101, 7));
        (string Name, LayerPlace Place, TensorRole Role, long[] Shape)[] rows =
        [
            ("Scale.conv1.weight", LayerPlace.Stem, TensorRole.Kernel, [64, 3, 7, 7]),
            ("Scale.bn1.running_var", LayerPlace.Stem, TensorRole.Variance, [64]),
            ("Scale.layer1.0.conv1.weight", LayerPlace.Branch(1, 0, 0), TensorRole.Kernel, [64, 64, 1, 1]),
            ("Scale.layer3.7.conv2.weight", LayerPlace.Branch(3, 7, 1), TensorRole.Kernel, [256, 256, 3, 3]),
            ("Scale.layer3.22.bn3.weight", LayerPlace.Branch(3, 22, 2), TensorRole.Gamma, [1024]),
            ("Scale.layer3.22.bn3.bias", LayerPlace.Branch(3, 22, 2), TensorRole.Beta, [1024]),
            ("Scale.layer4.0.downsample.0.weight", LayerPlace.Shortcut(4, 0), TensorRole.Kernel, [2048, 1024, 1, 1]),
            ("Scale.layer4.0.downsample.1.running_mean", LayerPlace.Shortcut(4, 0), TensorRole.Mean, [2048]),
            ("Scale.layer5.conv2d_list.3.weight", LayerPlace.Aspp(3), TensorRole.Kernel, [7, 2048, 3, 3]),
            ("Scale.layer5.conv2d_list.3.bias", LayerPlace.Aspp(3), TensorRole.Bias, [7]),
        ];
        foreach ((string name, LayerPlace place, TensorRole role, long[] shape) in rows)
        {
            NetworkTensor row = layout.Find(name)!;
            Assert.Equal((place, role), (row.Place, row.Role));
            Assert.Equal(shape, row.Shape);
            Assert.Same(row, layout.Find(place)![role]);
        }

        Assert.Null(layout.Find("conv1.weight"));
        Assert.Null(layout.Find(LayerPlace.Shortcut(3, 1)));
        Assert.Null(NetworkLayout.Of(new DeepLabConfiguration(18)).Find(LayerPlace.Shortcut(1, 0)));
    }

    [Theory]
    [InlineData(19, 21)]
    [InlineData(18, 1)]
    [InlineData(18, 256)]
    public void A_network_that_does_not_exist_has_no_layout(int depth, int classes) =>
        Assert.Throws<DeepLabException>(() => NetworkLayout.Of(new DeepLabConfiguration(depth, classes)));
}
