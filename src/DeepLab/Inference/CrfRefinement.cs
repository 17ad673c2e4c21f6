using DeepLab.Cpu;
using DeepLab.Crf;
using DeepLab.Imaging;
using DeepLab.Tensors;

namespace DeepLab.Inference;

/// <summary>
/// Refines the scores of a network with a <see cref="DenseCrf"/>: they are resized to the image, turned into
/// probabilities by softmax, and their boundaries moved to the edges of the image. Memory is kept from image to image,
/// so that another image of the same size allocates nothing. Use from one thread at a time.
/// </summary>
public sealed class CrfRefinement : IDisposable
{
    private readonly DenseCrf _crf;
    private float[] _marginals = [];

    /// <summary>Creates the field and starts its threads.</summary>
    /// <param name="options">Kernels and steps; null for DeepLab v2's.</param>
    /// <param name="threads">The number of compute threads including the caller's; 0 for one per processor.</param>
    /// <param name="instructionSet">The widest instruction set to use; null for the widest that this process may use.</param>
    /// <exception cref="DeepLabException">An option is out of range.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The number of threads is negative or above 1024.</exception>
    public CrfRefinement(DenseCrfOptions? options = null, int threads = 0, InstructionSet? instructionSet = null) =>
        _crf = new DenseCrf(options, threads, tier: null, instructionSet);

    /// <summary>The marginal probabilities of every pixel's classes.</summary>
    /// <param name="scores">
    /// The scores of the image's padded square, as <see cref="Predictor.Scores"/> gives them.
    /// </param>
    /// <param name="image">The image.</param>
    /// <returns>[height, width, classes] of the image; valid until the next call.</returns>
    /// <exception cref="ArgumentException">The image does not fit into the scores' square.</exception>
    /// <exception cref="DeepLabException">
    /// A score is NaN, or the image is too large for the available memory.
    /// </exception>
    public ReadOnlySpan<float> Marginals(ScoreMap scores, RgbImage image)
    {
        ArgumentNullException.ThrowIfNull(scores);
        ArgumentNullException.ThrowIfNull(image);
        return Infer(scores.Values, scores.Size, scores.Classes, new MapSize(scores.InputSide, scores.InputSide), areProbabilities: false, image);
    }

    /// <summary>
    /// The marginal probabilities of every pixel's classes, from scores or probabilities of any network.
    /// </summary>
    /// <param name="scores">The scores; the image is the upper left part of what they cover.</param>
    /// <param name="image">The image.</param>
    /// <returns>[height, width, classes] of the image; valid until the next call.</returns>
    /// <exception cref="ArgumentException">The image does not fit into what the scores cover.</exception>
    /// <exception cref="DeepLabException">The image is too large for the available memory.</exception>
    public ReadOnlySpan<float> Marginals(ScoreFile scores, RgbImage image)
    {
        ArgumentNullException.ThrowIfNull(scores);
        ArgumentNullException.ThrowIfNull(image);
        return Infer(scores.Values.Span, scores.Size, scores.Classes, scores.Covered, scores.AreProbabilities, image);
    }

    /// <summary>The label of every pixel: the class with the largest marginal; the first class wins ties.</summary>
    /// <inheritdoc cref="Marginals(ScoreMap, RgbImage)"/>
    public LabelMap Labels(ScoreMap scores, RgbImage image)
    {
        ReadOnlySpan<float> marginals = Marginals(scores, image);
        var labels = new LabelMap(image.Height, image.Width);
        ArgMax(marginals, scores.Classes, labels.Labels);
        return labels;
    }

    /// <summary>Writes the class with the largest marginal for every pixel; the first class wins ties.</summary>
    /// <param name="marginals">[pixel, classes].</param>
    /// <param name="classes">Classes, 1 to 255.</param>
    /// <param name="labels">[pixel].</param>
    /// <exception cref="ArgumentException">The sizes do not match.</exception>
    public static void ArgMax(ReadOnlySpan<float> marginals, int classes, Span<byte> labels)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(classes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(classes, byte.MaxValue);
        if (marginals.Length != (long)labels.Length * classes)
            throw new ArgumentException($"{marginals.Length} marginals for {labels.Length} pixels and {classes} classes", nameof(marginals));
        for (int pixel = 0; pixel < labels.Length; pixel++)
        {
            ReadOnlySpan<float> row = marginals.Slice(pixel * classes, classes);
            int best = 0;
            for (int c = 1; c < row.Length; c++)
            {
                if (row[c] > row[best]) best = c;
            }

            labels[pixel] = (byte)best;
        }
    }

    /// <summary>Frees the memory and stops the threads, unless another network or field uses them.</summary>
    public void Dispose() => _crf.Dispose();

    private Span<float> Infer(ReadOnlySpan<float> scores, MapSize size, int classes, MapSize covered, bool areProbabilities, RgbImage image)
    {
        Span<float> marginals = Room(image, classes);
        if (areProbabilities) ScoreUpsampling.Interpolate(scores, size, classes, covered, image.Height, image.Width, marginals);
        else ScoreUpsampling.Softmax(scores, size, classes, covered, image.Height, image.Width, marginals);
        _crf.Infer(marginals, classes, image, marginals);
        return marginals;
    }

    private Span<float> Room(RgbImage image, int classes)
    {
        long length = (long)image.Height * image.Width * classes;
        if (length > Array.MaxLength)
        {
            throw new DeepLabException(
                $"an image of {image.Width}×{image.Height} with {classes} classes has {length} marginals, and {Array.MaxLength} is the most: make it smaller");
        }

        if (_marginals.Length < length)
        {
            _marginals = []; // so that the old array need not stay in memory next to the new one
            _marginals = new float[length];
        }

        return _marginals.AsSpan(0, (int)length);
    }
}
