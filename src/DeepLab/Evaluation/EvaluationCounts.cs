using DeepLab.Imaging;

namespace DeepLab.Evaluation;

/// <summary>What a report is made of, counted image by image: a few matrices, and two numbers per image.</summary>
internal sealed class EvaluationCounts
{
    private readonly ConfusionMatrix _all, _image;
    private readonly PerImageMeanIoU _perImage;
    private readonly List<ImageScore> _images = [];
    private readonly IReadOnlyList<int> _widths;
    private readonly ConfusionMatrix[] _bands;

    /// <summary>Creates the counts.</summary>
    /// <param name="classes">The number of classes, 1 to 255.</param>
    /// <param name="widths">The widths of the trimap's bands, the narrowest first; none for no trimap.</param>
    public EvaluationCounts(int classes, IReadOnlyList<int> widths)
    {
        (_all, _image, _perImage, _widths) = (new ConfusionMatrix(classes), new ConfusionMatrix(classes), new PerImageMeanIoU(classes), widths);
        _bands = [.. widths.Select(_ => new ConfusionMatrix(classes))];
    }

    /// <summary>Counts an image.</summary>
    /// <param name="name">What the dataset calls it.</param>
    /// <param name="labels">The ground truth.</param>
    /// <param name="prediction">The prediction of the same size.</param>
    /// <param name="bands">
    /// The narrowest band of every pixel, as <see cref="TrimapBands.Of"/> gives it; empty without trimap.
    /// </param>
    public void Add(string name, LabelMap labels, LabelMap prediction, ReadOnlySpan<byte> bands)
    {
        _image.Clear();
        _image.Add(labels.Labels, prediction.Labels);
        _all.Merge(_image);
        _perImage.Add(labels.Labels, prediction.Labels);
        SegmentationMetrics metrics = SegmentationMetrics.From(_image);
        _images.Add(new ImageScore(name, metrics.MeanIoU, metrics.PixelAccuracy));
        for (int i = 0; i < bands.Length; i++)
        {
            if (bands[i] < _bands.Length && labels.Labels[i] != LabelMap.IgnoreLabel) _bands[bands[i]].Count(labels.Labels[i], prediction.Labels[i]);
        }
    }

    /// <summary>The report of all images counted so far.</summary>
    public EvaluationReport Report(string weights, IReadOnlyList<string> classNames)
    {
        var within = new ConfusionMatrix(_all.Classes);
        var trimap = new List<TrimapScore>();
        for (int i = 0; i < _bands.Length; i++)
        {
            // A band holds the narrower ones; a pixel was counted in the narrowest.
            within.Merge(_bands[i]);
            trimap.Add(TrimapScore.From(_widths[i], within));
        }

        return EvaluationReport.Create(weights, SegmentationMetrics.From(_all), _perImage.Mean, classNames) with { Confusion = _all, Images = _images, Trimap = trimap };
    }
}
