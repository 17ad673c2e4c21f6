namespace DeepLab.Tests;

/// <summary>
/// The weights of the golden network cases, by the formulas in the header of <c>tests/reference/make_golden.py</c>:
/// PyTorch names (<c>Scale.conv1.weight</c>) and layouts (OIHW).
/// </summary>
internal static class GoldenWeights
{
    /// <summary>A parameter or statistic of the network.</summary>
    public sealed record Tensor(long[] Shape, float[] Data);

    /// <summary>
    /// Every parameter and statistic of a network, in the order of PyTorch's state_dict (weight, bias, mean, variance).
    /// </summary>
    public static IReadOnlyDictionary<string, Tensor> StateDict(int depth, int classes)
    {
        var state = new Builder($"resnet{depth}-{classes}");
        bool bottlenecks = depth >= 50;
        int[] blocks = BlocksPerStage(depth);
        state.Convolution("Scale.conv1", 64, 3, 7);
        state.BatchNorm("Scale.bn1", 64, 312.5);
        int input = 64;
        for (int stage = 0; stage < 4; stage++)
        {
            int planes = 64 << stage, output = bottlenecks ? 4 * planes : planes;
            for (int k = 0; k < blocks[stage]; k++)
            {
                string block = $"Scale.layer{stage + 1}.{k}";
                if (bottlenecks)
                {
                    state.ConvolutionWithBatchNorm($"{block}.conv1", $"{block}.bn1", planes, input, 1);
                    state.ConvolutionWithBatchNorm($"{block}.conv2", $"{block}.bn2", planes, planes, 3);
                    state.ConvolutionWithBatchNorm($"{block}.conv3", $"{block}.bn3", output, planes, 1, gain: 0.3);
                }
                else
                {
                    state.ConvolutionWithBatchNorm($"{block}.conv1", $"{block}.bn1", planes, input, 3);
                    state.ConvolutionWithBatchNorm($"{block}.conv2", $"{block}.bn2", planes, planes, 3, gain: 0.3);
                }

                if (k == 0 && (stage > 0 || input != output))
                    state.ConvolutionWithBatchNorm($"{block}.downsample.0", $"{block}.downsample.1", output, input, 1);
                input = output;
            }
        }

        for (int i = 0; i < 4; i++)
        {
            state.Add($"Scale.layer5.conv2d_list.{i}.weight", [classes, input, 3, 3], u => 0.05 * u);
            state.Add($"Scale.layer5.conv2d_list.{i}.bias", [classes], u => 0.1 * u);
        }

        return state.Tensors;
    }

    /// <summary>The number of blocks in each of the four stages.</summary>
    public static int[] BlocksPerStage(int depth) => depth switch
    {
        18 => [2, 2, 2, 2],
        34 or 50 => [3, 4, 6, 3],
        101 => [3, 4, 23, 3],
        152 => [3, 8, 36, 3],
        _ => throw new ArgumentOutOfRangeException(nameof(depth)),
    };

    private sealed class Builder(string caseName)
    {
        public Dictionary<string, Tensor> Tensors { get; } = [];

        public void Add(string name, long[] shape, Func<double, double> transform)
        {
            long count = shape.Aggregate(1L, (product, side) => product * side);
            Tensors.Add(name, new Tensor(shape, HashUniform.Values(caseName, name, (int)count, transform)));
        }

        public void Convolution(string name, int output, int input, int kernel)
        {
            double factor = Math.Sqrt(6.0 / (output * kernel * kernel));
            Add($"{name}.weight", [output, input, kernel, kernel], u => factor * u);
        }

        public void BatchNorm(string name, int channels, double variance, double gain = 1)
        {
            Add($"{name}.weight", [channels], u => gain * (1 + (0.2 * u)));
            Add($"{name}.bias", [channels], u => 0.1 * u);
            Add($"{name}.running_mean", [channels], u => 0.1 * u);
            Add($"{name}.running_var", [channels], u => variance * (1 + (0.3 * u)));
        }

        public void ConvolutionWithBatchNorm(string convolution, string batchNorm, int output, int input, int kernel, double gain = 1)
        {
            Convolution(convolution, output, input, kernel);
            BatchNorm(batchNorm, output, 2.0 * input / output, gain);
        }
    }
}
