using System.Buffers;
using System.Numerics;
using DeepLab.Imaging;
using DeepLab.Tensors;

namespace DeepLab.Inference;

/// <summary>
/// Resizes scores on the aligned-corners grid and takes the arg-max or the softmax on the fly, so that the large map of
/// scores is never stored.
/// </summary>
internal static class ScoreUpsampling
{
    /// <summary>
    /// Writes the label of every pixel of the top left part of the resized map; the first of equal scores wins.
    /// </summary>
    /// <param name="scores">[height, width, classes].</param>
    /// <param name="size">Height and width of the scores.</param>
    /// <param name="classes">Classes, 1 to 255.</param>
    /// <param name="target">The size that scores are resized to.</param>
    /// <param name="height">Rows to write, at most the target's.</param>
    /// <param name="width">Pixels per row to write, at most the target's.</param>
    /// <param name="labels">[height, width].</param>
    /// <exception cref="ArgumentException">The sizes do not fit together.</exception>
    public static void ArgMax(ReadOnlySpan<float> scores, MapSize size, int classes, MapSize target, int height, int width, Span<byte> labels)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(classes, byte.MaxValue);
        if (labels.Length != height * width) throw new ArgumentException($"{labels.Length} labels for {height}×{width}.", nameof(labels));
        var take = new TakeLabels { Labels = labels };
        Resize(scores, size, classes, target, height, width, ref take);
    }

    /// <summary>
    /// Writes the labels of a larger image from the scores of a reduced version: the top left <paramref name="region"/>
    /// of the target grid, stretched over height × width with half-pixel centers (as images are resized) and clamped at
    /// its edges. Scores are interpolated once, from the map to the image.
    /// </summary>
    /// <param name="scores">[height, width, classes].</param>
    /// <param name="size">Height and width of the scores.</param>
    /// <param name="classes">Classes, 1 to 255.</param>
    /// <param name="target">The size that scores are resized to.</param>
    /// <param name="region">
    /// The part of it that the reduced image takes, at most all of it. A region of height × width gives the same result
    /// as the other overload.
    /// </param>
    /// <param name="height">Rows to write.</param>
    /// <param name="width">Pixels per row to write.</param>
    /// <param name="labels">[height, width].</param>
    /// <exception cref="ArgumentException">The sizes do not fit together.</exception>
    public static void ArgMax(ReadOnlySpan<float> scores, MapSize size, int classes, MapSize target, MapSize region, int height, int width, Span<byte> labels)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(classes, byte.MaxValue);
        if (labels.Length != height * width) throw new ArgumentException($"{labels.Length} labels for {height}×{width}.", nameof(labels));
        var take = new TakeLabels { Labels = labels };
        Resize(scores, size, classes, target, region, height, width, ref take);
    }

    /// <summary>
    /// Writes the probabilities of every pixel's classes, the softmax of its scores, for the top left part of the
    /// resized map.
    /// </summary>
    /// <param name="scores">[height, width, classes].</param>
    /// <param name="size">Height and width of the scores.</param>
    /// <param name="classes">Classes, at least 1.</param>
    /// <param name="target">The size that scores are resized to.</param>
    /// <param name="height">Rows to write, at most the target's.</param>
    /// <param name="width">Pixels per row to write, at most the target's.</param>
    /// <param name="probabilities">[height, width, classes].</param>
    /// <exception cref="ArgumentException">The sizes do not fit together.</exception>
    public static void Softmax(ReadOnlySpan<float> scores, MapSize size, int classes, MapSize target, int height, int width, Span<float> probabilities)
    {
        if (probabilities.Length != (long)height * width * classes)
            throw new ArgumentException($"{probabilities.Length} probabilities for {height}×{width} and {classes} classes.", nameof(probabilities));
        float[] exponentials = ArrayPool<float>.Shared.Rent(WholeVectors(classes));
        var take = new TakeProbabilities { Probabilities = probabilities, Classes = classes, Exponentials = exponentials.AsSpan(0, WholeVectors(classes)) };
        Resize(scores, size, classes, target, height, width, ref take);
        ArrayPool<float>.Shared.Return(exponentials);
    }

    /// <summary>Writes the top left part of the resized map as it is.</summary>
    /// <param name="scores">[height, width, classes].</param>
    /// <param name="size">Height and width of the scores.</param>
    /// <param name="classes">Classes, at least 1.</param>
    /// <param name="target">The size that scores are resized to.</param>
    /// <param name="height">Rows to write, at most the target's.</param>
    /// <param name="width">Pixels per row to write, at most the target's.</param>
    /// <param name="resized">[height, width, classes].</param>
    /// <exception cref="ArgumentException">The sizes do not fit together.</exception>
    public static void Interpolate(ReadOnlySpan<float> scores, MapSize size, int classes, MapSize target, int height, int width, Span<float> resized)
    {
        if (resized.Length != (long)height * width * classes)
            throw new ArgumentException($"{resized.Length} scores for {height}×{width} and {classes} classes.", nameof(resized));
        var take = new TakeScores { Scores = resized, Classes = classes };
        Resize(scores, size, classes, target, height, width, ref take);
    }

    /// <summary>
    /// Passes on, pixel by pixel, the two neighbors in the already resized row, and where between them the pixel lies.
    /// </summary>
    private static void Resize<TTake>(ReadOnlySpan<float> scores, MapSize size, int classes, MapSize target, int height, int width, ref TTake take)
        where TTake : ITakePixel, allows ref struct
    {
        if (height > target.Height || width > target.Width) throw new ArgumentException($"{height}×{width} does not lie in {target}.", nameof(height));
        Resize(scores, size, classes, target, new MapSize(height, width), height, width, ref take);
    }

    private static void Resize<TTake>(ReadOnlySpan<float> scores, MapSize size, int classes, MapSize target, MapSize region, int height, int width, ref TTake take)
        where TTake : ITakePixel, allows ref struct
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(classes);
        if (scores.Length != (long)size.Pixels * classes) throw new ArgumentException($"{scores.Length} scores for {size} and {classes} classes.", nameof(scores));
        if (region.Height > target.Height || region.Width > target.Width) throw new ArgumentException($"{region} does not lie in {target}.", nameof(region));

        // A pixel's classes are padded to whole vectors with copies of class 0, which never win against it.
        int padded = WholeVectors(classes), rowLength = size.Width * classes;
        float[] rowMemory = ArrayPool<float>.Shared.Rent(rowLength), pixelMemory = ArrayPool<float>.Shared.Rent(size.Width * padded);
        SamplePosition[] columns = ArrayPool<SamplePosition>.Shared.Rent(width);
        Span<float> row = rowMemory.AsSpan(0, rowLength), pixels = pixelMemory.AsSpan(0, size.Width * padded);
        for (int x = 0; x < width; x++) columns[x] = Sample(x, region.Width, width, target.Width, size.Width);
        for (int y = 0; y < height; y++)
        {
            (int low, int high, float share) = Sample(y, region.Height, height, target.Height, size.Height);
            Blend(scores.Slice(low * rowLength, rowLength), scores.Slice(high * rowLength, rowLength), share, row);
            for (int x = 0; x < size.Width; x++)
            {
                Span<float> pixel = pixels.Slice(x * padded, padded);
                row.Slice(x * classes, classes).CopyTo(pixel);
                pixel[classes..].Fill(pixel[0]);
            }

            for (int x = 0; x < width; x++)
            {
                (int left, int right, float part) = columns[x];
                take.Take((y * width) + x, pixels.Slice(left * padded, padded), pixels.Slice(right * padded, padded), part);
            }
        }

        ArrayPool<float>.Shared.Return(rowMemory);
        ArrayPool<float>.Shared.Return(pixelMemory);
        ArrayPool<SamplePosition>.Shared.Return(columns);
    }

    private static int WholeVectors(int classes) => checked(classes + Vector<float>.Count - 1) / Vector<float>.Count * Vector<float>.Count;

    /// <summary>The arg-max of a + (b − a) · share; a whole number of vectors.</summary>
    private static int ArgMax(ReadOnlySpan<float> a, ReadOnlySpan<float> b, float share)
    {
        int lanes = Vector<float>.Count;

        // Every lane starts with class 0, as a loop over the classes would: NaN never wins, and if class 0 is NaN it
        // stays.
        var best = new Vector<float>(a[0] + ((b[0] - a[0]) * share));
        var bestStart = new Vector<int>(-1);
        for (int start = 0; start < a.Length; start += lanes)
        {
            var first = new Vector<float>(a[start..]);
            Vector<float> value = first + ((new Vector<float>(b[start..]) - first) * share);
            Vector<int> greater = Vector.GreaterThan(value, best);
            best = Vector.ConditionalSelect(greater, value, best);
            bestStart = Vector.ConditionalSelect(greater, new Vector<int>(start), bestStart);
        }

        Span<float> values = stackalloc float[lanes];
        Span<int> starts = stackalloc int[lanes];
        best.CopyTo(values);
        bestStart.CopyTo(starts);
        int label = 0;
        float top = a[0] + ((b[0] - a[0]) * share);
        for (int lane = 0; lane < lanes; lane++)
        {
            int candidate = starts[lane] + lane;
            if (starts[lane] >= 0 && (values[lane] > top || (values[lane] == top && candidate < label)))
                (top, label) = (values[lane], candidate);
        }

        return label;
    }

    /// <summary>
    /// Where pixel <paramref name="index"/> of an image lies among the scores: first in the reduced image, exactly at
    /// the index if that is as large, and from there on the scores' grid.
    /// </summary>
    private static SamplePosition Sample(int index, int reduced, int size, int target, int scores) =>
        SamplePosition.AlignedCorners(SamplePosition.HalfPixelCenter(index, reduced, size), scores, target);

    private static void Blend(ReadOnlySpan<float> a, ReadOnlySpan<float> b, float share, Span<float> target)
    {
        int i = 0;
        for (; i <= target.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var first = new Vector<float>(a[i..]);
            (first + ((new Vector<float>(b[i..]) - first) * share)).CopyTo(target[i..]);
        }

        for (; i < target.Length; i++) target[i] = a[i] + ((b[i] - a[i]) * share);
    }

    /// <summary>What to do with a pixel's scores, a + (b − a) · share.</summary>
    private interface ITakePixel
    {
        void Take(int pixel, ReadOnlySpan<float> a, ReadOnlySpan<float> b, float share);
    }

    private ref struct TakeLabels : ITakePixel
    {
        public Span<byte> Labels;

        public readonly void Take(int pixel, ReadOnlySpan<float> a, ReadOnlySpan<float> b, float share) => Labels[pixel] = (byte)ArgMax(a, b, share);
    }

    private ref struct TakeScores : ITakePixel
    {
        public Span<float> Scores;
        public int Classes;

        public readonly void Take(int pixel, ReadOnlySpan<float> a, ReadOnlySpan<float> b, float share) =>
            Blend(a[..Classes], b[..Classes], share, Scores.Slice(pixel * Classes, Classes));
    }

    private ref struct TakeProbabilities : ITakePixel
    {
        public Span<float> Probabilities;
        public int Classes;
        public Span<float> Exponentials;

        public readonly void Take(int pixel, ReadOnlySpan<float> a, ReadOnlySpan<float> b, float share)
        {
            Blend(a, b, share, Exponentials);
            float largest = Exponentials[0];
            foreach (float score in Exponentials) largest = MathF.Max(largest, score);
            for (int i = 0; i < Exponentials.Length; i += Vector<float>.Count)
                Vector.Exp(new Vector<float>(Exponentials[i..]) - new Vector<float>(largest)).CopyTo(Exponentials[i..]);
            float sum = 0;
            foreach (float exponential in Exponentials[..Classes]) sum += exponential;
            Span<float> target = Probabilities.Slice(pixel * Classes, Classes);
            for (int i = 0; i < target.Length; i++) target[i] = Exponentials[i] / sum;
        }
    }
}
