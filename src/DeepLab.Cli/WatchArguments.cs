using System.CommandLine;
using DeepLab.Data;

namespace DeepLab.Cli;

/// <summary>What a training run shows of itself beside its progress.</summary>
/// <param name="LogDirectory">The folder of its TensorBoard event file, or null.</param>
/// <param name="EvaluateEvery">Iterations between evaluations, if there is a validation dataset.</param>
/// <param name="Validation">What it is evaluated on while it trains, or null.</param>
internal sealed record TrainingWatch(string? LogDirectory = null, int EvaluateEvery = 0, SegmentationDataset? Validation = null);

/// <summary>The options for watching a training run: <c>--log-dir</c>, and <c>--eval-every</c> with its validation split.</summary>
internal sealed class WatchArguments
{
    private readonly Option<string?> _logDir, _evalSplit, _evalList;
    private readonly Option<int?> _evalEvery;

    /// <summary>Adds the options to a command.</summary>
    public WatchArguments(CliCommand command)
    {
        _logDir = command.AddOption<string?>(
            "--log-dir",
            "folder for a TensorBoard event file, a folder of its own for each run: the four losses (not averaged over iterations; TensorBoard smooths), learning rate and images a second of every iteration, and what --eval-every finds");
        _logDir.HelpName = "DIR";
        _evalEvery = command.AddOption<int?>(
            "--eval-every",
            "evaluate on a validation split every N iterations and at the end: prints mean IoU, writes eval.csv beside log.csv, and with --log-dir mean IoU, pixel accuracy and a picture of photograph, truth and prediction; the weights become the same bits as without [default: never]");
        command.Require(_evalEvery, n => n is null or >= 1, "at least 1");
        _evalSplit = command.AddOption<string?>("--eval-split", $"with --voc and --eval-every: the validation list ImageSets/Segmentation/NAME.txt [default: {DatasetArguments.ValidationSplit}]");
        _evalSplit.HelpName = "NAME";
        _evalList = command.AddOption<string?>("--eval-list", $"with --images and --eval-every: the validation list, of images and label images in the same folders [default: {DatasetArguments.ValidationList}]");
        _evalList.HelpName = "FILE";
    }

    /// <summary>What the command line asks for.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="dataset">The options of the dataset that is trained on.</param>
    /// <exception cref="UsageException">The options contradict each other.</exception>
    /// <exception cref="DeepLabException">The validation split cannot be read.</exception>
    public TrainingWatch Read(ParseResult parse, DatasetArguments dataset)
    {
        string? directory = parse.GetValue(_logDir);
        if (directory is "") throw new UsageException("--log-dir is empty, expected a folder");
        if (parse.GetValue(_evalEvery) is int every) return new TrainingWatch(directory, every, dataset.OpenValidation(parse, _evalSplit, _evalList));
        Option? lonely = new[] { _evalSplit, _evalList }.FirstOrDefault(o => parse.GetValue(o) is not null);
        return lonely is null ? new TrainingWatch(directory) : throw new UsageException($"{lonely.Name} is for --eval-every N, which is missing");
    }
}
