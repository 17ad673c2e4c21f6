using System.CommandLine;
using System.Diagnostics;
using DeepLab.Backends;
using DeepLab.Crf;
using DeepLab.Data;
using DeepLab.Imaging;
using DeepLab.Inference;
using DeepLab.Visualization;
using DeepLab.Weights;

namespace DeepLab.Cli;

/// <summary><c>deeplab predict</c>: writes the masks of photographs.</summary>
internal sealed class PredictCommand
{
    /// <summary>The smallest side that <c>--max-side</c> accepts.</summary>
    private const int LeastMaxSide = 33;

    private readonly Option<string> _weights, _output, _format;
    private readonly Option<string?> _only, _scores, _classesFile;
    private readonly Option<bool> _noOverlay;
    private readonly Option<int> _maxSide;
    private readonly Argument<string[]> _images;
    private readonly CrfArguments _crf;
    private readonly RuntimeArguments _runtime;

    private PredictCommand(CliCommand command)
    {
        _images = new Argument<string[]>("IMAGE")
        {
            Description = "JPEG or PNG images, folders (all .jpg, .jpeg and .png files directly in them), or - for an image on standard input; "
                + "a JPEG is rotated upright according to its EXIF data, and so are all results",
            Arity = ArgumentArity.OneOrMore,
        };
        command.Add(_images);
        _weights = command.AddOption<string>("--weights", "the network: .pth, .safetensors or .caffemodel", aliases: ["-w"]);
        (_weights.HelpName, _weights.Required) = ("FILE", true);
        _output = command.AddOption<string>(
            "--output",
            "the folder for the labels, <name>.png, and for <name>_overlay.jpg: their colors over the image, with outlines and a legend; "
                + "or - to write only the labels of one image (with --only the cut-out) to standard output",
            aliases: ["-o"]);
        (_output.HelpName, _output.Required) = ("DIR|-", true);
        _format = command.AddOptionWithDefault(
            "--format", "the labels as png: a palette PNG in VOC's colors; or as <name>.json in COCO's format, each class's mask as run lengths, json: as numbers, rle: compressed", PredictionFiles.Png);
        _format.AcceptOnlyFromAmong(PredictionFiles.Png, PredictionFiles.Json, PredictionFiles.Rle);
        _format.HelpName = "png|json|rle";
        _only = command.AddOption<string?>(
            "--only", "also cut out these classes, names or indices separated by commas: <name>_cutout.png, transparent elsewhere; overlays show only these, the labels keep all classes");
        _only.HelpName = "CLASSES";
        _noOverlay = command.AddOptionWithDefault("--no-overlay", "write no overlays", false);
        _classesFile = command.AddOption<string?>(
            "--classes-file", "class names, one line `index name` each [default: labels.txt beside an image's folder, if that folder is called JPEGImages, else the names in the weights]");
        _classesFile.HelpName = "FILE";
        _scores = command.AddOption<string?>(
            "--save-scores", "also write <name>.npy to this folder: the fused scores, float32 [classes, h, w], at the network's resolution and for the padded square, before the CRF");
        _scores.HelpName = "DIR";
        _maxSide = command.AddOptionWithDefault(
            "--max-side",
            $"photographs whose longer side exceeds this are reduced to it for the network, and their scores resized to full size; {LeastMaxSide} to {Predictor.LongestSide}, or 0 to reduce none, which costs memory and time",
            PhotographPredictor.DefaultMaxSide);
        command.Require(_maxSide, n => n is 0 or (>= LeastMaxSide and <= Predictor.LongestSide), $"0, or {LeastMaxSide} to {Predictor.LongestSide}");
        _crf = new CrfArguments(command, "refine the masks with a dense CRF, which aligns their borders with the edges in the photograph");
        _runtime = new RuntimeArguments(command);
    }

    public static Command Create()
    {
        var command = new CliCommand("predict", "Predicts the class of every pixel of photographs, and prints the classes found.")
        {
            Examples =
            [
                "deeplab predict --weights net.pth -o masks photo.jpg",
                "deeplab predict --weights net.pth -o masks --crf --classes-file labels.txt photos/",
                "deeplab predict --weights net.pth -o masks --only person,dog --format rle photos/",
                "cat photo.jpg | deeplab predict --weights net.pth -o - - > mask.png",
            ],
        };
        var options = new PredictCommand(command);
        command.SetRun(options.Run);
        return command;
    }

    private int Run(ParseResult parse, CommandInvocation invocation)
    {
        _ = Task.Run(() => _runtime.WarmUp(parse)); // not awaited: whatever fails in it fails again, and is reported, in the prediction
        PredictionOutputs outputs = Outputs(parse, invocation.Console);
        CliConsole console = outputs.Folder == PredictionTarget.Standard ? invocation.Console.WithoutOutput() : invocation.Console;
        DenseCrfOptions? crf = _crf.Options(parse);
        IReadOnlyList<PredictionTarget> targets = PredictionTarget.Find(parse.GetValue(_images)!, outputs);
        using NetworkWeights file = NetworkWeights.Open(parse.GetValue(_weights)!);
        file.RequireHead();
        var names = new ClassNameSource(file.Configuration.Classes, file.ClassNames, parse.GetValue(_classesFile), targets.Select(t => t.Image));
        var files = new PredictionFiles(names, parse.GetValue(_format)!, parse.GetValue(_only), console.OpenOutput);
        foreach (PredictionTarget target in targets) _ = files.Chosen(target.Image); // A name that is not a class is reported before work begins.
        CodecLibrary.RequireAll();
        using Backend backend = _runtime.CreateBackend(parse, console);
        using var predictor = new PhotographPredictor(NetworkFile.Map(file, backend), parse.GetValue(_maxSide), crf, _runtime.Threads(parse), targets.Count);
        int failed = Predict(predictor, targets, files, console, invocation.Cancellation);
        if (failed == targets.Count) console.Line("nothing was written");
        else if (outputs.Folder != PredictionTarget.Standard) console.Line($"{Written(outputs)}: {ConsoleText.Sanitize(outputs.Folder)}");
        if (failed == 0) return 0;
        console.Note($"deeplab: {failed} of {targets.Count} image{(targets.Count == 1 ? "" : "s")} could not be predicted");
        return Program.Failed;
    }

    private PredictionOutputs Outputs(ParseResult parse, CliConsole console)
    {
        bool png = parse.GetValue(_format) == PredictionFiles.Png, cutout = parse.GetValue(_only) is not null;
        string folder = parse.GetValue(_output)!;
        if (folder == PredictionTarget.Standard)
        {
            if (cutout && !png) throw new UsageException($"--only writes a PNG to standard output, but --format {parse.GetValue(_format)} writes JSON: give --output a folder for both");
            if (png && console.IsTerminal) throw new UsageException("a PNG would be written to the terminal: redirect it to a file, for example with > mask.png");
        }

        return new PredictionOutputs(folder, !png, !parse.GetValue(_noOverlay), cutout, parse.GetValue(_scores));
    }

    /// <summary>Predicts all images, and returns how many could not be predicted.</summary>
    private static int Predict(
        PhotographPredictor predictor, IReadOnlyList<PredictionTarget> targets, PredictionFiles files, CliConsole console, CancellationToken cancellation)
    {
        int done = 0, failed = 0;
        var clock = Stopwatch.StartNew();
        PredictionPipeline.Run(
            targets,
            target => Read(target.Image, console),
            image => predictor.Predict(image, cancellation),
            files.Write,
            (target, summary) =>
            {
                console.Line($"{ConsoleText.Sanitize(target.Image)}: {summary}");
                Progress();
            },
            (target, problem) =>
            {
                failed++;
                string place = problem is InvalidFileException ? "" : $"{ConsoleText.Sanitize(target.Image)}: ";
                console.Note($"deeplab: {place}{ConsoleText.Sanitize(RemedyText.Describe(problem))}");
                Progress();
            },
            cancellation);
        return failed;

        void Progress()
        {
            done++;
            if (done < targets.Count) console.ImageProgress(done, targets.Count, clock.Elapsed);
        }
    }

    private static RgbImage Read(string image, CliConsole console)
    {
        if (image != PredictionTarget.Standard) return RgbImage.LoadUpright(image);
        using Stream input = console.OpenInput();
        return RgbImage.LoadUpright(input, "standard input");
    }

    private static string Written(PredictionOutputs outputs) =>
        (outputs.Overlay, outputs.Cutout) switch
        {
            (true, true) => "masks, overlays and cut-outs",
            (true, false) => "masks and overlays",
            (false, true) => "masks and cut-outs",
            (false, false) => "masks",
        };
}
