using DeepLab.Crf;
using DeepLab.Data;
using DeepLab.Imaging;
using DeepLab.Inference;
using DeepLab.Models;

namespace DeepLab.Evaluation;

/// <summary>What is measured beside the predictions themselves.</summary>
public sealed record EvaluationOptions
{
    /// <summary>The CRF that the scores are refined by, to be measured too; null for none.</summary>
    public DenseCrfOptions? Crf { get; init; }

    /// <summary>Threads of the CRF, 0 for one per processor.</summary>
    public int CrfThreads { get; init; }

    /// <summary>
    /// The widths of bands around boundaries that are measured by themselves, the narrowest first; see
    /// <see cref="TrimapBands"/>.
    /// </summary>
    public IReadOnlyList<int> TrimapWidths { get; init; } = [];
}

/// <summary>Measures a network on a labelled dataset.</summary>
public static class Evaluator
{
    /// <summary>
    /// Predicts every image and compares. The memory it takes does not grow with the number of images, but for two
    /// numbers each.
    /// </summary>
    /// <param name="network">The network.</param>
    /// <param name="dataset">The images and labels.</param>
    /// <param name="weights">The network's file, for the report.</param>
    /// <param name="progress">Told after every image, with the number done.</param>
    /// <param name="cancellation">Stops between images.</param>
    /// <param name="predicted">Given every image with its labels and its prediction; or null.</param>
    /// <param name="options">What else is measured; null for nothing.</param>
    /// <exception cref="ArgumentException">
    /// The widths of the trimap are not as <see cref="TrimapBands"/> takes them.
    /// </exception>
    /// <exception cref="DeepLabException">
    /// The classes differ, an option of the CRF is out of its range, or a file cannot be read.
    /// </exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static EvaluationReport Evaluate(
        DeepLabResNet network,
        SegmentationDataset dataset,
        string weights,
        Action<int>? progress = null,
        CancellationToken cancellation = default,
        Action<EvaluatedImage>? predicted = null,
        EvaluationOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(dataset);
        options ??= new EvaluationOptions();
        if (dataset.Classes != network.Configuration.Classes)
        {
            throw new DeepLabException($"{weights} has {network.Configuration.Classes} classes, the dataset {dataset.Classes}; they must agree")
            {
                Remedy = new Remedy(RemedyKind.Classes, network.Configuration.Classes),
            };
        }


        var counts = new EvaluationCounts(dataset.Classes, options.TrimapWidths);
        EvaluationCounts? refinedCounts = options.Crf is null ? null : new EvaluationCounts(dataset.Classes, options.TrimapWidths);
        TrimapBands? bands = options.TrimapWidths.Count == 0 ? null : new TrimapBands(options.TrimapWidths);
        using CrfRefinement? refinement = options.Crf is null ? null : new CrfRefinement(options.Crf, options.CrfThreads, network.Backend.CpuInstructionSet);
        using var predictor = new Predictor(network);
        for (int i = 0; i < dataset.Samples.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            (RgbImage image, LabelMap labels) = dataset.Read(i);
            SampleFile sample = dataset.Samples[i];
            ScoreMap scores = predictor.Scores(image, cancellation);
            LabelMap prediction = Predictor.Labels(scores, image.Height, image.Width);
            LabelMap? refined = refinement?.Labels(scores, image);
            ReadOnlySpan<byte> narrowest = bands is null ? [] : bands.Of(labels);
            counts.Add(sample.Name, labels, prediction, narrowest);
            if (refined is not null) refinedCounts!.Add(sample.Name, labels, refined, narrowest);
            predicted?.Invoke(new EvaluatedImage(sample, image, labels, prediction) { Refined = refined });
            progress?.Invoke(i + 1);
        }

        EvaluationReport report = counts.Report(weights, dataset.ClassNames);
        return refinedCounts is null ? report : report with { Crf = refinedCounts.Report(weights, dataset.ClassNames), CrfOptions = options.Crf };
    }
}
