using DeepLab.Crf;
using DeepLab.Imaging;

namespace DeepLab.Tests.Crf;

/// <summary>A linear map of the values of all pixels.</summary>
internal interface IPixelFilter
{
    double[] Apply(double[] values);
}

/// <summary>
/// Mean-field inference as in the paper, in double, one class at a time; the caller supplies the filters.
/// </summary>
internal static class MeanFieldOracle
{
    /// <summary>
    /// Coordinates divided by standard deviations, and colors if they have one: [pixel][dimension], in single precision
    /// as in pydensecrf.
    /// </summary>
    public static float[][] Features(RgbImage image, float positionDeviation, float? colorDeviation) =>
        [.. Enumerable.Range(0, image.Height * image.Width).Select(pixel =>
        {
            float[] position = [pixel % image.Width / positionDeviation, pixel / image.Width / positionDeviation];
            return colorDeviation is { } deviation ? [.. position, .. image.Pixels.Skip(3 * pixel).Take(3).Select(level => level / deviation)] : position;
        })];

    public static double[] Infer(CrfCase input, DenseCrfOptions options, Func<float[][], IPixelFilter> newFilter)
    {
        var kernels = new List<(float Weight, IPixelFilter Filter)>();
        if (options.SmoothnessWeight > 0)
            kernels.Add((options.SmoothnessWeight, newFilter(Features(input.Image, options.SmoothnessDeviation, null))));
        if (options.AppearanceWeight > 0)
            kernels.Add((options.AppearanceWeight, newFilter(Features(input.Image, options.AppearanceDeviation, options.ColorDeviation))));
        double[] logs = [.. input.Probabilities.Select(p => Math.Log(Math.Max(p, options.MinimumProbability)))];
        double[] marginals = Softmax(logs, input.Classes);
        for (int step = 0; step < options.Iterations; step++)
        {
            double[] scores = [.. logs];
            foreach ((float weight, IPixelFilter filter) in kernels)
            {
                for (int c = 0; c < input.Classes; c++)
                {
                    double[] message = filter.Apply([.. Enumerable.Range(0, input.Pixels).Select(pixel => marginals[(pixel * input.Classes) + c])]);
                    for (int pixel = 0; pixel < input.Pixels; pixel++) scores[(pixel * input.Classes) + c] += weight * message[pixel];
                }
            }

            marginals = Softmax(scores, input.Classes);
        }

        return marginals;
    }

    private static double[] Softmax(double[] scores, int classes)
    {
        var result = new double[scores.Length];
        for (int first = 0; first < scores.Length; first += classes)
        {
            double largest = scores.AsSpan(first, classes).ToArray().Max(), sum = 0;
            for (int i = first; i < first + classes; i++) sum += result[i] = Math.Exp(scores[i] - largest);
            for (int i = first; i < first + classes; i++) result[i] /= sum;
        }

        return result;
    }
}

/// <summary>
/// The Gaussian between every two pixels, with symmetric normalization: what the lattice approximates.
/// </summary>
internal sealed class ExactFilter : IPixelFilter
{
    private readonly double[][] _kernel;

    public ExactFilter(float[][] features)
    {
        _kernel = [.. features.Select(a => features.Select(b => Math.Exp(-0.5 * a.Zip(b, (u, v) => Math.Pow((double)u - v, 2)).Sum())).ToArray())];
        double[] roots = [.. _kernel.Select(row => Math.Sqrt(row.Sum()))];
        for (int i = 0; i < roots.Length; i++)
        {
            for (int j = 0; j < roots.Length; j++) _kernel[i][j] /= roots[i] * roots[j];
        }
    }

    public double[] Apply(double[] values) => [.. _kernel.Select(row => row.Zip(values, (k, v) => k * v).Sum())];
}
