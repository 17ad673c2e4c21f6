using DeepLab.Imaging;

namespace DeepLab.Evaluation;

/// <summary>
/// The measure that isht7/pytorch-deeplab-resnet reports (<c>get_iou</c> of its <c>evalpyt.py</c>): the mean over
/// images of each image's mean IoU over the labels present in its ground truth. Label 255 counts as background (0), and
/// every pixel counts. It is not comparable with <see cref="SegmentationMetrics.MeanIoU"/>, and usually higher.
/// </summary>
internal sealed class PerImageMeanIoU
{
    private readonly int _classes;
    private readonly int[] _labelled, _predicted, _hits;
    private double _sum;

    /// <summary>Creates the accumulator without images.</summary>
    /// <param name="classes">The number of classes, 1 to 255.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="classes"/> is outside 1 to 255.</exception>
    public PerImageMeanIoU(int classes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(classes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(classes, LabelMap.IgnoreLabel);
        _classes = classes;
        _labelled = new int[classes];
        _predicted = new int[classes];
        _hits = new int[classes];
    }

    /// <summary>How many images were added.</summary>
    public int Images { get; private set; }

    /// <summary>The mean over the images, 0 to 1; NaN without images.</summary>
    public double Mean => _sum / Images;

    /// <summary>Adds one whole image and returns its own mean IoU.</summary>
    /// <param name="labels">The ground truth, a class or 255 (counted as 0) for each pixel; at least one pixel.</param>
    /// <param name="predictions">The predicted class of the same pixels.</param>
    /// <exception cref="ArgumentException">
    /// The lengths differ or are 0, or a value is no class; the image is not counted then.
    /// </exception>
    public double Add(ReadOnlySpan<byte> labels, ReadOnlySpan<byte> predictions)
    {
        if (labels.IsEmpty) throw new ArgumentException("an image has at least one pixel", nameof(labels));
        PixelLabels.Check(labels, predictions, _classes);
        Array.Clear(_labelled);
        Array.Clear(_predicted);
        Array.Clear(_hits);
        for (int i = 0; i < labels.Length; i++)
        {
            int label = labels[i] == LabelMap.IgnoreLabel ? 0 : labels[i];
            _labelled[label]++;
            _predicted[predictions[i]]++;
            if (label == predictions[i]) _hits[label]++;
        }

        double sum = 0;
        int present = 0;
        for (int c = 0; c < _classes; c++)
        {
            if (_labelled[c] == 0) continue;
            present++;
            sum += _hits[c] / ((double)_labelled[c] + _predicted[c] - _hits[c]);
        }

        double mean = sum / present;
        _sum += mean;
        Images++;
        return mean;
    }
}
