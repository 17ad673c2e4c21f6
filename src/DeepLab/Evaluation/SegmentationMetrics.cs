namespace DeepLab.Evaluation;

/// <summary>
/// The measures of semantic segmentation (Long et al. 2015, section 5) of one confusion matrix over all images.
/// </summary>
/// <param name="IoU">
/// Intersection over union per class, 0 to 1; NaN for a class that is in neither the labels nor the predictions.
/// </param>
/// <param name="MeanIoU">The mean of the IoU of the classes that have one.</param>
/// <param name="PixelAccuracy">The share of the pixels that are predicted right.</param>
/// <param name="MeanAccuracy">
/// The mean, over the classes in the labels, of the share of a class's pixels that is predicted right.
/// </param>
/// <param name="FrequencyWeightedIoU">
/// The mean of the classes' IoU, weighted by the classes' share of the labels.
/// </param>
/// <remarks>All means are NaN where no pixel was counted.</remarks>
internal sealed record SegmentationMetrics(
    IReadOnlyList<double> IoU,
    double MeanIoU,
    double PixelAccuracy,
    double MeanAccuracy,
    double FrequencyWeightedIoU)
{
    /// <summary>Computes the measures of the pixels counted so far.</summary>
    public static SegmentationMetrics From(ConfusionMatrix matrix)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        int classes = matrix.Classes;
        var labelled = new long[classes];
        var predicted = new long[classes];
        long total = 0, right = 0;
        for (int label = 0; label < classes; label++)
        {
            right += matrix[label, label];
            for (int prediction = 0; prediction < classes; prediction++)
            {
                long count = matrix[label, prediction];
                labelled[label] += count;
                predicted[prediction] += count;
                total += count;
            }
        }

        var iou = new double[classes];
        double iouSum = 0, accuracySum = 0, weightedSum = 0;
        int withUnion = 0, withLabels = 0;
        for (int c = 0; c < classes; c++)
        {
            double hit = matrix[c, c];
            long union = labelled[c] + predicted[c] - matrix[c, c];
            iou[c] = union > 0 ? hit / union : double.NaN;
            if (union > 0)
            {
                withUnion++;
                iouSum += iou[c];
            }

            if (labelled[c] > 0)
            {
                withLabels++;
                accuracySum += hit / labelled[c];
                weightedSum += labelled[c] * iou[c];
            }
        }

        // Nothing counted: 0 / 0.0 is the NaN that the summary promises.
        return new SegmentationMetrics(
            iou, iouSum / withUnion, right / (double)total, accuracySum / withLabels, weightedSum / total);
    }
}
