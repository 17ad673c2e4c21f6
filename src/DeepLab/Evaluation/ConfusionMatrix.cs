using DeepLab.Imaging;

namespace DeepLab.Evaluation;

/// <summary>
/// Counts of pixels by label (row) and prediction (column), over any number of images. Every metric of
/// <see cref="SegmentationMetrics"/> is computed from it. Pixels labelled <see cref="LabelMap.IgnoreLabel"/> are left
/// out.
/// </summary>
internal sealed class ConfusionMatrix
{
    private readonly long[] _counts;

    /// <summary>Creates a matrix of zeros.</summary>
    /// <param name="classes">The number of classes, 1 to 255.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="classes"/> is outside 1 to 255.</exception>
    public ConfusionMatrix(int classes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(classes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(classes, LabelMap.IgnoreLabel);
        Classes = classes;
        _counts = new long[classes * classes];
    }

    /// <summary>The number of classes.</summary>
    public int Classes { get; }

    /// <summary>How many pixels were counted.</summary>
    public long Pixels => _counts.Sum();

    /// <summary>
    /// How many pixels of class <paramref name="label"/> were predicted as <paramref name="prediction"/>.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">An index is outside [0, <see cref="Classes"/>).</exception>
    public long this[int label, int prediction]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)label, (uint)Classes);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)prediction, (uint)Classes);
            return _counts[(label * Classes) + prediction];
        }
    }

    /// <summary>Counts the pixels of an image, or of a part of one.</summary>
    /// <param name="labels">The ground truth, a class or <see cref="LabelMap.IgnoreLabel"/> for each pixel.</param>
    /// <param name="predictions">The predicted class of the same pixels.</param>
    /// <exception cref="ArgumentException">
    /// The lengths differ, or a value is no class; nothing has been counted then.
    /// </exception>
    public void Add(ReadOnlySpan<byte> labels, ReadOnlySpan<byte> predictions)
    {
        PixelLabels.Check(labels, predictions, Classes);
        for (int i = 0; i < labels.Length; i++)
        {
            if (labels[i] != LabelMap.IgnoreLabel) _counts[(labels[i] * Classes) + predictions[i]]++;
        }
    }

    /// <summary>Counts one pixel, whose label and prediction are classes.</summary>
    internal void Count(int label, int prediction) => _counts[(label * Classes) + prediction]++;

    /// <summary>Sets all counts to zero.</summary>
    internal void Clear() => Array.Clear(_counts);

    /// <summary>Adds the counts of another matrix, of other images, to this one.</summary>
    /// <exception cref="ArgumentException">The numbers of classes differ.</exception>
    public void Merge(ConfusionMatrix other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (other.Classes != Classes)
            throw new ArgumentException($"a matrix of {other.Classes} classes cannot be added to one of {Classes}", nameof(other));
        for (int i = 0; i < _counts.Length; i++) _counts[i] += other._counts[i];
    }
}
