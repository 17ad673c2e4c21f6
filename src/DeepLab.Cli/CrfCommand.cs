using System.CommandLine;
using DeepLab.Crf;
using DeepLab.Data;
using DeepLab.Imaging;
using DeepLab.Inference;
using DeepLab.Tensors;

namespace DeepLab.Cli;

/// <summary><c>deeplab crf</c>: refines the scores of an image, whatever program computed them.</summary>
internal sealed class CrfCommand
{
    private readonly Argument<string> _image, _scores;
    private readonly Option<string> _output;
    private readonly Option<bool> _probabilities, _padded;
    private readonly Option<int?> _paddedSide;
    private readonly CrfArguments _crf;
    private readonly Option<int> _threads;

    private CrfCommand(CliCommand command)
    {
        _image = new Argument<string>("IMAGE") { Description = "the photograph, JPEG or PNG; a JPEG is rotated as its EXIF data says, as predict does" };
        command.Add(_image);
        _scores = new Argument<string>("SCORES.npy")
        {
            Description = "its scores, [classes, h, w] of float32, before the softmax; if they are smaller than the image, they are resized bilinearly with aligned corners",
        };
        command.Add(_scores);
        _output = command.AddOption<string>("--output", "file to write: .npy for the marginals, [classes, height, width] at the image's size, or .png for the labels in VOC's colours", "-o");
        (_output.HelpName, _output.Required) = ("OUT", true);
        _probabilities = command.AddOptionWithDefault("--probabilities", "the scores are already probabilities: each from 0 to 1, adding up to 1 per pixel", false);
        _padded = command.AddOptionWithDefault(
            "--padded",
            $"the scores cover the image padded at the right and the bottom to a square of {Predictor.DefaultSide} pixels, or of its longer side if that is larger, as \"deeplab predict --save-scores\" writes them; without this option they cover the image alone",
            false);
        _paddedSide = command.AddOption<int?>("--padded-side", "like --padded, for a square of this side");
        command.Require(_paddedSide, n => n is null or (>= 1 and <= RgbImage.MaxSide), $"1 to {RgbImage.MaxSide}");
        _crf = new CrfArguments(command);
        _threads = RuntimeArguments.AddThreads(command);
    }

    public static Command Create()
    {
        var command = new CliCommand("crf", "Refines the scores of an image with a dense CRF, which aligns the boundaries of classes with edges in the image.")
        {
            Examples =
            [
                "deeplab crf photo.jpg scores.npy -o labels.png",
                "deeplab crf photo.jpg softmax.npy --probabilities --crf-iterations 5 -o marginals.npy",
                "deeplab crf photo.jpg scores/photo.npy --padded -o labels.png",
            ],
        };
        var options = new CrfCommand(command);
        command.SetRun(options.Run);
        return command;
    }

    private int Run(ParseResult parse, CommandInvocation invocation)
    {
        string imageFile = parse.GetValue(_image)!, scoresFile = parse.GetValue(_scores)!, output = parse.GetValue(_output)!;
        bool asLabels = WritesLabels(output, imageFile, scoresFile);
        if (parse.GetValue(_padded) && parse.GetValue(_paddedSide) is not null) throw new UsageException("--padded and --padded-side are mutually exclusive: give the one for the side that predict pads to, the other for another side");
        DenseCrfOptions options = _crf.Options(parse)!;
        if (asLabels) CodecLibrary.RequireAll();
        RgbImage image = RgbImage.LoadUpright(imageFile);
        ScoreFile scores = ScoreFile.Read(scoresFile, Covered(parse, image), parse.GetValue(_probabilities));
        using var refinement = new CrfRefinement(options, parse.GetValue(_threads));
        ReadOnlySpan<float> marginals = refinement.Marginals(scores, image);
        if (asLabels)
        {
            var labels = new LabelMap(image.Height, image.Width);
            CrfRefinement.ArgMax(marginals, scores.Classes, labels.Labels);
            labels.Save(output, Palette.Voc);
        }
        else
        {
            ScoreFile.Write(output, marginals, new MapSize(image.Height, image.Width), scores.Classes);
        }

        string over = scores.Covered == new MapSize(image.Height, image.Width) ? "the image" : $"its padded square of {scores.Covered.Width}";
        invocation.Console.Line(
            $"{(asLabels ? "labels" : "marginals")} of {image.Width}×{image.Height} pixels and {scores.Classes} classes, from {scores.Size.Width}×{scores.Size.Height} scores over {over}, {options.Iterations} iterations: {ConsoleText.Sanitize(output)}");
        return 0;
    }

    private static bool WritesLabels(string output, string image, string scores)
    {
        bool? asLabels = Path.GetExtension(output).ToLowerInvariant() switch { ".png" => true, ".npy" => false, _ => null };
        if (asLabels is null) throw new UsageException($"'{ConsoleText.Sanitize(output)}' has no known extension: it must end in .npy (marginals) or .png (labels)");
        foreach (string source in (string[])[image, scores])
        {
            if (Path.GetFullPath(source) == Path.GetFullPath(output)) throw new UsageException($"{ConsoleText.Sanitize(source)} is an input that would be overwritten: give --output another name");
        }

        return asLabels.Value;
    }

    private MapSize Covered(ParseResult parse, RgbImage image)
    {
        int? side = parse.GetValue(_paddedSide);
        if (side < Math.Max(image.Height, image.Width))
            throw new DeepLabException($"--padded-side is {side}, but an image of {image.Width}×{image.Height} is padded to {Math.Max(image.Height, image.Width)} or more");
        if (parse.GetValue(_padded)) side = Predictor.PaddedSide(image.Height, image.Width);
        return side is int n ? new MapSize(n, n) : new MapSize(image.Height, image.Width);
    }
}
