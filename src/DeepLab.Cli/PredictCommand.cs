using System.CommandLine;
using DeepLab.Data;
using DeepLab.Evaluation;
using DeepLab.Imaging;
using DeepLab.Kernels;
using DeepLab.Models;
using DeepLab.Weights;

namespace DeepLab.Cli;

/// <summary><c>deeplab predict</c>: writes the masks of photographs.</summary>
internal sealed class PredictCommand
{
    private readonly Option<string> _weights, _output;
    private readonly Option<string?> _scores, _classesFile;
    private readonly Argument<string[]> _images;
    private readonly RuntimeArguments _runtime;

    private PredictCommand(CliCommand command)
    {
        _images = new Argument<string[]>("IMAGE")
        {
            Description = "JPEG or PNG images, or folders: all .jpg, .jpeg and .png files right in them",
            Arity = ArgumentArity.OneOrMore,
        };
        command.Add(_images);
        _weights = command.AddOption<string>("--weights", "the network: .pth, .safetensors or .caffemodel", aliases: ["-w"]);
        (_weights.HelpName, _weights.Required) = ("FILE", true);
        _output = command.AddOption<string>(
            "--output", "the folder for <name>.png, the labels as a palette PNG in VOC's colours, and <name>_overlay.jpg, those colours over the image", aliases: ["-o"]);
        (_output.HelpName, _output.Required) = ("DIR", true);
        _scores = command.AddOption<string?>(
            "--save-scores", "also write <name>.npy here: the fused scores, float32 [classes, h, w], at the network's resolution and of the padded square");
        _scores.HelpName = "DIR";
        _classesFile = command.AddOption<string?>(
            "--classes-file", "names of the classes, a line `index name` each [default: labels.txt beside an image's folder, if that is called JPEGImages, else the names in the weights]");
        _classesFile.HelpName = "FILE";
        _runtime = new RuntimeArguments(command);
    }

    public static Command Create()
    {
        var command = new CliCommand("predict", "Predicts the class of every pixel of photographs, and prints the classes found.")
        {
            Examples =
            [
                "deeplab predict --weights net.pth -o masks photo.jpg",
                "deeplab predict --weights net.pth -o masks --save-scores scores --classes-file labels.txt photos/",
            ],
        };
        var options = new PredictCommand(command);
        command.SetRun(options.Run);
        return command;
    }

    private int Run(ParseResult parse, CommandInvocation invocation)
    {
        CliConsole console = invocation.Console;
        string output = parse.GetValue(_output)!, weights = parse.GetValue(_weights)!;
        string? scores = parse.GetValue(_scores);
        IReadOnlyList<PredictionTarget> targets = PredictionTarget.Find(parse.GetValue(_images)!, output, scores);
        ClassNameSource names;
        using (WeightsFile file = WeightsFile.Open(weights))
        {
            file.RequireHead();
            names = new ClassNameSource(file.Configuration.Classes, file.ClassNames, parse.GetValue(_classesFile), targets.Select(t => t.Image));
        }

        CodecLibrary.RequireAll();
        using Backend backend = _runtime.CreateBackend(parse, console);
        DeepLabResNet network = NetworkFile.Load(weights, backend);
        using var predictor = new Predictor(network);
        int failed = 0;
        for (int i = 0; i < targets.Count; i++)
        {
            invocation.Cancellation.ThrowIfCancellationRequested();
            PredictionTarget target = targets[i];
            console.Progress($"{i + 1}/{targets.Count} {Printable.Of(target.Image)}");
            if (TryPredict(predictor, target, console) is not (RgbImage image, ScoreMap map))
            {
                failed++;
                continue;
            }

            LabelMap labels = Predictor.Labels(map, image.Height, image.Width);
            if (target.Scores is not null) NpyFile.Write(target.Scores, [map.Classes, map.Size.Height, map.Size.Width], map.ToChannelsFirst());
            labels.Save(target.Labels, Palette.Voc);
            Overlay.Blend(image, labels, Palette.Voc).Save(target.Overlay);
            console.Line($"{Printable.Of(target.Image)}: {Summary(labels, names.Of(target.Image))}");
        }

        console.Line(targets.Count == failed ? "nothing was written" : $"masks and overlays: {Printable.Of(output)}");
        if (failed == 0) return 0;
        console.Note($"deeplab: {failed} of {targets.Count} image{(targets.Count == 1 ? "" : "s")} could not be predicted");
        return Program.Failed;
    }

    private static (RgbImage Image, ScoreMap Scores)? TryPredict(Predictor predictor, PredictionTarget target, CliConsole console)
    {
        try
        {
            RgbImage image = RgbImage.Load(target.Image);
            return (image, predictor.Scores(image));
        }
        catch (InvalidFileException e)
        {
            console.Note($"deeplab: {Printable.Of(e.Message)}");
        }
        catch (DeepLabException e)
        {
            console.Note($"deeplab: {Printable.Of(target.Image)}: {Printable.Of(e.Message)}");
        }

        return null;
    }

    /// <summary>The classes of a mask with their shares, the largest first: <c>road 61.2%, sky 30.1%</c>.</summary>
    private static string Summary(LabelMap labels, IReadOnlyList<string> names)
    {
        var counts = new long[256];
        foreach (byte label in labels.Labels) counts[label]++;
        return string.Join(", ", Enumerable.Range(0, names.Count)
            .Where(c => counts[c] > 0)
            .OrderByDescending(c => counts[c])
            .Select(c => $"{Printable.Of(names[c])} {Printable.Percent((double)counts[c] / labels.Labels.Length)}"));
    }

    /// <summary>Names of classes: those of a file for all, or of the dataset that an image lies in.</summary>
    private sealed class ClassNameSource
    {
        private readonly Dictionary<string, IReadOnlyList<string>> _byRoot = [];
        private readonly IReadOnlyList<string> _others;
        private readonly bool _lookAround;

        /// <summary>Reads all files at once, so that a malformed one is told before work begins.</summary>
        public ClassNameSource(int classes, IReadOnlyList<string>? known, string? file, IEnumerable<string> images)
        {
            _others = file is not null ? ClassNames.Complete(classes, ClassNames.Load(file)) : known ?? ClassNames.Complete(classes, null);
            _lookAround = file is null;
            if (!_lookAround) return;
            foreach (string root in images.Select(RootOf).OfType<string>().Distinct())
            {
                string labels = Path.Combine(root, "labels.txt");
                if (File.Exists(labels)) _byRoot[root] = ClassNames.Complete(classes, ClassNames.Load(labels));
            }
        }

        public IReadOnlyList<string> Of(string image) =>
            _lookAround && RootOf(image) is string root && _byRoot.TryGetValue(root, out IReadOnlyList<string>? names) ? names : _others;

        private static string? RootOf(string image)
        {
            string? folder = Path.GetDirectoryName(Path.GetFullPath(image));
            return Path.GetFileName(folder) == "JPEGImages" ? Path.GetDirectoryName(folder) : null;
        }
    }
}
