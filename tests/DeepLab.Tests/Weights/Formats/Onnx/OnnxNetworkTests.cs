using DeepLab.Models;
using DeepLab.Weights;
using DeepLab.Weights.Formats.Onnx;
using DeepLab.Weights.Formats.Onnx.Schema;
using Xunit;
using DataType = DeepLab.Weights.Formats.Onnx.Schema.TensorProto.Types.DataType;

namespace DeepLab.Tests.Weights.Formats.Onnx;

/// <summary>The graph's structure, which needs no weights.</summary>
public sealed class OnnxNetworkTests
{
    private static readonly OnnxOptions s_oneScale = new() { ThreeScales = false };

    private static OnnxNetwork Build(DeepLabConfiguration configuration, OnnxOptions? options = null, IReadOnlyList<string>? names = null) =>
        new(NetworkWeights.Recognise(new FakeTensorFile(NetworkLayout.Of(configuration).Tensors, FakeTensorFile.MetadataOf(configuration, names))), options ?? new OnnxOptions());

    private static int Count(OnnxNetwork network, string type) => network.Graph.Node.Count(n => n.OpType == type);

    private static NodeProto Node(OnnxNetwork network, string name) => network.Graph.Node.Single(n => n.Name == name);

    private static string Attributes(OnnxNetwork network, string name) =>
        string.Join("; ", Node(network, name).Attribute.Select(a => $"{a.Name} {(a.Ints.Count > 0 ? string.Join(" ", a.Ints) : a.HasS ? a.S.ToStringUtf8() : $"{a.I}")}"));

    private static string Dimensions(ValueInfoProto value) =>
        string.Join(", ", value.Type.TensorType.Shape.Dim.Select(d => d.HasDimParam ? d.DimParam : $"{d.DimValue}"));

    [Theory]
    [InlineData(18, 20, 17, 8)]
    [InlineData(34, 36, 33, 16)]
    [InlineData(50, 53, 49, 16)]
    [InlineData(101, 104, 100, 33)]
    [InlineData(152, 155, 151, 50)]
    public void A_graph_has_the_layers_of_its_depth_and_scales_share_their_weights(int depth, int convolutions, int relus, int blocks)
    {
        OnnxNetwork one = Build(new DeepLabConfiguration(depth), s_oneScale), three = Build(new DeepLabConfiguration(depth));
        foreach ((OnnxNetwork network, int scales) in ((OnnxNetwork, int)[])[(one, 1), (three, 3)])
        {
            Assert.Equal((convolutions + 4) * scales, Count(network, "Conv"));
            Assert.Equal(relus * scales, Count(network, "Relu"));
            Assert.Equal(scales, Count(network, "MaxPool"));
            Assert.Equal(scales, Count(network, "Sum"));
            Assert.Equal(convolutions + 4, network.Convolutions.Count);
            Assert.Equal(convolutions + 4, network.Convolutions.DistinctBy(c => c.Weight.Name).Count());
        }

        Assert.Equal(blocks, Count(one, "Add"));
        Assert.Equal((blocks * 3) + 2, Count(three, "Add"));
        Assert.Equal((4, 1), (Count(three, "Resize"), Count(three, "Max")));
        Assert.Empty(one.Graph.Initializer);
    }

    [Theory]
    [InlineData(18, true, true)]
    [InlineData(50, false, true)]
    [InlineData(101, true, false)]
    public void Every_value_comes_from_one_node_before_those_that_read_it_and_every_weight_is_read(int depth, bool threeScales, bool foldPreprocessing)
    {
        OnnxNetwork network = Build(new DeepLabConfiguration(depth), new OnnxOptions { ThreeScales = threeScales, FoldPreprocessing = foldPreprocessing });
        List<string> constants = [.. network.Graph.Initializer.Select(t => t.Name), .. network.Convolutions.SelectMany(c => (string[])[c.Weight.Name, c.Bias.Name])];
        HashSet<string> known = [network.Graph.Input.Single().Name, "", .. constants], read = [];
        Assert.Equal(constants.Count + 2, known.Count);
        foreach (NodeProto node in network.Graph.Node)
        {
            Assert.Equal(node.Name, Assert.Single(node.Output));
            read.UnionWith(node.Input);
            Assert.Empty(node.Input.Except(known));
            Assert.True(known.Add(node.Name), node.Name);
        }

        Assert.Equal("scores", network.Graph.Output.Single().Name);
        Assert.Equal(["scores"], known.Except(["", .. read]));
    }

    [Fact]
    public void Convolutions_have_the_stride_dilation_and_padding_of_their_stage()
    {
        OnnxNetwork network = Build(new DeepLabConfiguration(101, 5));
        Assert.Equal("kernel_shape 7 7; strides 2 2; dilations 1 1; pads 3 3 3 3", Attributes(network, "conv1/05"));
        Assert.Equal("kernel_shape 3 3; strides 2 2; pads 1 1 1 1; ceil_mode 1", Attributes(network, "pool1"));
        Assert.Equal("kernel_shape 1 1; strides 2 2; dilations 1 1; pads 0 0 0 0", Attributes(network, "layer2.0.conv1"));
        Assert.Equal("kernel_shape 3 3; strides 1 1; dilations 1 1; pads 1 1 1 1", Attributes(network, "layer2.0.conv2"));
        Assert.Equal("kernel_shape 1 1; strides 2 2; dilations 1 1; pads 0 0 0 0", Attributes(network, "layer2.0.downsample.0/075"));
        Assert.Equal("kernel_shape 3 3; strides 1 1; dilations 2 2; pads 2 2 2 2", Attributes(network, "layer3.22.conv2"));
        Assert.Equal("kernel_shape 1 1; strides 1 1; dilations 1 1; pads 0 0 0 0", Attributes(network, "layer3.0.conv1"));
        Assert.Equal("kernel_shape 3 3; strides 1 1; dilations 4 4; pads 4 4 4 4", Attributes(network, "layer4.2.conv2/05"));
        Assert.Equal("kernel_shape 3 3; strides 1 1; dilations 24 24; pads 24 24 24 24", Attributes(network, "layer5.conv2d_list.3"));
        Assert.Equal(["layer4.2.relu/075", "Scale.layer5.conv2d_list.1.weight", "Scale.layer5.conv2d_list.1.bias"], Node(network, "layer5.conv2d_list.1/075").Input);
        Assert.Equal(["layer4.0.conv3", "layer4.0.downsample.0"], Node(network, "layer4.0.add").Input);
        Assert.Equal("mode linear; coordinate_transformation_mode align_corners", Attributes(network, "scores/05"));
        Assert.Equal([5L, 2048, 3, 3], network.Convolutions.Last().Weight.Dims);
        Assert.Equal([5L], network.Convolutions.Last().Bias.Dims);
    }

    [Fact]
    public void The_stride_moves_to_the_3x3_convolution_where_the_configuration_says_so()
    {
        var configuration = new DeepLabConfiguration(50);
        IEnumerable<string> Strided(bool on3x3) => Build(configuration with { StrideOn3x3 = on3x3 }, s_oneScale).Graph.Node
            .Where(n => n.OpType == "Conv" && n.Attribute.Single(a => a.Name == "strides").Ints[0] == 2).Select(n => n.Name);
        Assert.Equal(["conv1", "layer2.0.conv1", "layer2.0.downsample.0"], Strided(on3x3: false));
        Assert.Equal(["conv1", "layer2.0.conv2", "layer2.0.downsample.0"], Strided(on3x3: true));
    }

    [Fact]
    public void Input_and_output_leave_batch_and_size_free()
    {
        OnnxNetwork prepared = Build(new DeepLabConfiguration(18, 7)), pixels = Build(new DeepLabConfiguration(18, 7), new OnnxOptions { FoldPreprocessing = true });
        ValueInfoProto input = prepared.Graph.Input.Single();
        Assert.Equal(("image", "batch, 3, height, width", (int)DataType.Float), (input.Name, Dimensions(input), input.Type.TensorType.ElemType));
        Assert.StartsWith("channels B, G, R: (value - mean) / deviation", input.DocString, StringComparison.Ordinal);
        input = pixels.Graph.Input.Single();
        Assert.Equal(("image", "batch, height, width, 3", (int)DataType.Uint8), (input.Name, Dimensions(input), input.Type.TensorType.ElemType));
        foreach (ValueInfoProto output in (ValueInfoProto[])[prepared.Graph.Output.Single(), pixels.Graph.Output.Single()])
            Assert.Equal(("scores", "batch, 7, score_height, score_width", (int)DataType.Float), (output.Name, Dimensions(output), output.Type.TensorType.ElemType));
    }

    [Fact]
    public void The_model_says_what_it_is()
    {
        ModelProto model = Build(new DeepLabConfiguration(34, 2), null, ["background", "caf\u00e9 \"x\""]).Model;
        Assert.Equal((7, "DeepLab for .NET", "0.1.0"), (model.IrVersion, model.ProducerName, model.ProducerVersion));
        Assert.Equal(13, Assert.Single(model.OpsetImport).Version);
        Assert.Equal("DeepLab-ResNet-34 (DeepLab v2, arXiv:1606.00915), 2 classes, three scales, fused by their maximum", model.DocString);
        Assert.Equal(
            [
                "format=deeplab-resnet", "depth=34", "classes=2", "preprocessing=caffe", "mean=104.008 116.669 122.675", "deviation=1 1 1", "channel_order=BGR", "stride=1x1",
                """class_names=["background","caf\u00E9 \u0022x\u0022"]""", "scales=1 0.75 0.5", "input=preprocessed",
            ],
            model.MetadataProps.Select(p => $"{p.Key}={p.Value}"));
        DeepLabConfiguration torchVision = new(34, 2) { Preprocessing = Preprocessing.TorchVision };
        model = Build(torchVision, new OnnxOptions { ThreeScales = false, FoldPreprocessing = true }).Model;
        Assert.Equal(
            [
                "format=deeplab-resnet", "depth=34", "classes=2", "preprocessing=torchvision", "mean=123.675 116.28 103.53", "deviation=58.395 57.12 57.375",
                "channel_order=RGB", "stride=1x1", "scales=1", "input=pixels",
            ],
            model.MetadataProps.Select(p => $"{p.Key}={p.Value}"));
    }

    [Theory]
    [InlineData("caffe", "input.centred")]
    [InlineData("torchvision", "input.scaled")]
    public void Folded_preprocessing_makes_the_networks_input_of_pixels(string name, string output)
    {
        Preprocessing preprocessing = Preprocessing.All.Single(p => p.Name == name);
        OnnxNetwork network = Build(new DeepLabConfiguration(18, 2) { Preprocessing = preprocessing }, new OnnxOptions { FoldPreprocessing = true });
        Assert.Equal(output, Node(network, "conv1").Input[0]);

        const int Maps = 2, Height = 3, Width = 5;
        int[] shape = [Maps, Height, Width, 3];
        double[] pixels = [.. HashUniform.Values(7, Maps * Height * Width * 3).Select(u => Math.Floor((u + 1) * 128))];
        OnnxValue input = new OnnxInterpreter(network.Graph).Run(new OnnxValue(shape, pixels, IsInteger: true), output);
        Assert.Equal([Maps, 3, Height, Width], input.Shape);
        for (int i = 0; i < input.Data.Length; i++)
        {
            int channel = i / (Height * Width) % 3, pixel = (i / (3 * Height * Width) * Height * Width) + (i % (Height * Width));
            double value = pixels[(pixel * 3) + (preprocessing.ChannelOrder == "BGR" ? 2 - channel : channel)];
            Assert.Equal((value - preprocessing.Mean[channel]) / preprocessing.StandardDeviation[channel], input.Data[i], 1e-12);
        }
    }

    [Theory]
    [InlineData(321, 241, 161)]
    [InlineData(33, 25, 17)]
    [InlineData(34, 26, 18)]
    [InlineData(35, 27, 18)]
    [InlineData(36, 28, 19)]
    public void Smaller_scales_have_the_sides_of_the_networks_own(int side, int threeQuarters, int half)
    {
        var graph = new OnnxInterpreter(Build(new DeepLabConfiguration(18, 2)).Graph);
        var image = new OnnxValue([2, 3, side, 2 * side], new double[2 * 3 * side * 2 * side]);
        Assert.Equal((threeQuarters, half), (NetworkScale.DeepLab[1].SideOf(side), NetworkScale.DeepLab[2].SideOf(side)));
        Assert.Equal([2, 3, threeQuarters, NetworkScale.DeepLab[1].SideOf(2 * side)], graph.Run(image, "scales.shape/075").Data);
        Assert.Equal([2, 3, half, NetworkScale.DeepLab[2].SideOf(2 * side)], graph.Run(image, "scales.shape/05").Data);
    }

    [Fact]
    public void Weights_without_a_last_layer_are_refused()
    {
        IEnumerable<TensorInfo> backbone = NetworkLayout.Of(new DeepLabConfiguration(50), withHead: false).Tensors
            .Select(t => new TensorInfo(t.Name[NetworkLayout.Prefix.Length..], TensorType.F32, t.Shape));
        using NetworkWeights weights = NetworkWeights.Recognise(new FakeTensorFile(backbone));
        Assert.Equal(
            "fake: holds a ResNet-50 without DeepLab's last layer",
            Assert.Throws<InvalidFileException>(() => new OnnxNetwork(weights, new OnnxOptions())).Message);
    }
}
