using System.Globalization;
using DeepLab.Models;
using DeepLab.Weights.Formats.Onnx.Schema;
using static DeepLab.Weights.Formats.Onnx.OnnxGraph;
using DataType = DeepLab.Weights.Formats.Onnx.Schema.TensorProto.Types.DataType;

namespace DeepLab.Weights.Formats.Onnx;

/// <summary>
/// DeepLab-ResNet as an ONNX graph, without the values of its weights. Batch, height and width are known only when it
/// runs.
/// </summary>
internal sealed class OnnxNetwork
{
    /// <summary>
    /// The operators' version: the first that has everything the graph needs, for the sake of old runtimes.
    /// </summary>
    private const int OperatorSet = 13;

    /// <summary>The format's version that came with those operators.</summary>
    private const int FormatVersion = 7;

    private const string Image = "image", Scores = "scores";

    private readonly DeepLabConfiguration _configuration;
    private readonly NetworkLayout _layout;
    private readonly OnnxGraph _graph;
    private readonly OrderedDictionary<LayerPlace, FoldedConvolution> _convolutions = [];

    /// <summary>Builds the graph.</summary>
    /// <exception cref="InvalidFileException">The weights have no last layer.</exception>
    public OnnxNetwork(NetworkWeights weights, OnnxOptions options)
    {
        weights.RequireHead();
        _configuration = weights.Configuration;
        _layout = weights.Layout;
        _graph = new OnnxGraph($"deeplab-resnet-{_configuration.Depth}");
        string image = options.FoldPreprocessing ? Prepare() : PreparedInput();
        if (options.ThreeScales) ThreeScales(image);
        else Network(image, "", Scores);
        _graph.Output(
            Scores, DataType.Float, "class scores at an eighth of the image's size; the prediction is the arg-max once they are resized to the image, bilinear on the aligned-corners grid",
            Side("batch"), Side(_configuration.Classes), Side("score_height"), Side("score_width"));
        Model = Describe(weights, options);
    }

    /// <summary>The model without its graph.</summary>
    public ModelProto Model { get; }

    /// <summary>The graph without the weights of its convolutions.</summary>
    public GraphProto Graph => _graph.Proto;

    /// <summary>The convolutions, each once however many scales share it, in the order of the network.</summary>
    public IReadOnlyCollection<FoldedConvolution> Convolutions => _convolutions.Values;

    /// <summary>
    /// The maximum of the scores at all scales (see <see cref="NetworkScale"/>). The smaller sides, ⌊n·q/4⌋ + 1 for q
    /// quarters, are computed in the graph, in integers.
    /// </summary>
    private void ThreeScales(string image)
    {
        string zero = _graph.Constant("scales.0", 0), one = _graph.Constant("scales.1", 1);
        string[] constants = [zero, one, _graph.Constant("scales.2", 2), _graph.Constant("scales.3", 3), _graph.Constant("scales.4", 4)];
        (string two, string four) = (constants[2], constants[4]);
        string shape = _graph.Node("scales.shape", "Shape", [image]);
        string maps = _graph.Node("scales.maps", "Slice", [shape, zero, two]), sides = _graph.Node("scales.sides", "Slice", [shape, two, four]);

        string full = Network(image, "", "scores/1");
        string scoreShape = _graph.Node("scores.shape", "Shape", [full]);
        _graph.Node(Scores, "Max", [full, .. NetworkScale.DeepLab.Skip(1).Select(s => Smaller("/" + s.Digits, constants[(int)(4 * s.Factor)]))]);

        string Smaller(string scale, string quarters)
        {
            string product = _graph.Node($"scales.product{scale}", "Mul", [sides, quarters]);
            string floor = _graph.Node($"scales.floor{scale}", "Div", [product, four]);
            string smaller = _graph.Node($"scales.sides{scale}", "Add", [floor, one]);
            string size = _graph.Node($"scales.shape{scale}", "Concat", [maps, smaller], Integer("axis", 0));
            string scores = Network(Resize($"image{scale}", image, size), scale, $"layer5{scale}");
            return Resize($"scores{scale}", scores, scoreShape);
        }
    }

    /// <summary>
    /// One scale: ResNet at output stride 8 and the four atrous convolutions (see <see cref="ResNet"/>).
    /// </summary>
    private string Network(string image, string scale, string output)
    {
        string x = Relu($"conv1.relu{scale}", Convolution(LayerPlace.Stem, image, scale, stride: 2));
        x = _graph.Node(
            $"pool1{scale}", "MaxPool", [x], Integers("kernel_shape", 3, 3), Integers("strides", 2, 2), Integers("pads", 1, 1, 1, 1),
            Integer("ceil_mode", 1));
        x = Stage(1, x, scale, stride: 1, dilation: 1);
        x = Stage(2, x, scale, stride: 2, dilation: 1);
        x = Stage(3, x, scale, stride: 1, dilation: 2);
        x = Stage(4, x, scale, stride: 1, dilation: 4);
        int[] dilations = [6, 12, 18, 24];
        string[] branches = [.. dilations.Select((d, i) => Convolution(LayerPlace.Aspp(i), x, scale, dilation: d))];
        return _graph.Node(output, "Sum", branches);
    }

    private string Stage(int stage, string x, string scale, int stride, int dilation)
    {
        for (int block = 0; block < _configuration.BlocksPerStage[stage - 1]; block++) x = Block(stage, block, x, scale, block == 0 ? stride : 1, dilation);
        return x;
    }

    private string Block(int stage, int block, string x, string scale, int stride, int dilation)
    {
        string name = $"layer{stage}.{block}", branch;
        LayerPlace first = LayerPlace.Branch(stage, block, 0), second = LayerPlace.Branch(stage, block, 1);
        if (_configuration.HasBottlenecks)
        {
            bool late = _configuration.StrideOn3x3;
            branch = Relu($"{name}.conv1.relu{scale}", Convolution(first, x, scale, late ? 1 : stride));
            branch = Relu($"{name}.conv2.relu{scale}", Convolution(second, branch, scale, late ? stride : 1, dilation));
            branch = Convolution(LayerPlace.Branch(stage, block, 2), branch, scale);
        }
        else
        {
            branch = Relu($"{name}.conv1.relu{scale}", Convolution(first, x, scale, stride, dilation));
            branch = Convolution(second, branch, scale, dilation: dilation);
        }

        LayerPlace projection = LayerPlace.Shortcut(stage, block);
        string shortcut = _layout.Find(projection) is null ? x : Convolution(projection, x, scale, stride);
        return Relu($"{name}.relu{scale}", _graph.Node($"{name}.add{scale}", "Add", [branch, shortcut]));
    }

    /// <summary>
    /// A convolution with its batch norm folded in; padded so that a stride of 1 keeps the size. A 1×1 kernel ignores
    /// dilation.
    /// </summary>
    private string Convolution(LayerPlace place, string x, string scale, int stride = 1, int dilation = 1)
    {
        if (!_convolutions.TryGetValue(place, out FoldedConvolution? convolution))
            _convolutions.Add(place, convolution = new FoldedConvolution(_layout.Find(place)!));
        long kernel = convolution.KernelSize, padding = dilation * (kernel / 2);
        return _graph.Node(
            convolution.Layer.Path + scale, "Conv", [x, convolution.Weight.Name, convolution.Bias.Name],
            Integers("kernel_shape", kernel, kernel),
            Integers("strides", stride, stride),
            Integers("dilations", dilation, dilation),
            Integers("pads", padding, padding, padding, padding));
    }

    private string Relu(string name, string x) => _graph.Node(name, "Relu", [x]);

    private string Resize(string name, string x, string shape) => _graph.Node(
        name, "Resize", [x, "", "", shape], Word("mode", "linear"), Word("coordinate_transformation_mode", "align_corners"));

    private string PreparedInput()
    {
        string order = string.Join(", ", _configuration.Preprocessing.ChannelOrder.ToCharArray());
        return _graph.Input(
            Image, DataType.Float, $"channels {order}: (value - mean) / deviation, of values from 0 to 255, with the metadata's mean and deviation; zero where an image is padded",
            Side("batch"), Side(3), Side("height"), Side("width"));
    }

    private string Prepare()
    {
        Preprocessing preprocessing = _configuration.Preprocessing;
        string pixels = _graph.Input(Image, DataType.Uint8, "pixels, red, green, blue", Side("batch"), Side("height"), Side("width"), Side(3));
        string x = _graph.Node("input.float", "Cast", [pixels], Integer("to", (int)DataType.Float));
        x = _graph.Node("input.planes", "Transpose", [x], Integers("perm", 0, 3, 1, 2));
        if (preprocessing.ChannelOrder == "BGR")
            x = _graph.Node("input.bgr", "Gather", [x, _graph.Constant("input.order", 2, 1, 0)], Integer("axis", 1));
        x = _graph.Node("input.centred", "Sub", [x, _graph.Channels("input.mean", preprocessing.Mean)]);
        return preprocessing.StandardDeviation.All(d => d == 1) ? x : _graph.Node("input.scaled", "Div", [x, _graph.Channels("input.deviation", preprocessing.StandardDeviation)]);
    }

    private ModelProto Describe(NetworkWeights weights, OnnxOptions options)
    {
        string scales = options.ThreeScales ? "three scales, fused by their maximum" : "one scale";
        var model = new ModelProto
        {
            IrVersion = FormatVersion,
            ProducerName = "DeepLab for .NET",
            ProducerVersion = typeof(OnnxNetwork).Assembly.GetName().Version!.ToString(3),
            DocString = $"DeepLab-ResNet-{_configuration.Depth} (DeepLab v2, arXiv:1606.00915), {_configuration.Classes} classes, {scales}",
            OpsetImport = { new OperatorSetIdProto { Domain = "", Version = OperatorSet } },
        };
        foreach ((string key, string value) in NetworkMetadata.Of(weights)) Add(key, value);
        Add("scales", string.Join(' ', (options.ThreeScales ? NetworkScale.DeepLab : NetworkScale.One).Select(s => s.Factor.ToString(CultureInfo.InvariantCulture))));
        Add("input", options.FoldPreprocessing ? "pixels" : "preprocessed");
        return model;

        void Add(string key, string value) => model.MetadataProps.Add(new StringStringEntryProto { Key = key, Value = value });
    }
}
