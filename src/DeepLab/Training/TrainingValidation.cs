using System.Diagnostics;
using DeepLab.Data;
using DeepLab.Evaluation;
using DeepLab.Imaging;
using DeepLab.Models;

namespace DeepLab.Training;

/// <summary>What an evaluation during training measured.</summary>
/// <param name="Iteration">The number of iterations done.</param>
/// <param name="Report">The measures.</param>
/// <param name="Panel">
/// The first image of the list, its labels and the prediction in VOC's colors, side by side, each at most
/// <see cref="TrainingValidation.LongestPanelSide"/> pixels high and wide.
/// </param>
/// <param name="Elapsed">The time it took.</param>
public sealed record ValidationResult(int Iteration, EvaluationReport Report, RgbImage Panel, TimeSpan Elapsed);

/// <summary>
/// Evaluates a network during training, every few iterations and after the last one. It does not change a bit of the
/// weights. Its memory is allocated in addition to that of the training step, and freed after each evaluation.
/// </summary>
public sealed class TrainingValidation
{
    /// <summary>The longest side of each picture of a panel; larger images are shrunk to it.</summary>
    internal const int LongestPanelSide = 512;

    /// <summary>Determines what to evaluate on, and how often.</summary>
    /// <param name="dataset">The validation images and labels, of the network's classes.</param>
    /// <param name="every">The number of iterations between evaluations, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="every"/> is less than 1.</exception>
    public TrainingValidation(SegmentationDataset dataset, int every)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentOutOfRangeException.ThrowIfLessThan(every, 1);
        Dataset = dataset;
        Every = every;
    }

    /// <summary>The validation images and labels.</summary>
    public SegmentationDataset Dataset { get; }

    /// <summary>The number of iterations between evaluations.</summary>
    public int Every { get; }

    /// <summary>Evaluates the network as it is after an iteration.</summary>
    internal ValidationResult Run(DeepLabResNet network, int iteration, ITrainingObserver observer, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        RgbImage? panel = null;
        EvaluationReport report;
        try
        {
            report = Evaluator.Evaluate(
                network,
                Dataset,
                $"the network after iteration {iteration}",
                evaluated => observer.OnEvaluationProgress(iteration, evaluated, Dataset.Samples.Count),
                cancellation,
                image => panel ??= Panel(image));
        }
        finally
        {
            network.ReleasePrepacked(); // training has no use for the copies that prediction keeps
        }

        return new ValidationResult(iteration, report, panel!, clock.Elapsed);
    }

    /// <summary>Photograph, ground truth and prediction of one image.</summary>
    internal static RgbImage Panel(EvaluatedImage image) => image.ReducedTo(LongestPanelSide).SideBySide(Palette.Voc);
}
