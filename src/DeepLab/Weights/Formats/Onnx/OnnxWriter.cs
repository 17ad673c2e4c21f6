using DeepLab.IO;
using DeepLab.Models;
using DeepLab.Weights.Formats.Onnx.Schema;
using Google.Protobuf;

namespace DeepLab.Weights.Formats.Onnx;

/// <summary>
/// Writes a network as an .onnx file, for ONNX Runtime and whatever else reads the format: operator set 13, float32.
/// Batch norm is folded into the convolutions; batch, height and width are free. Equal arguments give equal bytes.
/// </summary>
internal static class OnnxWriter
{
    /// <summary>
    /// Writes a file that replaces <paramref name="path"/> only once it is whole. Its input is <c>image</c> (see
    /// <see cref="OnnxOptions.FoldPreprocessing"/>), its output <c>scores</c>, [batch, classes, height, width] at the
    /// size of <see cref="Models.DeepLabResNet.ScoreSize"/>. Weights are read and written one convolution at a time.
    /// </summary>
    /// <param name="path">The file; its folder is made if needed.</param>
    /// <param name="weights">The network.</param>
    /// <param name="options">What the graph computes besides it.</param>
    /// <exception cref="InvalidFileException">The weights have no last layer.</exception>
    /// <exception cref="DeepLabException">The file cannot be written, or the weights cannot be read.</exception>
    public static void Write(string path, NetworkWeights weights, OnnxOptions options)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(options);
        var network = new OnnxNetwork(weights, options);
        AtomicFile.Write(path, stream => Write(stream, network, weights));
    }

    // The graph is one protobuf message of the model, and each tensor of the weights one of the graph. A message's
    // length precedes it, so lengths are added up first. The values then bypass protobuf's own objects, which would
    // hold all of them in memory, and go straight to the file.
    private static void Write(Stream stream, OnnxNetwork network, NetworkWeights weights)
    {
        IReadOnlyCollection<FoldedConvolution> convolutions = network.Convolutions;
        int length = checked(network.Graph.CalculateSize() + convolutions.Sum(c => LengthInGraph(c.Weight) + LengthInGraph(c.Bias)));
        using var output = new CodedOutputStream(stream, leaveOpen: true);
        network.Model.WriteTo(output);
        output.WriteTag(ModelProto.GraphFieldNumber, WireFormat.WireType.LengthDelimited);
        output.WriteLength(length);
        network.Graph.WriteTo(output);
        var kernels = new float[convolutions.Max(c => c.OutChannels * c.Taps)];
        var biases = new float[convolutions.Max(c => c.OutChannels)];
        foreach (FoldedConvolution convolution in convolutions)
        {
            Span<float> kernel = kernels.AsSpan(0, convolution.OutChannels * convolution.Taps), bias = biases.AsSpan(0, convolution.OutChannels);
            convolution.Read(weights, kernel, bias);
            WriteArray(output, stream, convolution.Weight, kernel);
            WriteArray(output, stream, convolution.Bias, bias);
        }
    }

    private static void WriteArray(CodedOutputStream output, Stream stream, TensorProto tensor, ReadOnlySpan<float> values)
    {
        output.WriteTag(GraphProto.InitializerFieldNumber, WireFormat.WireType.LengthDelimited);
        output.WriteLength(LengthWithData(tensor));
        tensor.WriteTo(output);
        output.WriteTag(TensorProto.RawDataFieldNumber, WireFormat.WireType.LengthDelimited);
        output.WriteLength(DataLength(tensor));
        output.Flush();
        FileBytes.WriteSingle(stream, values);
    }

    private static int LengthInGraph(TensorProto tensor)
    {
        int length = LengthWithData(tensor);
        return CodedOutputStream.ComputeTagSize(GraphProto.InitializerFieldNumber) + CodedOutputStream.ComputeLengthSize(length) + length;
    }

    private static int LengthWithData(TensorProto tensor)
    {
        int data = DataLength(tensor);
        return tensor.CalculateSize() + CodedOutputStream.ComputeTagSize(TensorProto.RawDataFieldNumber) + CodedOutputStream.ComputeLengthSize(data) + data;
    }

    private static int DataLength(TensorProto tensor) => checked((int)tensor.Dims.Aggregate((long)sizeof(float), (product, side) => product * side));
}
