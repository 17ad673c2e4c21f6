using System.CommandLine;
using DeepLab.Data;
using DeepLab.Models;
using DeepLab.Weights;
using DeepLab.Weights.Formats.Onnx;

namespace DeepLab.Cli;

/// <summary><c>deeplab convert</c>: writes a network's weights in another format.</summary>
internal sealed class ConvertCommand
{
    private readonly Argument<string> _input, _output;
    private readonly Option<int?> _classes, _depth;
    private readonly Option<string?> _classesFile;
    private readonly Option<bool> _oneScale, _foldPreprocessing;

    private ConvertCommand(CliCommand command)
    {
        _input = new Argument<string>("IN") { Description = "weights in any readable format: .caffemodel, .pth, .safetensors; recognized by content" };
        _output = new Argument<string>("OUT") { Description = $"the file to write; its extension determines the format: {string.Join(", ", NetworkFile.Extensions)}" };
        command.Add(_input);
        command.Add(_output);
        _classes = command.AddOption<int?>("--classes", "refuse weights with another number of classes", "--NoLabels");
        command.Require(_classes, n => n is >= 2 and <= 255, "2 to 255");
        _depth = command.AddOption<int?>("--depth", "refuse weights of another depth");
        command.Require(_depth, n => n is int depth && DeepLabConfiguration.Depths.Contains(depth), "18, 34, 50, 101 or 152");
        _classesFile = command.AddOption<string?>(
            "--classes-file", "class names for the metadata, one line `index name` each [default: those in IN, or VOC's if there are 21]");
        _classesFile.HelpName = "FILE";
        _oneScale = command.AddOption<bool>("--one-scale", "for .onnx: only the scores at the image's own size, not the maximum over three scales");
        _foldPreprocessing = command.AddOption<bool>("--fold-preprocessing", "for .onnx: take pixels, uint8 [batch, height, width, 3] in RGB order, and preprocess them in the graph");
    }

    public static Command Create()
    {
        var command = new CliCommand("convert", "Writes the weights of a .caffemodel, .pth or .safetensors file as .pth, .safetensors or .onnx.")
        {
            Examples =
            [
                "deeplab convert train_iter_20000.caffemodel MS_DeepLab_resnet_trained_VOC.pth",
                "deeplab convert VOC12_scenes_20000.pth VOC12_scenes_20000.safetensors",
                "deeplab convert VOC12_scenes_20000.pth net.onnx --fold-preprocessing",
            ],
        };
        var options = new ConvertCommand(command);
        command.SetRun(options.Run);
        return command;
    }

    private int Run(ParseResult parse, CommandInvocation invocation)
    {
        CliConsole console = invocation.Console;
        string input = parse.GetValue(_input)!, output = parse.GetValue(_output)!;
        if (!NetworkFile.CanWrite(output)) throw new UsageException($"'{output}' has an unknown extension: it must end in {string.Join(", ", NetworkFile.Extensions)}");
        var onnx = new OnnxOptions { ThreeScales = !parse.GetValue(_oneScale), FoldPreprocessing = parse.GetValue(_foldPreprocessing) };
        if (onnx != new OnnxOptions() && Path.GetExtension(output) != ".onnx") throw new UsageException("--one-scale and --fold-preprocessing apply to .onnx files only");
        using NetworkWeights source = NetworkWeights.Open(input);
        console.Line($"read {ConsoleText.Sanitize(input)}");
        WeightsDisplay.Describe(source, console);
        source.RequireHead();
        RequireExpected(parse, source, input);
        foreach (string note in source.FindNotes()) console.Note($"note: {ConsoleText.Sanitize(note)}");
        IReadOnlyList<string>? names = source.ClassNames;
        if (parse.GetValue(_classesFile) is string file) names = ClassNames.Complete(source.Configuration.Classes, ClassNames.Load(file));
        else if (names is null && source.Configuration.Classes == ClassNames.Voc.Count) names = ClassNames.Voc;
        console.Row("checksum", NetworkFile.SaveWithChecksum(output, source.WithClassNames(names), onnx));
        console.Line($"written {ConsoleText.Sanitize(output)}, {ConsoleText.Count(new FileInfo(output).Length)} bytes");
        return 0;
    }

    private void RequireExpected(ParseResult parse, NetworkWeights source, string input)
    {
        if (parse.GetValue(_depth) is int depth && depth != source.Configuration.Depth)
            throw new DeepLabException($"{input} holds a network of depth {source.Configuration.Depth}, but --depth says {depth}");
        if (parse.GetValue(_classes) is int classes && classes != source.Configuration.Classes)
            throw new DeepLabException($"{input} has {source.Configuration.Classes} classes, but --classes says {classes}: \"deeplab init\" makes a last layer for other classes");
    }
}
