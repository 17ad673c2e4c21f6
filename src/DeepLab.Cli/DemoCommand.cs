using System.CommandLine;
using System.Diagnostics;
using DeepLab.Backends;
using DeepLab.Data;
using DeepLab.Evaluation;
using DeepLab.Imaging;
using DeepLab.Models;
using DeepLab.Training;
using DeepLab.Visualization;

namespace DeepLab.Cli;

/// <summary><c>deeplab demo</c>: draws a dataset, trains on it, evaluates and predicts.</summary>
internal static class DemoCommand
{
    private const int Depth = 18, TrainingImages = 240, ValidationImages = 24;

    public static Command Create()
    {
        var command = new CliCommand("demo", "Draws a small labelled dataset, trains ResNet-18 on it from scratch and predicts held-out images, in a few minutes.")
        {
            Examples = ["deeplab demo", "deeplab demo --output /tmp/demo --threads 2"],
        };
        Option<string> output = command.AddOptionWithDefault("--output", "folder for the dataset, the snapshots and the predictions", "data/demo", "-o");
        output.HelpName = "DIR";
        Option<int> iterations = command.AddOptionWithDefault("--max-iter", "number of training iterations", Options("").Iterations, "--maxIter");
        command.Require(iterations, n => n >= 1, "at least 1");
        Option<ulong> seed = RuntimeArguments.AddSeed(command);
        var runtime = new RuntimeArguments(command);
        command.SetRun((parse, invocation) =>
        {
            using Backend backend = runtime.CreateBackend(parse, invocation.Console);
            TrainingOptions options = Options(parse.GetValue(output)!) with { Iterations = parse.GetValue(iterations), Seed = parse.GetValue(seed) };
            return Run(backend, parse.GetValue(output)!, options, invocation.Console, invocation.Cancellation);
        });
        return command;
    }

    // Found by trial and error: the shapes are learnt in about two minutes on two cores.
    private static TrainingOptions Options(string root) => new()
    {
        Recipe = AugmentationRecipe.Caffe with { Crop = 97, Scales = ScaleDistribution.OneOf(0.75, 1) },
        Iterations = 200,
        IterationSize = 2,
        BaseLearningRate = 0.02,
        ClipNorm = 1,
        HeadLearningRateMultiplier = 1,
        SnapshotDirectory = Path.Combine(root, "snapshots"),
        SnapshotPrefix = "demo_",
    };

    private static int Run(Backend backend, string root, TrainingOptions options, CliConsole console, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        string data = Path.Combine(root, "shapes");
        console.Line($"1 of 3  drawing {TrainingImages + ValidationImages} images with labels into {data}");
        SyntheticShapes.Write(data, TrainingImages, ValidationImages, options.Seed, new Count(n =>
        {
            cancellation.ThrowIfCancellationRequested();
            console.Progress($"{n}/{TrainingImages + ValidationImages} images drawn", n % 100 == 0);
        }));
        var labels = new DatasetOptions { Classes = SyntheticShapes.ClassNames.Count };
        SegmentationDataset training = SegmentationDataset.FromVoc(data, "train", options: labels);
        SegmentationDataset validation = SegmentationDataset.FromVoc(data, "val", options: labels);

        console.Line($"2 of 3  training ResNet-{Depth} from scratch for {options.Iterations} iterations of {options.IterationSize} images ({backend.Description})");
        var network = new DeepLabResNet(backend, new DeepLabConfiguration(Depth, labels.Classes));
        Trainer.InitializeFromScratch(network, training, options);
        TrainingSummary summary;
        using (var trainer = new Trainer(network, training, options)) summary = trainer.Run([new TrainingDisplay(console)], cancellation);
        if (summary.Interrupted) return Program.Interrupted;

        string pictures = Path.Combine(root, "predictions");
        console.Line($"3 of 3  evaluating on {validation.Samples.Count} held-out images");
        EvaluationReport report = Evaluator.Evaluate(
            network,
            validation,
            summary.LastSnapshot!,
            n => console.Progress($"{n}/{validation.Samples.Count} images evaluated", n % 10 == 0),
            cancellation,
            image => Save(image, pictures));
        console.Text(report.ToTable());
        console.Line($"photographs overlaid with the predicted labels: {Path.Combine(pictures, "overlays")}");
        console.Line($"label images: {Path.Combine(pictures, "labels")}");
        console.Line($"weights: {summary.LastSnapshot}");
        console.Line($"total time: {CliConsole.Duration(clock.Elapsed)}");
        return 0;
    }

    private static void Save(EvaluatedImage image, string directory)
    {
        image.Prediction.Save(Path.Combine(directory, "labels", image.Sample.Name + ".png"), Palette.Voc);
        Overlay.Blend(image.Image, image.Prediction, Palette.Voc).Save(Path.Combine(directory, "overlays", image.Sample.Name + ".jpg"));
    }

    // Progress<T> would call on another thread, later.
    private sealed class Count(Action<int> report) : IProgress<int>
    {
        public void Report(int value) => report(value);
    }
}
