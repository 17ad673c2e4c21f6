using DeepLab.IO;
using DeepLab.Tensors;

namespace DeepLab.Inference;

/// <summary>
/// The scores of one image from a .npy file [classes, height, width] of float32, computed by any program. They cover
/// the image, or a larger map that has the image in its upper left: the corner pixels of the scores coincide with its
/// corner pixels.
/// </summary>
public sealed class ScoreFile
{
    private const float LargestScore = 1e30f, LargestProbability = 1.001f;
    private const double SumTolerance = 1e-3;

    private ScoreFile(float[] values, MapSize size, int classes, MapSize covered, bool areProbabilities) =>
        (Values, Size, Classes, Covered, AreProbabilities) = (values, size, classes, covered, areProbabilities);

    /// <summary>[height, width, classes].</summary>
    public ReadOnlyMemory<float> Values { get; }

    /// <summary>Height and width of the scores.</summary>
    public MapSize Size { get; }

    /// <summary>Classes, 1 to 255.</summary>
    public int Classes { get; }

    /// <summary>The size of what they cover, in pixels of the image.</summary>
    public MapSize Covered { get; }

    /// <summary>Whether they are probabilities; otherwise softmax turns them into probabilities.</summary>
    public bool AreProbabilities { get; }

    /// <summary>Reads the scores and checks every number.</summary>
    /// <param name="path">The file.</param>
    /// <param name="covered">The size of what they cover, in pixels of the image.</param>
    /// <param name="areProbabilities">
    /// Whether each pixel's numbers lie in 0 to 1 and add up to 1 (to within 0.001).
    /// </param>
    /// <exception cref="InvalidFileException">
    /// The file is not such an array, its number of classes is not from 1 to 255, a side is longer than what is
    /// covered, or a value is not a number or not a probability.
    /// </exception>
    /// <exception cref="DeepLabException">The file does not exist or cannot be read.</exception>
    public static ScoreFile Read(string path, MapSize covered, bool areProbabilities)
    {
        (int[] shape, float[] data) = NpyFile.Read(path);
        string found = BoundedText.Shape([.. shape.Select(side => (long)side)]);
        if (shape.Length != 3 || data.Length == 0)
            throw new InvalidFileException(path, $"an array of shape {found}; expected the scores of one image, [classes, height, width]");
        if (shape[0] > byte.MaxValue)
            throw new InvalidFileException(path, $"an array of shape {found} has {shape[0]} classes, and {byte.MaxValue} are the most; expected the order [classes, height, width]");
        var size = new MapSize(shape[1], shape[2]);
        if (size.Height > covered.Height || size.Width > covered.Width)
        {
            throw new InvalidFileException(
                path, $"scores of {size} (height × width), more than the {covered} pixels that they cover: give the image they were computed for, or tell how far it was padded");
        }

        var scores = new ScoreFile(Transposed(data, shape[0], size.Pixels), size, shape[0], covered, areProbabilities);
        if (scores.Problem() is string problem)
            throw new InvalidFileException(path, problem) { Remedy = areProbabilities ? new Remedy(RemedyKind.NoProbabilities) : null };
        return scores;
    }

    /// <summary>
    /// Writes scores or marginals in the order that <see cref="Read"/> takes; the file replaces <paramref name="path"/>
    /// only once it is complete.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="values">[height, width, classes].</param>
    /// <param name="size">Height and width.</param>
    /// <param name="classes">Classes.</param>
    /// <exception cref="ArgumentException">The sizes do not fit together.</exception>
    /// <exception cref="DeepLabException">The file cannot be written.</exception>
    public static void Write(string path, ReadOnlySpan<float> values, MapSize size, int classes) =>
        NpyFile.Write(path, [classes, size.Height, size.Width], Transposed(values, size.Pixels, classes));

    private static float[] Transposed(ReadOnlySpan<float> values, int rows, int columns)
    {
        var target = new float[values.Length];
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++) target[(column * rows) + row] = values[(row * columns) + column];
        }

        return target;
    }

    private string? Problem()
    {
        ReadOnlySpan<float> values = Values.Span;
        for (int pixel = 0; pixel < Size.Pixels; pixel++)
        {
            ReadOnlySpan<float> row = values.Slice(pixel * Classes, Classes);
            double sum = 0;
            for (int c = 0; c < row.Length; c++)
            {
                float value = row[c];
                bool good = AreProbabilities ? value is >= 0 and <= LargestProbability : MathF.Abs(value) <= LargestScore;
                if (!good)
                {
                    return FormattableString.Invariant($"the {(AreProbabilities ? "probability" : "score")} of class {c} at {Place(pixel)} is {value}; ")
                        + (AreProbabilities ? "expected 0 to 1, since the file was said to hold probabilities" : "expected a number from -1e30 to 1e30");
                }

                sum += value;
            }

            if (AreProbabilities && Math.Abs(sum - 1) > SumTolerance)
            {
                return FormattableString.Invariant(
                    $"the probabilities at {Place(pixel)} add up to {sum:0.####}; expected 1 (to within {SumTolerance}), since the file was said to hold probabilities");
            }
        }

        return null;
    }

    private string Place(int pixel) => $"row {pixel / Size.Width}, column {pixel % Size.Width}";
}
