using DeepLab.Backends;
using DeepLab.Tensors;

namespace DeepLab.Tests.Oracle;

/// <summary>
/// The operations in double precision, as plain loops straight from their definitions: slow, and easy to believe. Other backends are
/// compared with it. It shares no code with them.
/// </summary>
internal sealed partial class DoubleBackend : Backend
{
    public override string Description => "double oracle";

    /// <summary>The values of a tensor, to read and to write.</summary>
    public static Span<double> Values(Tensor tensor) =>
        ((DoubleBuffer)tensor.Buffer).Values.AsSpan((int)tensor.Offset, (int)tensor.Shape.Length);

    public override DeviceBuffer Allocate(long length) => new DoubleBuffer(length);

    public override void Upload(ReadOnlySpan<float> source, Tensor target)
    {
        Span<double> to = Values(target);
        Assert(source.Length == to.Length);
        for (int i = 0; i < to.Length; i++) to[i] = source[i];
    }

    public override void Download(Tensor source, Span<float> target)
    {
        Span<double> from = Values(source);
        Assert(target.Length == from.Length);
        for (int i = 0; i < from.Length; i++) target[i] = (float)from[i];
    }

    public override void Clear(Tensor target) => Values(target).Clear();

    public override void ConvolutionForward(
        in ConvolutionGeometry geometry, Tensor x, ConvolutionWeights weights, Tensor y, bool accumulate, Tensor? shortcut, bool relu)
    {
        int ins = geometry.InChannels, outs = geometry.OutChannels;
        Span<double> source = Values(x), kernel = Values(weights.Weights), target = Values(y);
        var sums = new double[target.Length];
        foreach ((int from, int to, int tap) in Taps(geometry, x.Shape, y.Shape))
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
            if (weights.Scale is not null) value *= Values(weights.Scale)[o];
            if (weights.Shift is not null) value += Values(weights.Shift)[o];
            if (accumulate) value += target[k];
            if (shortcut is not null) value += Values(shortcut)[k];
            target[k] = relu ? Math.Max(value, 0) : value;
        }
    }

    public override void ConvolutionBackwardInput(
        in ConvolutionGeometry geometry, Tensor dy, ConvolutionWeights weights, Tensor dx, bool accumulate, Tensor? mask)
    {
        int ins = geometry.InChannels, outs = geometry.OutChannels;
        Span<double> source = Values(dy), kernel = Values(weights.Weights), target = Values(dx);
        var sums = new double[target.Length];
        double[] scaled = Scaled(source, weights.Scale, outs);
        foreach ((int to, int from, int tap) in Taps(geometry, dx.Shape, dy.Shape))
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

    public override void ConvolutionBackwardWeights(
        in ConvolutionGeometry geometry, Tensor x, Tensor dy, Tensor? scale, Tensor weightGradient, Tensor? biasGradient)
    {
        int ins = geometry.InChannels, outs = geometry.OutChannels;
        Span<double> input = Values(x), gradient = Values(dy), target = Values(weightGradient);
        double[] scaled = Scaled(gradient, scale, outs);
        foreach ((int from, int to, int tap) in Taps(geometry, x.Shape, dy.Shape))
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

    public override double SoftmaxCrossEntropy(Tensor scores, ReadOnlySpan<byte> labels, float gradientScale, Tensor? gradient)
    {
        int classes = scores.Shape.Channels;
        double loss = 0;
        if (gradient is not null) Clear(gradient);
        for (int row = 0; row < scores.Shape.Rows; row++)
        {
            int label = labels[row];
            if (label >= classes) continue;
            ReadOnlySpan<double> s = Values(scores).Slice(row * classes, classes);
            double largest = double.NegativeInfinity, total = 0;
            foreach (double value in s) largest = Math.Max(largest, value);
            foreach (double value in s) total += Math.Exp(value - largest);
            loss -= s[label] - largest - Math.Log(total);
            if (gradient is null) continue;
            for (int c = 0; c < classes; c++)
            {
                double probability = Math.Exp(s[c] - largest) / total;
                Values(gradient)[(row * classes) + c] = (probability - (c == label ? 1 : 0)) * gradientScale;
            }
        }

        return loss;
    }

    public override void SgdUpdate(Tensor weights, Tensor gradient, Tensor velocity, in SgdSettings settings)
    {
        Span<double> w = Values(weights), g = Values(gradient), v = Values(velocity);
        for (int i = 0; i < w.Length; i++)
        {
            double step = ((double)settings.GradientScale * g[i]) + ((double)settings.Decay * w[i]);
            v[i] = ((double)settings.Momentum * v[i]) + (settings.Rate * step);
            w[i] -= v[i];
            g[i] = 0;
        }
    }

    public override double SumOfSquares(Tensor x)
    {
        double sum = 0;
        foreach (double value in Values(x)) sum += value * value;
        return sum;
    }

    public override void ChannelMoments(Tensor x, Span<double> sum, Span<double> sumOfSquares)
    {
        Span<double> values = Values(x);
        for (int k = 0; k < values.Length; k++)
        {
            sum[k % sum.Length] += values[k];
            sumOfSquares[k % sum.Length] += values[k] * values[k];
        }
    }

    public override void Affine(Tensor x, Tensor scale, Tensor shift, Tensor? shortcut, bool relu, Tensor y)
    {
        int channels = x.Shape.Channels;
        for (int k = 0; k < x.Shape.Length; k++)
        {
            double value = (Values(x)[k] * Values(scale)[k % channels]) + Values(shift)[k % channels];
            if (shortcut is not null) value += Values(shortcut)[k];
            Values(y)[k] = relu ? Math.Max(value, 0) : value;
        }
    }

    private static void Assert(bool condition)
    {
        if (!condition) throw new ArgumentException("The lengths differ.");
    }

    private static double[] Scaled(ReadOnlySpan<double> values, Tensor? scale, int channels)
    {
        double[] scaled = values.ToArray();
        if (scale is null) return scaled;
        for (int k = 0; k < scaled.Length; k++) scaled[k] *= Values(scale)[k % channels];
        return scaled;
    }

    /// <summary>Each input row that an output row reads, and through which tap.</summary>
    private static IEnumerable<(int Input, int Output, int Tap)> Taps(ConvolutionGeometry g, RaggedShape input, RaggedShape output)
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
