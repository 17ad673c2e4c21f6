using DeepLab.Crf;

namespace DeepLab.Evaluation;

/// <summary>The intersection over union of one class.</summary>
/// <param name="Name">The class's name.</param>
/// <param name="IoU">0 to 1, or NaN where the class is in neither the labels nor the predictions.</param>
public sealed record ClassIoU(string Name, double IoU);

/// <summary>The measures of one image by itself, with label 255 left out; NaN where it has no other label.</summary>
/// <param name="Name">What the dataset calls it.</param>
/// <param name="MeanIoU">The mean of the IoU of the classes in its labels or its prediction.</param>
/// <param name="PixelAccuracy">The share of its pixels that is predicted right.</param>
public readonly record struct ImageScore(string Name, double MeanIoU, double PixelAccuracy);

/// <summary>
/// The measures of the pixels near boundaries of the labels, over all images; see <see cref="TrimapBands"/>. NaN where
/// there is none.
/// </summary>
/// <param name="Width">How near, in pixels.</param>
/// <param name="Pixels">How many pixels that is.</param>
/// <param name="MeanIoU">Their <see cref="SegmentationMetrics.MeanIoU"/>.</param>
/// <param name="PixelAccuracy">The share of them that is predicted right.</param>
public sealed record TrimapScore(int Width, long Pixels, double MeanIoU, double PixelAccuracy)
{
    /// <summary>The measures of the pixels counted so far.</summary>
    /// <param name="width">The width of the band.</param>
    /// <param name="matrix">The counts of the pixels in the band.</param>
    internal static TrimapScore From(int width, ConfusionMatrix matrix)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        var metrics = SegmentationMetrics.From(matrix);
        return new TrimapScore(width, matrix.Pixels, metrics.MeanIoU, metrics.PixelAccuracy);
    }
}

/// <summary>
/// What the evaluation of one snapshot found. Shares lie in [0, 1]; NaN stands for "nothing to measure".
/// </summary>
/// <param name="Weights">The path of the weights file.</param>
/// <param name="MeanIoU">See <see cref="SegmentationMetrics.MeanIoU"/>.</param>
/// <param name="PerImageMeanIoU">See <see cref="Evaluation.PerImageMeanIoU"/>.</param>
/// <param name="PixelAccuracy">See <see cref="SegmentationMetrics.PixelAccuracy"/>.</param>
/// <param name="MeanAccuracy">See <see cref="SegmentationMetrics.MeanAccuracy"/>.</param>
/// <param name="FrequencyWeightedIoU">See <see cref="SegmentationMetrics.FrequencyWeightedIoU"/>.</param>
/// <param name="Classes">The classes in the order of their labels.</param>
public sealed partial record EvaluationReport(
    string Weights,
    double MeanIoU,
    double PerImageMeanIoU,
    double PixelAccuracy,
    double MeanAccuracy,
    double FrequencyWeightedIoU,
    IReadOnlyList<ClassIoU> Classes)
{
    /// <summary>
    /// The pixels of all images by label and prediction, or null where the report was made of the measures alone.
    /// </summary>
    internal ConfusionMatrix? Confusion { get; init; }

    /// <summary>
    /// The images in the order of the dataset, each with its own measures; empty where the report was made of the
    /// measures alone.
    /// </summary>
    public IReadOnlyList<ImageScore> Images { get; init; } = [];

    /// <summary>
    /// The measures near boundaries of the labels, the narrowest band first; empty where they were not asked for.
    /// </summary>
    public IReadOnlyList<TrimapScore> Trimap { get; init; } = [];

    /// <summary>The measures of what the CRF made of the predictions; null without CRF.</summary>
    public EvaluationReport? Crf { get; init; }

    /// <summary>The CRF of <see cref="Crf"/>; null without CRF.</summary>
    public DenseCrfOptions? CrfOptions { get; init; }

    /// <summary>Puts a report together from the measures and the classes' names.</summary>
    /// <param name="weights">The path of the weights file.</param>
    /// <param name="metrics">The measures of all images together.</param>
    /// <param name="perImageMeanIoU">The mean of the images' own mean IoU.</param>
    /// <param name="classNames">One name per class, in the order of the labels.</param>
    /// <exception cref="ArgumentException">There are more or fewer names than classes.</exception>
    internal static EvaluationReport Create(
        string weights, SegmentationMetrics metrics, double perImageMeanIoU, IReadOnlyList<string> classNames)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(metrics);
        ArgumentNullException.ThrowIfNull(classNames);
        if (classNames.Count != metrics.IoU.Count)
            throw new ArgumentException($"{classNames.Count} names were given for {metrics.IoU.Count} classes", nameof(classNames));
        return new EvaluationReport(
            weights, metrics.MeanIoU, perImageMeanIoU, metrics.PixelAccuracy, metrics.MeanAccuracy,
            metrics.FrequencyWeightedIoU, [.. classNames.Zip(metrics.IoU, (name, iou) => new ClassIoU(name, iou))]);
    }
}
