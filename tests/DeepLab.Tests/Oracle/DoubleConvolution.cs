using DeepLab.Backends;
using DeepLab.Tensors;
using static DeepLab.Tests.Oracle.DoubleBackend;

namespace DeepLab.Tests.Oracle;

/// <summary>A convolution and its gradients, tap by tap.</summary>
internal sealed class DoubleConvolution(ConvolutionSpec spec, ConvolutionWeights weights, string name) : PreparedConvolution(spec, weights, name)
{
    public override void ReleasePrepacked()
    {
    }

    internal override void ForwardCore(
        Execution execution, Tensor x, Tensor y, bool accumulate, Tensor? shortcut, bool relu)
    {
        int ins = Spec.InChannels, outs = Spec.OutChannels;
        Span<double> source = Values(x), kernel = Values(Weights.Kernel), target = Values(y);
        var sums = new double[target.Length];
        foreach ((int from, int to, int tap) in Taps(Spec, x.Shape, y.Shape))
        {
            for (int i = 0; i < ins; i++)
            {
                double value = source[(from * ins) + i];
                if (value == 0) continue;
                for (int o = 0; o < outs; o++) sums[(to * outs) + o] += value * kernel[(((tap * ins) + i) * outs) + o];
            }
        }

        for (int k = 0; k < sums.Length; k++)
        {
            int o = k % outs;
            double value = sums[k];
            if (Weights.Scale is not null) value *= Values(Weights.Scale)[o];
            if (Weights.Shift is not null) value += Values(Weights.Shift)[o];
            if (accumulate) value += target[k];
            if (shortcut is not null) value += Values(shortcut)[k];
            target[k] = relu ? Math.Max(value, 0) : value;
        }
    }

    internal override void BackwardInputCore(
        Execution execution, Tensor dy, Tensor dx, bool accumulate, Tensor? mask)
    {
        int ins = Spec.InChannels, outs = Spec.OutChannels;
        Span<double> source = Values(dy), kernel = Values(Weights.Kernel), target = Values(dx);
        var sums = new double[target.Length];
        double[] scaled = Scaled(source, Weights.Scale, outs);
        foreach ((int to, int from, int tap) in Taps(Spec, dx.Shape, dy.Shape))
        {
            for (int i = 0; i < ins; i++)
            {
                double sum = 0;
                for (int o = 0; o < outs; o++) sum += scaled[(from * outs) + o] * kernel[(((tap * ins) + i) * outs) + o];
                sums[(to * ins) + i] += sum;
            }
        }

        for (int k = 0; k < sums.Length; k++)
        {
            double value = sums[k] + (accumulate ? target[k] : 0);
            target[k] = mask is null || Values(mask)[k] > 0 ? value : 0;
        }
    }

    internal override void BackwardWeightsCore(
        Execution execution, Tensor x, Tensor dy, Tensor kernelGradient, Tensor? biasGradient)
    {
        int ins = Spec.InChannels, outs = Spec.OutChannels;
        Span<double> input = Values(x), gradient = Values(dy), target = Values(kernelGradient);
        double[] scaled = Scaled(gradient, Weights.Scale, outs);
        foreach ((int from, int to, int tap) in Taps(Spec, x.Shape, dy.Shape))
        {
            for (int i = 0; i < ins; i++)
            {
                double value = input[(from * ins) + i];
                if (value == 0) continue;
                for (int o = 0; o < outs; o++) target[(((tap * ins) + i) * outs) + o] += value * scaled[(to * outs) + o];
            }
        }

        if (biasGradient is null) return;
        Span<double> bias = Values(biasGradient);
        for (int k = 0; k < gradient.Length; k++) bias[k % outs] += gradient[k];
    }

    private static double[] Scaled(ReadOnlySpan<double> values, Tensor? scale, int channels)
    {
        double[] scaled = values.ToArray();
        if (scale is null) return scaled;
        for (int k = 0; k < scaled.Length; k++) scaled[k] *= Values(scale)[k % channels];
        return scaled;
    }

    /// <summary>Each input row that an output row reads, and through which tap.</summary>
    private static IEnumerable<(int Input, int Output, int Tap)> Taps(ConvolutionSpec g, RaggedShape input, RaggedShape output)
    {
        for (int map = 0; map < input.Maps.Length; map++)
        {
            MapSize from = input.Maps[map], to = output.Maps[map];
            for (int y = 0; y < to.Height; y++)
            {
                for (int x = 0; x < to.Width; x++)
                {
                    for (int tap = 0; tap < g.KernelSize * g.KernelSize; tap++)
                    {
                        int sourceY = (y * g.Stride) + (tap / g.KernelSize * g.Dilation) - g.Padding;
                        int sourceX = (x * g.Stride) + (tap % g.KernelSize * g.Dilation) - g.Padding;
                        if (sourceY < 0 || sourceY >= from.Height || sourceX < 0 || sourceX >= from.Width) continue;
                        yield return (input.FirstRow(map) + (sourceY * from.Width) + sourceX, output.FirstRow(map) + (y * to.Width) + x, tap);
                    }
                }
            }
        }
    }
}
