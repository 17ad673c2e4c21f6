using DeepLab.Evaluation;
using DeepLab.Models;
using DeepLab.Training;
using DeepLab.Weights;

namespace DeepLab.Reports;

/// <summary>What a page about a training is made of.</summary>
public sealed record TrainingRecord
{
    internal TrainingRecord(
        string folder, TrainingHistory history, IReadOnlyList<SnapshotFile> snapshots, IReadOnlyList<EvaluationReport> evaluations, string? network) =>
        (Folder, History, Snapshots, Evaluations, Network) = (folder, history, snapshots, evaluations, network);

    /// <summary>The folder of the training.</summary>
    public string Folder { get; }

    /// <summary>Its snapshots, the earliest first.</summary>
    public IReadOnlyList<SnapshotFile> Snapshots { get; init; }

    /// <summary>Measures of snapshots; they are found by the names of the files.</summary>
    public IReadOnlyList<EvaluationReport> Evaluations { get; init; }

    /// <summary>What network the last snapshot holds, in words; null without snapshots.</summary>
    public string? Network { get; init; }

    /// <summary>The iterations that the log lists.</summary>
    public long Iterations => History.Lines;

    /// <summary>The evaluations during training.</summary>
    public long EvaluationCount => History.EvaluationCount;

    /// <summary>The files that end amid a line, as a crash leaves them; these lines are left out.</summary>
    public IReadOnlyList<string> CutOff => History.CutOff;

    /// <summary>Its log, and its evaluations during training.</summary>
    internal TrainingHistory History { get; init; }

    /// <summary>The log's name in a training's folder.</summary>
    public const string LogName = TrainingLog.IterationsName;

    /// <summary>The name, in a training's folder, of the measures that it took on the way.</summary>
    public const string EvaluationsName = TrainingLog.EvaluationsName;

    /// <summary>Names that measures in a training's folder are looked for under.</summary>
    public static IReadOnlyList<string> MeasuresNames { get; } = ["measures.json", "eval.json"];

    /// <summary>Reads a training's folder.</summary>
    /// <param name="folder">The folder with <c>log.csv</c>, snapshots and perhaps <c>eval.csv</c>.</param>
    /// <param name="measures">
    /// A file that <see cref="MeasuresFile"/> reads; null for the first of <see cref="MeasuresNames"/> that is there,
    /// if any.
    /// </param>
    /// <exception cref="DeepLabException">
    /// The folder is not there, or a file in it is not what it should be.
    /// </exception>
    public static TrainingRecord Load(string folder, string? measures = null)
    {
        if (!Directory.Exists(folder)) throw new DeepLabException($"{folder}: there is no such folder; it should hold the {LogName} of a training");
        string log = Path.Combine(folder, LogName);
        if (!File.Exists(log)) throw new DeepLabException($"{folder}: holds no {LogName}; expected the folder that a training wrote its snapshots to");
        string evaluations = Path.Combine(folder, EvaluationsName);
        measures ??= MeasuresNames.Select(n => Path.Combine(folder, n)).FirstOrDefault(File.Exists);
        TrainingHistory history = TrainingHistory.Load(log, File.Exists(evaluations) ? evaluations : null);
        IReadOnlyList<SnapshotFile> snapshots = SnapshotFile.FindNumbered(folder);
        return new TrainingRecord(folder, history, snapshots, measures is null ? [] : MeasuresFile.Load(measures), snapshots.Count == 0 ? null : Describe(snapshots[^1].Path));
    }

    // A page about a training is wanted most when something went wrong with it: a damaged snapshot is told in it.
    private static string Describe(string path)
    {
        try
        {
            DeepLabConfiguration configuration = NetworkFile.ReadConfiguration(path);
            return $"DeepLab-ResNet-{configuration.Depth}, {configuration.Classes} classes";
        }
        catch (InvalidFileException e)
        {
            return $"cannot be told: {e.Message}";
        }
    }
}
