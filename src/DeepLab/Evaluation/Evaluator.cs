using DeepLab.Data;
using DeepLab.Imaging;
using DeepLab.Models;

namespace DeepLab.Evaluation;

/// <summary>An image of a dataset with what a network made of it.</summary>
/// <param name="Sample">Its name and files.</param>
/// <param name="Image">The image [height, width, 3].</param>
/// <param name="Labels">The ground truth [height, width].</param>
/// <param name="Prediction">The predicted labels [height, width].</param>
public sealed record EvaluatedImage(SampleFile Sample, RgbImage Image, LabelMap Labels, LabelMap Prediction);

/// <summary>Measures a network on a labelled dataset.</summary>
public static class Evaluator
{
    /// <summary>Predicts every image and compares.</summary>
    /// <param name="network">The network.</param>
    /// <param name="dataset">The images and labels.</param>
    /// <param name="weights">The network's file, for the report.</param>
    /// <param name="progress">Told after every image, with the number done.</param>
    /// <param name="cancellation">Stops between images.</param>
    /// <param name="predicted">Given every image with its labels and its prediction; or null.</param>
    /// <exception cref="DeepLabException">The classes differ, or a file cannot be read.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static EvaluationReport Evaluate(
        DeepLabResNet network,
        SegmentationDataset dataset,
        string weights,
        Action<int>? progress = null,
        CancellationToken cancellation = default,
        Action<EvaluatedImage>? predicted = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(dataset);
        if (dataset.Classes != network.Configuration.Classes)
            throw new DeepLabException($"{weights} has {network.Configuration.Classes} classes, the dataset {dataset.Classes}: give --classes {network.Configuration.Classes}");
        var confusion = new ConfusionMatrix(dataset.Classes);
        var perImage = new PerImageMeanIoU(dataset.Classes);
        using var predictor = new Predictor(network);
        for (int i = 0; i < dataset.Samples.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            (RgbImage image, LabelMap labels) = dataset.Read(i);
            LabelMap prediction = predictor.Predict(image);
            confusion.Add(labels.Labels, prediction.Labels);
            perImage.Add(labels.Labels, prediction.Labels);
            predicted?.Invoke(new EvaluatedImage(dataset.Samples[i], image, labels, prediction));
            progress?.Invoke(i + 1);
        }

        return EvaluationReport.Create(weights, SegmentationMetrics.From(confusion), perImage.Mean, dataset.ClassNames);
    }
}
