using DeepLab.Backends;
using DeepLab.Tensors;
using static DeepLab.Tests.Oracle.DoubleBackend;

namespace DeepLab.Tests.Oracle;

/// <summary>
/// The operations other than convolutions: pooling, resizing, the maximum, the loss, the optimizer, reductions.
/// </summary>
internal sealed class DoubleExecution(DoubleBackend backend, ExecutionOptions? options) : Execution(backend, options)
{
    private protected override void UploadCore(ReadOnlySpan<float> source, Tensor target) => backend.Upload(source, target);

    private protected override void DownloadCore(Tensor source, Span<float> target) => backend.Download(source, target);

    private protected override void UploadCore(ReadOnlySpan<byte> source, LabelBuffer target) => source.CopyTo(((DoubleLabels)target).Values);

    private protected override void ReadCore(ScalarBuffer source, Span<double> target) => ((DoubleScalars)source).Values.AsSpan(0, target.Length).CopyTo(target);

    private protected override void ClearCore(Tensor target) => Values(target).Clear();

    private protected override void MaxPoolForwardCore(in PoolingGeometry geometry, Tensor x, Tensor y)
    {
        Span<double> source = Values(x), target = Values(y);
        int channels = x.Shape.Channels;
        foreach ((int output, List<int> window) in Windows(geometry, x.Shape, y.Shape))
        {
            for (int c = 0; c < channels; c++) target[(output * channels) + c] = source[(FirstLargest(source, window, channels, c) * channels) + c];
        }
    }

    private protected override void MaxPoolBackwardCore(in PoolingGeometry geometry, Tensor x, Tensor y, Tensor dy, Tensor dx, bool mask)
    {
        Span<double> source = Values(x), gradient = Values(dy), target = Values(dx);
        int channels = x.Shape.Channels;
        target.Clear();
        foreach ((int output, List<int> window) in Windows(geometry, x.Shape, y.Shape))
        {
            for (int c = 0; c < channels; c++)
            {
                int winner = (FirstLargest(source, window, channels, c) * channels) + c;
                if (!mask || source[winner] > 0) target[winner] += gradient[(output * channels) + c];
            }
        }
    }

    private protected override void ResizeForwardCore(Tensor x, Tensor y)
    {
        Values(y).Clear();
        int channels = x.Shape.Channels;
        foreach ((int input, int output, double weight) in Blends(x.Shape, y.Shape))
        {
            for (int c = 0; c < channels; c++) Values(y)[(output * channels) + c] += weight * Values(x)[(input * channels) + c];
        }
    }

    private protected override void ResizeBackwardCore(Tensor dy, Tensor dx, bool accumulate)
    {
        if (!accumulate) Values(dx).Clear();
        int channels = dx.Shape.Channels;
        foreach ((int input, int output, double weight) in Blends(dx.Shape, dy.Shape))
        {
            for (int c = 0; c < channels; c++) Values(dx)[(input * channels) + c] += weight * Values(dy)[(output * channels) + c];
        }
    }

    private protected override void MaximumForwardCore(ReadOnlySpan<Tensor> inputs, Tensor y)
    {
        for (int i = 0; i < y.Shape.Length; i++) Values(y)[i] = Values(inputs[FirstLargest(inputs, i)])[i];
    }

    private protected override void MaximumBackwardCore(ReadOnlySpan<Tensor> inputs, Tensor dy, ReadOnlySpan<Tensor> gradients)
    {
        for (int i = 0; i < dy.Shape.Length; i++) Values(gradients[FirstLargest(inputs, i)])[i] += Values(dy)[i];
    }

    private protected override void SoftmaxCrossEntropyCore(
        Tensor scores, LabelBuffer labels, int firstLabel, float gradientScale, Tensor? gradient, ScalarBuffer losses, int loss)
    {
        int classes = scores.Shape.Channels;
        double sum = 0;
        if (gradient is not null) Values(gradient).Clear();
        for (int row = 0; row < scores.Shape.Rows; row++)
        {
            int label = ((DoubleLabels)labels).Values[firstLabel + row];
            if (label >= classes) continue;
            ReadOnlySpan<double> s = Values(scores).Slice(row * classes, classes);
            double largest = double.NegativeInfinity, total = 0;
            foreach (double value in s) largest = Math.Max(largest, value);
            foreach (double value in s) total += Math.Exp(value - largest);
            sum -= s[label] - largest - Math.Log(total);
            if (gradient is null) continue;
            for (int c = 0; c < classes; c++)
            {
                double probability = Math.Exp(s[c] - largest) / total;
                Values(gradient)[(row * classes) + c] = (probability - (c == label ? 1 : 0)) * gradientScale;
            }
        }

        ((DoubleScalars)losses).Values[loss] = sum;
    }

    private protected override void SgdUpdateCore(Tensor weights, Tensor gradient, Tensor velocity, in SgdSettings settings)
    {
        Span<double> w = Values(weights), g = Values(gradient), v = Values(velocity);
        for (int i = 0; i < w.Length; i++)
        {
            double step = ((double)settings.GradientScale * g[i]) + ((double)settings.Decay * w[i]);
            v[i] = ((double)settings.Momentum * v[i]) + (settings.LearningRate * step);
            w[i] -= v[i];
            g[i] = 0;
        }
    }

    private protected override void SumOfSquaresCore(Tensor x, ScalarBuffer sums, int index)
    {
        double sum = 0;
        foreach (double value in Values(x)) sum += value * value;
        ((DoubleScalars)sums).Values[index] = sum;
    }

    private protected override void ChannelMomentsCore(Tensor x, Span<double> sum, Span<double> sumOfSquares)
    {
        Span<double> values = Values(x);
        for (int k = 0; k < values.Length; k++)
        {
            sum[k % sum.Length] += values[k];
            sumOfSquares[k % sum.Length] += values[k] * values[k];
        }
    }

    private protected override void AffineCore(Tensor x, Tensor scale, Tensor shift, Tensor? shortcut, bool relu, Tensor y)
    {
        int channels = x.Shape.Channels;
        for (int k = 0; k < x.Shape.Length; k++)
        {
            double value = (Values(x)[k] * Values(scale)[k % channels]) + Values(shift)[k % channels];
            if (shortcut is not null) value += Values(shortcut)[k];
            Values(y)[k] = relu ? Math.Max(value, 0) : value;
        }
    }

    private static int FirstLargest(ReadOnlySpan<Tensor> inputs, int index)
    {
        int best = 0;
        for (int k = 1; k < inputs.Length; k++) best = Values(inputs[k])[index] > Values(inputs[best])[index] ? k : best;
        return best;
    }

    private static int FirstLargest(ReadOnlySpan<double> source, List<int> window, int channels, int channel)
    {
        int best = window[0];
        foreach (int row in window)
        {
            if (source[(row * channels) + channel] > source[(best * channels) + channel]) best = row;
        }

        return best;
    }

    /// <summary>The input rows of each output row's window, from left to right and top to bottom.</summary>
    private static IEnumerable<(int Output, List<int> Window)> Windows(PoolingGeometry g, RaggedShape input, RaggedShape output)
    {
        for (int map = 0; map < input.Maps.Length; map++)
        {
            MapSize from = input.Maps[map], to = output.Maps[map];
            for (int pixel = 0; pixel < to.Pixels; pixel++)
            {
                int top = (pixel / to.Width * g.Stride) - g.Padding, left = (pixel % to.Width * g.Stride) - g.Padding;
                var window = new List<int>();
                for (int y = top; y < top + g.KernelSize; y++)
                {
                    for (int x = left; x < left + g.KernelSize; x++)
                    {
                        if (y >= 0 && y < from.Height && x >= 0 && x < from.Width) window.Add(input.FirstRow(map) + (y * from.Width) + x);
                    }
                }

                yield return (output.FirstRow(map) + pixel, window);
            }
        }
    }

    /// <summary>Which input rows an output row blends, and how much of each: at most four that are not zero.</summary>
    private static IEnumerable<(int Input, int Output, double Weight)> Blends(RaggedShape input, RaggedShape output)
    {
        for (int map = 0; map < input.Maps.Length; map++)
        {
            MapSize from = input.Maps[map], to = output.Maps[map];
            for (int pixel = 0; pixel < to.Pixels; pixel++)
            {
                double y = Position(pixel / to.Width, from.Height, to.Height), x = Position(pixel % to.Width, from.Width, to.Width);
                for (int sourceY = (int)y; sourceY < Math.Min((int)y + 2, from.Height); sourceY++)
                {
                    for (int sourceX = (int)x; sourceX < Math.Min((int)x + 2, from.Width); sourceX++)
                    {
                        double weight = (1 - Math.Abs(y - sourceY)) * (1 - Math.Abs(x - sourceX));
                        yield return (input.FirstRow(map) + (sourceY * from.Width) + sourceX, output.FirstRow(map) + pixel, weight);
                    }
                }
            }
        }
    }

    // The first and last samples of both grids coincide. The product comes first: it is exact, so whole positions stay
    // whole.
    private static double Position(int index, int inputs, int outputs) => outputs == 1 ? 0 : index * (double)(inputs - 1) / (outputs - 1);

    private protected override void Dispose(bool disposing)
    {
    }
}
