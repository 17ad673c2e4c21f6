using System.CommandLine;
using DeepLab.Backends;
using DeepLab.Data;
using DeepLab.Models;
using DeepLab.Training;
using DeepLab.Training.TensorBoard;

namespace DeepLab.Cli;

/// <summary><c>deeplab train</c>: trains on a dataset and writes snapshots.</summary>
internal static class TrainCommand
{
    public static Command Create()
    {
        var command = new CliCommand("train", "Trains a network on a dataset and writes snapshots and log.csv.")
        {
            Examples =
            [
                "deeplab train --voc VOC2012 --split train_aug --init MS_DeepLab_resnet_pretrained_COCO_init.pth",
                "deeplab train --voc camvid --classes 11 --init scratch --depth 18 --crop 257 --lr 0.02 --clip 1 \\",
                "    --head-lr-mult 1 --max-iter 1000 --iter-size 2",
                "deeplab train --voc VOC2012 --split train_aug --eval-every 1000 --log-dir runs/voc-1   # then: tensorboard --logdir runs",
                "deeplab train --images photos --labels masks --list train.txt --classes 2 --map-label 255=1 --init scratch",
            ],
        };
        var dataset = new DatasetArguments(command, forEvaluation: false);
        var training = new TrainingArguments(command);
        var watching = new WatchArguments(command);
        var runtime = new RuntimeArguments(command);
        command.SetRun((parse, invocation) =>
        {
            TrainingOptions options = training.Options(parse);
            SegmentationDataset images = dataset.Open(parse);
            TrainingWatch watch = watching.Read(parse, dataset);
            InitialWeights weights = training.InitialWeights(parse);
            using Backend backend = runtime.CreateBackend(parse, invocation.Console);
            return Train(backend, images, watch, weights, options, invocation.Console, invocation.Cancellation);
        });
        return command;
    }

    /// <summary>Checks the dataset, creates the network and trains it, showing the progress.</summary>
    /// <returns>The exit status.</returns>
    private static int Train(
        Backend backend, SegmentationDataset dataset, TrainingWatch watch, InitialWeights weights, TrainingOptions options, CliConsole console, CancellationToken cancellation)
    {
        CheckDataset(dataset, (long)options.Iterations * (options.Recipe.CountsImages ? 1 : options.IterationSize), options, console);
        if (watch.Validation is not null) CheckDataset(watch.Validation.Dataset, 0, options, console);
        using TensorBoardLog? events = watch.LogDirectory is null ? null : new TensorBoardLog(watch.LogDirectory);
        var network = new DeepLabResNet(backend, weights.Configuration with { Classes = dataset.Classes });
        console.Line($"device      {backend.Description}");
        console.Line($"dataset     {dataset.Samples.Count} images, {dataset.Classes} classes ({dataset.Source})");
        console.Line($"network     DeepLab-ResNet-{network.Configuration.Depth}, {CliConsole.Format($"{network.ParameterCount / 1e6:0.0}")} million parameters");
        console.Line($"weights     {weights.Description}");
        Describe(options, console);
        if (watch.Validation is TrainingValidation validation)
            console.Line($"validation  {validation.Dataset.Samples.Count} images every {validation.Every} iterations ({validation.Dataset.Source})");
        if (events is not null) console.Line($"events      {events.Path}");
        if (weights.Load(network, dataset, options))
            console.Note($"note: {weights.File} has no last layer for {dataset.Classes} classes; the last layer is initialised at random");

        using var trainer = new Trainer(network, dataset, options) { Validation = watch.Validation };
        var display = new TrainingDisplay(console);
        TrainingSummary summary = trainer.Run(events is null ? [display] : [display, events], cancellation);
        return summary.Interrupted ? Program.Interrupted : 0;
    }

    private static void Describe(TrainingOptions options, CliConsole console)
    {
        string clip = options.ClipNorm > 0 ? $", gradient norm up to {CliConsole.Format($"{options.ClipNorm}")}" : "";
        console.Line($"recipe      {TrainingArguments.Describe(options.Recipe)}");
        console.Line(CliConsole.Format(
            $"updates     {options.Iterations} iterations, {options.IterationSize} images per update, learning rate {options.BaseLearningRate}, weight decay {options.WeightDecay}, momentum {options.Momentum}{clip}"));
        console.Line($"snapshots   {options.SnapshotPath(options.Iterations)}");
    }

    private static void CheckDataset(SegmentationDataset dataset, long images, TrainingOptions options, CliConsole console)
    {
        dataset.VerifyFiles();
        IReadOnlyList<DatasetAdvice> advice = dataset.Advise(images, options.Shuffle, options.Seed);
        foreach (DatasetAdvice line in advice)
        {
            string text = RemedyText.Append(line.Message, line.Remedy);
            if (line.Level == AdviceLevel.Information) console.Line(text);
            else console.Note($"{(line.Level == AdviceLevel.Warning ? "warning" : "error")}: {text}");
        }

        int errors = advice.Count(a => a.Level == AdviceLevel.Error);
        if (errors > 0)
            throw new DeepLabException($"{dataset.Source}: training was not started because of the {(errors == 1 ? "error" : $"{errors} errors")} above; \"deeplab data check\" checks every file");
    }
}
