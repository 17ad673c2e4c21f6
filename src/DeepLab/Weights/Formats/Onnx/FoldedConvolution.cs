using DeepLab.Layers;
using DeepLab.Weights.Formats.Onnx.Schema;

namespace DeepLab.Weights.Formats.Onnx;

/// <summary>
/// A convolution of the graph: its weights and a bias, with batch norm, an affine map a channel, multiplied in. Computed in double and rounded once.
/// </summary>
/// <param name="Name">Its path in weights files: <c>Scale.layer1.0.conv1</c>.</param>
/// <param name="BatchNorm">The path of its batch norm, or null for one that has a bias.</param>
/// <param name="Shape">The weights' sides: out, in, height, width.</param>
internal sealed record FoldedConvolution(string Name, string? BatchNorm, IReadOnlyList<long> Shape)
{
    public int OutChannels => (int)Shape[0];

    /// <summary>The weights of one output channel.</summary>
    public int Taps => checked((int)(Shape[1] * Shape[2] * Shape[3]));

    /// <summary>The weights as the graph names them, without their values.</summary>
    public TensorProto Weight => new() { Dims = { Shape }, DataType = (int)TensorProto.Types.DataType.Float, Name = $"{Name}.weight" };

    /// <summary>The bias as the graph names it, without its values.</summary>
    public TensorProto Bias => new() { Dims = { Shape[0] }, DataType = (int)TensorProto.Types.DataType.Float, Name = $"{Name}.bias" };

    /// <summary>Reads and folds.</summary>
    /// <param name="weights">Where the arrays come from.</param>
    /// <param name="kernel">Takes the weights, [out, in, height, width].</param>
    /// <param name="bias">Takes the bias, [out].</param>
    public void Read(INetworkWeights weights, Span<float> kernel, Span<float> bias)
    {
        weights.Read($"{Name}.weight", kernel);
        if (BatchNorm is null)
        {
            weights.Read($"{Name}.bias", bias);
            return;
        }

        float[] gamma = Channels("weight"), beta = Channels("bias"), mean = Channels("running_mean"), variance = Channels("running_var");
        for (int o = 0; o < bias.Length; o++)
        {
            double scale = gamma[o] / Math.Sqrt(variance[o] + Layers.BatchNorm.Epsilon);
            foreach (ref float value in kernel.Slice(o * Taps, Taps)) value = (float)(value * scale);
            bias[o] = (float)(beta[o] - (mean[o] * scale));
        }

        float[] Channels(string array)
        {
            var values = new float[OutChannels];
            weights.Read($"{BatchNorm}.{array}", values);
            return values;
        }
    }
}
