using System.Numerics;
using DeepLab.Tensors;

namespace DeepLab.Evaluation;

/// <summary>Resizes scores on the aligned-corners grid and takes the arg-max at once, so that the large map of scores is never stored.</summary>
public static class ScoreUpsampling
{
    /// <summary>Writes the label of every pixel of the top left part of the resized map; the first of equal scores wins.</summary>
    /// <param name="scores">[height, width, classes].</param>
    /// <param name="size">Height and width of the scores.</param>
    /// <param name="classes">Classes.</param>
    /// <param name="target">The size that scores are resized to.</param>
    /// <param name="height">Rows to write, at most the target's.</param>
    /// <param name="width">Pixels a row to write, at most the target's.</param>
    /// <param name="labels">[height, width].</param>
    public static void ArgMax(ReadOnlySpan<float> scores, MapSize size, int classes, MapSize target, int height, int width, Span<byte> labels)
    {
        if (scores.Length != (long)size.Pixels * classes) throw new ArgumentException($"{scores.Length} scores for {size} and {classes} classes.", nameof(scores));
        if (height > target.Height || width > target.Width) throw new ArgumentException($"{height}×{width} does not lie in {target}.", nameof(height));
        if (labels.Length != height * width) throw new ArgumentException($"{labels.Length} labels for {height}×{width}.", nameof(labels));
        int rowLength = size.Width * classes;
        var row = new float[rowLength];
        var pixel = new float[classes];
        for (int y = 0; y < height; y++)
        {
            (int low, int high, float share) = Sample(y, target.Height, size.Height);
            Blend(scores.Slice(low * rowLength, rowLength), scores.Slice(high * rowLength, rowLength), share, row);
            for (int x = 0; x < width; x++)
            {
                (int left, int right, float part) = Sample(x, target.Width, size.Width);
                Blend(row.AsSpan(left * classes, classes), row.AsSpan(right * classes, classes), part, pixel);
                int best = 0;
                for (int c = 1; c < classes; c++)
                {
                    if (pixel[c] > pixel[best]) best = c;
                }

                labels[(y * width) + x] = (byte)best;
            }
        }
    }

    private static (int Low, int High, float Share) Sample(int index, int outputs, int inputs)
    {
        double position = outputs > 1 ? (double)index * (inputs - 1) / (outputs - 1) : 0;
        int low = Math.Min((int)position, inputs - 1);
        return (low, Math.Min(low + 1, inputs - 1), (float)(position - low));
    }

    private static void Blend(ReadOnlySpan<float> a, ReadOnlySpan<float> b, float share, Span<float> target)
    {
        int i = 0;
        var weight = new Vector<float>(share);
        for (; i <= target.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var first = new Vector<float>(a[i..]);
            (first + ((new Vector<float>(b[i..]) - first) * weight)).CopyTo(target[i..]);
        }

        for (; i < target.Length; i++) target[i] = a[i] + ((b[i] - a[i]) * share);
    }
}
