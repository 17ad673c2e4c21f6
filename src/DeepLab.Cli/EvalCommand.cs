using System.CommandLine;
using System.Diagnostics;
using DeepLab.Backends;
using DeepLab.Data;
using DeepLab.Evaluation;
using DeepLab.Imaging;
using DeepLab.IO;
using DeepLab.Models;
using DeepLab.Training;
using DeepLab.Weights;

namespace DeepLab.Cli;

/// <summary><c>deeplab eval</c>: measures one snapshot, or all of a run, on a labelled dataset.</summary>
internal sealed class EvalCommand
{
    private const string DefaultOutput = "data/visualize";

    private readonly Option<string?> _weights, _visualize, _output, _json, _report, _trimap;
    private readonly Option<string> _snapshots, _prefix;
    private readonly DatasetArguments _dataset;
    private readonly CrfArguments _crf;
    private readonly RuntimeArguments _runtime;

    private EvalCommand(CliCommand command)
    {
        _weights = command.AddOption<string?>("--weights", "weights file to evaluate, instead of --snapshots", aliases: ["-w"]);
        _weights.HelpName = "FILE";
        _snapshots = command.AddOptionWithDefault("--snapshots", "folder whose snapshots are evaluated, in the order of their iterations", "data/snapshots");
        _snapshots.HelpName = "DIR";
        _prefix = command.AddOptionWithDefault("--snapshot-prefix", "what the snapshots' file names start with, before the iteration", "VOC12_scenes_", "--snapPrefix");
        _dataset = new DatasetArguments(command, forEvaluation: true, "those of the weights");
        _crf = new CrfArguments(command, "also refine every prediction with a dense CRF, and report the measures without and with it");
        _trimap = command.AddOption<string?>(
            "--trimap", $"also report the measures of the pixels near label boundaries: a list or a range of distances in pixels, such as 1,2,5,10,20,40 or 1-40, each from 1 to {TrimapBands.LargestWidth}");
        _trimap.HelpName = "LIST";
        _json = command.AddOption<string?>("--json", "also write the measures to this file, one object per snapshot");
        _json.HelpName = "FILE";
        _report = command.AddOption<string?>(
            "--report", "also write a report, one HTML file that can be read offline: classes, confusion matrix, mean IoU over the snapshots, best and worst images");
        _report.HelpName = "FILE.html";
        _visualize = command.AddOption<string?>(
            "--visualize", $"write a PNG per image with the photograph, the ground truth, the prediction and, with --crf, the refined prediction side by side, in one subfolder per snapshot [default: {DefaultOutput}]");
        (_visualize.HelpName, _visualize.Arity) = ("[DIR]", ArgumentArity.ZeroOrOne);
        _output = command.AddOption<string?>("--output", "folder for --visualize, if that is given without one", aliases: ["-o"]);
        _output.HelpName = "DIR";
        _runtime = new RuntimeArguments(command);
    }

    public static Command Create()
    {
        var command = new CliCommand("eval", "Measures snapshots on a labelled dataset: IoU per class, mean IoU and more.")
        {
            Examples =
            [
                "deeplab eval --weights data/snapshots/VOC12_scenes_20000.pth --voc ~/VOCdevkit/VOC2012 --split val",
                "deeplab eval --snapshots data/snapshots --voc ~/VOCdevkit/VOC2012 --json data/snapshots/measures.json",
                "deeplab eval --snapshots data/snapshots --voc ~/VOCdevkit/VOC2012 --report eval.html",
                "deeplab eval --weights net.pth --voc photos --crf --trimap 1,2,5,10,20,40 --visualize pictures",
            ],
        };
        var options = new EvalCommand(command);
        command.SetRun(options.Run);
        return command;
    }

    private int Run(ParseResult parse, CommandInvocation invocation)
    {
        CliConsole console = invocation.Console;
        string? output = PictureFolder(parse);
        var options = new EvaluationOptions
        {
            Crf = _crf.Options(parse),
            CrfThreads = _runtime.Threads(parse),
            TrimapWidths = parse.GetValue(_trimap) is string widths ? UsageException.Reading(_trimap.Name, () => TrimapBands.ParseWidths(widths)) : [],
        };
        IReadOnlyList<string> files = WeightsFiles(parse);

        // All are checked before the first is evaluated: a damaged one should not come to light after an hour.
        DeepLabConfiguration[] configurations = [.. files.Select(f => NetworkFile.ReadConfiguration(f))];
        int classes = configurations[0].Classes;
        for (int i = 1; i < files.Count; i++)
        {
            if (configurations[i].Classes != classes)
                throw new DeepLabException($"{files[i]} has {configurations[i].Classes} classes and {files[0]} {classes}: evaluate them one by one with --weights");
        }

        SegmentationDataset dataset = _dataset.Open(parse, classes);
        if (dataset.Classes != classes)
            throw new DeepLabException($"{files[0]} has {classes} classes, but --classes says {dataset.Classes}");
        dataset.VerifyFiles();
        CodecLibrary.RequireAll();
        using Backend backend = _runtime.CreateBackend(parse, console);
        var reports = new List<EvaluationReport>();
        EvaluationPageFile? page = parse.GetValue(_report) is string report ? new EvaluationPageFile(report, parse, dataset, backend) : null;
        DeepLabResNet? network = null;
        foreach (string file in files)
        {
            if (network?.Configuration == configurations[reports.Count]) NetworkFile.LoadInto(file, network);
            else network = NetworkFile.Load(file, backend);
            page?.Begin();
            reports.Add(Evaluate(network, dataset, file, output, options, page, invocation));
            if (parse.GetValue(_json) is string json) AtomicFile.WriteAllText(json, EvaluationReport.ToJson(reports));
            page?.Write(network, reports[^1]);
        }

        if (reports.Count > 1 && reports.MaxBy(r => r.MeanIoU) is EvaluationReport best)
            console.Line(CliConsole.Format($"\nbest of {reports.Count}: {ConsoleText.Sanitize(best.Weights)}, mean IoU {best.MeanIoU:0.0000}"));
        if (page is not null) console.Line($"report: {ConsoleText.Sanitize(page.Path)}");
        return 0;
    }

    private string? PictureFolder(ParseResult parse)
    {
        string? folder = parse.GetValue(_visualize), output = parse.GetValue(_output);
        if (parse.GetResult(_visualize) is null) return output is null ? null : throw new UsageException("--output requires --visualize");
        if (folder is not null && output is not null) throw new UsageException("--visualize DIR and --output DIR both name the folder of the pictures: give one");
        string chosen = folder ?? output ?? DefaultOutput;
        return string.IsNullOrWhiteSpace(chosen) ? throw new UsageException("the folder for --visualize is empty, expected a path") : chosen;
    }

    private List<string> WeightsFiles(ParseResult parse)
    {
        if (parse.GetValue(_weights) is null && parse.GetResult(_snapshots) is not { Implicit: false } && !Directory.Exists(parse.GetValue(_snapshots)))
            throw new UsageException($"no weights given, and the default {parse.GetValue(_snapshots)} does not exist: give --weights FILE, or --snapshots DIR");
        if (parse.GetValue(_weights) is not string weights) return [.. SnapshotFile.FindAll(parse.GetValue(_snapshots)!, parse.GetValue(_prefix)!).Select(s => s.Path)];
        Option? other = new[] { _snapshots, _prefix }.FirstOrDefault(o => parse.GetResult(o) is { Implicit: false });
        return other is null ? [weights] : throw new UsageException($"--weights and {other.Name} are mutually exclusive: give one file, or a folder of snapshots");
    }

    private static EvaluationReport Evaluate(
        DeepLabResNet network, SegmentationDataset dataset, string file, string? output, EvaluationOptions options, EvaluationPageFile? page, CommandInvocation invocation)
    {
        CliConsole console = invocation.Console;
        int count = dataset.Samples.Count;
        console.Line($"{ConsoleText.Sanitize(file)}: DeepLab-ResNet-{network.Configuration.Depth}, {network.Configuration.Classes} classes, {count} image{(count == 1 ? "" : "s")} of {ConsoleText.Sanitize(dataset.Source)}");
        var clock = Stopwatch.StartNew();
        void Progress(int done) => console.ImageProgress(done, count, clock.Elapsed);
        string? folder = output is null ? null : Path.Combine(output, Path.GetFileNameWithoutExtension(file));
        EvaluationReport report = Evaluator.Evaluate(
            network, dataset, file, Progress, invocation.Cancellation, folder is null && page is null ? null : image => Show(image, folder, page), options);
        console.Text(report.ToTable());
        if (folder is not null)
            console.Line($"pictures (photograph, ground truth, prediction{(options.Crf is null ? "" : ", refined prediction")}): {ConsoleText.Sanitize(folder)}");
        return report;
    }

    private static void Show(EvaluatedImage image, string? folder, EvaluationPageFile? page)
    {
        page?.Add(image);
        if (folder is not null) image.SideBySide(Palette.Voc).Save(Path.Combine(folder, ConsoleText.FileName(image.Sample.Name) + ".png"));
    }
}
