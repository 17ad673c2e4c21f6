using System.CommandLine;
using DeepLab.Training;

namespace DeepLab.Cli;

/// <summary>How a training run is watched.</summary>
/// <param name="LogDirectory">The folder of its TensorBoard event file, or null.</param>
/// <param name="Validation">The evaluations during training, or null.</param>
internal sealed record TrainingWatch(string? LogDirectory, TrainingValidation? Validation);

/// <summary>
/// The options for watching a training run: <c>--log-dir</c>, and <c>--eval-every</c> with its validation split.
/// </summary>
internal sealed class WatchArguments
{
    private readonly Option<string?> _logDir, _evalSplit, _evalList;
    private readonly Option<int?> _evalEvery;

    /// <summary>Adds the options to a command.</summary>
    public WatchArguments(CliCommand command)
    {
        _logDir = command.AddOption<string?>(
            "--log-dir",
            "folder for a TensorBoard event file, one folder per run: the losses (not smoothed, TensorBoard does that), the learning rate and the images per second of every iteration, and the results of --eval-every");
        _logDir.HelpName = "DIR";
        _evalEvery = command.AddOption<int?>(
            "--eval-every",
            "evaluate on a validation split every N iterations and at the end: prints the mean IoU, writes eval.csv beside log.csv and, with --log-dir, logs the mean IoU, the pixel accuracy and a picture of photograph, ground truth and prediction; the trained weights are the same bits with and without it [default: never]");
        command.Require(_evalEvery, n => n is null or >= 1, "at least 1");
        _evalSplit = command.AddOption<string?>("--eval-split", $"with --voc and --eval-every: the validation list ImageSets/Segmentation/NAME.txt [default: {DatasetArguments.ValidationSplit}]");
        _evalSplit.HelpName = "NAME";
        _evalList = command.AddOption<string?>("--eval-list", $"with --images and --eval-every: the validation list, whose images and label images are in the same folders [default: {DatasetArguments.ValidationList}]");
        _evalList.HelpName = "FILE";
    }

    /// <summary>What the command line asks for.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="dataset">The options of the training dataset.</param>
    /// <exception cref="UsageException">The options contradict each other.</exception>
    /// <exception cref="DeepLabException">The validation split cannot be read.</exception>
    public TrainingWatch Read(ParseResult parse, DatasetArguments dataset)
    {
        string? directory = parse.GetValue(_logDir);
        if (directory is "") throw new UsageException("--log-dir is empty, expected a folder");
        if (parse.GetValue(_evalEvery) is int every) return new TrainingWatch(directory, new TrainingValidation(dataset.OpenValidation(parse, _evalSplit, _evalList), every));
        Option? dependent = new[] { _evalSplit, _evalList }.FirstOrDefault(o => parse.GetValue(o) is not null);
        return dependent is null ? new TrainingWatch(directory, null) : throw new UsageException($"{dependent.Name} requires --eval-every N");
    }
}
