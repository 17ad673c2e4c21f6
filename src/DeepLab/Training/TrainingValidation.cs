using System.Diagnostics;
using DeepLab.Data;
using DeepLab.Evaluation;
using DeepLab.Imaging;
using DeepLab.Models;

namespace DeepLab.Training;

/// <summary>What an evaluation on the way found.</summary>
/// <param name="Iteration">Iterations done.</param>
/// <param name="Report">The measures.</param>
/// <param name="Panel">
/// The first image of the list, its labels and the prediction in VOC's colours, side by side; each at most
/// <see cref="TrainingValidation.LongestPanelSide"/> pixels high and wide.
/// </param>
/// <param name="Elapsed">How long it took.</param>
public sealed record ValidationResult(int Iteration, EvaluationReport Report, RgbImage Panel, TimeSpan Elapsed);

/// <summary>
/// Evaluates a network while it is trained, every so many iterations and after the last one. The weights become the same bits with and without it. Its memory
/// comes beside that of the training step and is freed after each evaluation.
/// </summary>
public sealed class TrainingValidation
{
    /// <summary>The longest side of each picture of a panel; larger images are shrunk to it.</summary>
    public const int LongestPanelSide = 512;

    private readonly Action<int>? _progress;

    /// <summary>Says on what and how often to evaluate.</summary>
    /// <param name="dataset">The validation images and labels, of the network's classes.</param>
    /// <param name="every">Iterations between evaluations, at least 1.</param>
    /// <param name="progress">Told after every image, with the number done.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="every"/> is less than 1.</exception>
    public TrainingValidation(SegmentationDataset dataset, int every, Action<int>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentOutOfRangeException.ThrowIfLessThan(every, 1);
        Dataset = dataset;
        Every = every;
        _progress = progress;
    }

    /// <summary>The validation images and labels.</summary>
    public SegmentationDataset Dataset { get; }

    /// <summary>Iterations between evaluations.</summary>
    public int Every { get; }

    /// <summary>Evaluates the network as it is after an iteration.</summary>
    internal ValidationResult Run(DeepLabResNet network, int iteration, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        RgbImage? panel = null;
        EvaluationReport report = Evaluator.Evaluate(
            network, Dataset, $"the network after iteration {iteration}", _progress, cancellation, image => panel ??= Panel(image));
        return new ValidationResult(iteration, report, panel!, clock.Elapsed);
    }

    /// <summary>Photograph, truth and prediction of one image.</summary>
    internal static RgbImage Panel(EvaluatedImage image) => image.ReducedTo(LongestPanelSide).SideBySide(Palette.Voc);
}
