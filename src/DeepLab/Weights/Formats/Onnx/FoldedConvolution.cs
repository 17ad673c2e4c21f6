using DeepLab.Layers;
using DeepLab.Weights.Formats.Onnx.Schema;

namespace DeepLab.Weights.Formats.Onnx;

/// <summary>
/// A convolution of the graph: a kernel and a bias, with batch norm, one affine map per channel, multiplied in.
/// Computed in double and rounded once.
/// </summary>
/// <param name="Layer">The convolution and its batch norm or bias.</param>
internal sealed record FoldedConvolution(NetworkLayer Layer)
{
    private readonly IReadOnlyList<long> _shape = Layer.Kernel.Shape;

    /// <summary>The number of output channels.</summary>
    public int OutChannels => (int)_shape[0];

    /// <summary>The number of weights per output channel.</summary>
    public int Taps => checked((int)(_shape[1] * _shape[2] * _shape[3]));

    /// <summary>The side of the kernel.</summary>
    public long KernelSize => _shape[2];

    /// <summary>The kernel as the graph names it, without its values.</summary>
    public TensorProto Weight => new() { Dims = { _shape }, DataType = (int)TensorProto.Types.DataType.Float, Name = $"{NetworkLayout.Prefix}{Layer.Path}.weight" };

    /// <summary>The bias as the graph names it, without its values.</summary>
    public TensorProto Bias => new() { Dims = { _shape[0] }, DataType = (int)TensorProto.Types.DataType.Float, Name = $"{NetworkLayout.Prefix}{Layer.Path}.bias" };

    /// <summary>Reads and folds.</summary>
    /// <param name="weights">What to read from.</param>
    /// <param name="kernel">Takes the kernel, [out, in, height, width].</param>
    /// <param name="bias">Takes the bias, [out].</param>
    public void Read(NetworkWeights weights, Span<float> kernel, Span<float> bias)
    {
        weights.Read(Layer.Kernel, kernel);
        if (!Layer.HasBatchNorm)
        {
            weights.Read(Layer[TensorRole.Bias], bias);
            return;
        }

        float[] gamma = Channels(TensorRole.Gamma), beta = Channels(TensorRole.Beta), mean = Channels(TensorRole.Mean), variance = Channels(TensorRole.Variance);
        for (int o = 0; o < bias.Length; o++)
        {
            double scale = gamma[o] / Math.Sqrt(variance[o] + BatchNorm.Epsilon);
            foreach (ref float value in kernel.Slice(o * Taps, Taps)) value = (float)(value * scale);
            bias[o] = (float)(beta[o] - (mean[o] * scale));
        }

        float[] Channels(TensorRole role)
        {
            var values = new float[OutChannels];
            weights.Read(Layer[role], values);
            return values;
        }
    }
}
