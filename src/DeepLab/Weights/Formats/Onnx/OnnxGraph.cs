using DeepLab.Tensors;
using DeepLab.Weights.Formats.Onnx.Schema;
using Google.Protobuf;
using AttributeType = DeepLab.Weights.Formats.Onnx.Schema.AttributeProto.Types.AttributeType;
using DataType = DeepLab.Weights.Formats.Onnx.Schema.TensorProto.Types.DataType;
using Dimension = DeepLab.Weights.Formats.Onnx.Schema.TensorShapeProto.Types.Dimension;

namespace DeepLab.Weights.Formats.Onnx;

/// <summary>
/// Builds a graph node by node. A node has one output, which is named as the node; that name is what the methods return
/// and later nodes take.
/// </summary>
internal sealed class OnnxGraph(string name)
{
    /// <summary>What has been built.</summary>
    public GraphProto Proto { get; } = new() { Name = name };

    /// <summary>Adds an operator.</summary>
    /// <param name="name">Its name and its output's, unique in the graph.</param>
    /// <param name="type">The operator: <c>Relu</c>.</param>
    /// <param name="inputs">The names of values; an empty one stands for an optional input that is left out.</param>
    /// <param name="attributes">Its attributes.</param>
    public string Node(string name, string type, IEnumerable<string> inputs, params IEnumerable<AttributeProto> attributes)
    {
        Proto.Node.Add(new NodeProto { Name = name, OpType = type, Input = { inputs }, Output = { name }, Attribute = { attributes } });
        return name;
    }

    /// <summary>Adds a constant vector of integers.</summary>
    public string Constant(string name, params ReadOnlySpan<long> values)
    {
        var tensor = new TensorProto { Name = name, DataType = (int)DataType.Int64, Dims = { values.Length } };
        foreach (long value in values) tensor.Int64Data.Add(value);
        Proto.Initializer.Add(tensor);
        return name;
    }

    /// <summary>Adds one constant per channel, [1, channels, 1, 1].</summary>
    public string Channels(string name, IReadOnlyCollection<float> values)
    {
        Proto.Initializer.Add(new TensorProto { Name = name, DataType = (int)DataType.Float, Dims = { 1, values.Count, 1, 1 }, FloatData = { values } });
        return name;
    }

    /// <summary>Adds an input of the graph.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">The type of its elements.</param>
    /// <param name="description">What it holds, for people.</param>
    /// <param name="sides">Its sides, the slowest first.</param>
    public string Input(string name, DataType type, string description, params IEnumerable<Dimension> sides)
    {
        Proto.Input.Add(Value(name, type, description, sides));
        return name;
    }

    /// <summary>Declares the output of a node to be an output of the graph.</summary>
    /// <inheritdoc cref="Input"/>
    public void Output(string name, DataType type, string description, params IEnumerable<Dimension> sides) =>
        Proto.Output.Add(Value(name, type, description, sides));

    /// <summary>An attribute that is an integer.</summary>
    public static AttributeProto Integer(string name, long value) => new() { Name = name, Type = AttributeType.Int, I = value };

    /// <summary>An attribute that is a list of integers.</summary>
    public static AttributeProto Integers(string name, params IEnumerable<long> values) => new() { Name = name, Type = AttributeType.Ints, Ints = { values } };

    /// <summary>An attribute that is a word.</summary>
    public static AttributeProto Word(string name, string value) => new() { Name = name, Type = AttributeType.String, S = ByteString.CopyFromUtf8(value) };

    /// <summary>A side of a known length.</summary>
    public static Dimension Side(int length) => new() { DimValue = length };

    /// <summary>A side whose length is known only when the graph runs.</summary>
    public static Dimension Side(string name) => new() { DimParam = name };

    private static ValueInfoProto Value(string name, DataType type, string description, IEnumerable<Dimension> sides) => new()
    {
        Name = name,
        DocString = description,
        Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)type, Shape = new TensorShapeProto { Dim = { sides } } } },
    };
}
