using DeepLab.Backends;
using DeepLab.Tensors;

namespace DeepLab.Tests.Oracle;

// Pooling, resizing and the maximum.
internal sealed partial class DoubleBackend
{
    public override void MaxPoolForward(in PoolingGeometry geometry, Tensor x, Tensor y)
    {
        Span<double> source = Values(x), target = Values(y);
        int channels = x.Shape.Channels;
        foreach ((int output, List<int> window) in Windows(geometry, x.Shape, y.Shape))
        {
            for (int c = 0; c < channels; c++) target[(output * channels) + c] = source[(FirstLargest(source, window, channels, c) * channels) + c];
        }
    }

    public override void MaxPoolBackward(in PoolingGeometry geometry, Tensor x, Tensor y, Tensor dy, Tensor dx, bool mask)
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

    public override void ResizeForward(Tensor x, Tensor y)
    {
        Clear(y);
        int channels = x.Shape.Channels;
        foreach ((int input, int output, double weight) in Blends(x.Shape, y.Shape))
        {
            for (int c = 0; c < channels; c++) Values(y)[(output * channels) + c] += weight * Values(x)[(input * channels) + c];
        }
    }

    public override void ResizeBackward(Tensor dy, Tensor dx, bool accumulate)
    {
        if (!accumulate) Clear(dx);
        int channels = dx.Shape.Channels;
        foreach ((int input, int output, double weight) in Blends(dx.Shape, dy.Shape))
        {
            for (int c = 0; c < channels; c++) Values(dx)[(input * channels) + c] += weight * Values(dy)[(output * channels) + c];
        }
    }

    public override void MaximumForward(Tensor a, Tensor b, Tensor c, Tensor y)
    {
        for (int i = 0; i < y.Shape.Length; i++) Values(y)[i] = Math.Max(Values(a)[i], Math.Max(Values(b)[i], Values(c)[i]));
    }

    public override void MaximumBackward(Tensor a, Tensor b, Tensor c, Tensor dy, Tensor da, Tensor db, Tensor dc)
    {
        for (int i = 0; i < dy.Shape.Length; i++)
        {
            double largest = Math.Max(Values(a)[i], Math.Max(Values(b)[i], Values(c)[i]));
            Tensor winner = Values(a)[i] == largest ? da : Values(b)[i] == largest ? db : dc;
            Values(winner)[i] += Values(dy)[i];
        }
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

    // The first and last samples of both grids coincide. The product comes first: it is exact, so whole positions stay whole.
    private static double Position(int index, int inputs, int outputs) => outputs == 1 ? 0 : index * (double)(inputs - 1) / (outputs - 1);
}
