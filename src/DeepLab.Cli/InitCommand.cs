using System.CommandLine;
using DeepLab.Backends;
using DeepLab.Models;
using DeepLab.Training;
using DeepLab.Weights;

namespace DeepLab.Cli;

/// <summary><c>deeplab init</c>: net surgery, which gives trained weights a new last layer.</summary>
internal sealed class InitCommand
{
    private readonly Option<string> _from, _output;
    private readonly Option<int> _classes;
    private readonly Option<ulong> _seed;

    private InitCommand(CliCommand command)
    {
        _from = command.AddOption<string>("--from", "the weights: .caffemodel, .pth or .safetensors, with or without a last layer");
        (_from.HelpName, _from.Required) = ("FILE", true);
        _classes = command.AddOptionWithDefault("--classes", "classes of the new last layer, including the background", new DeepLabConfiguration().Classes, "--NoLabels");
        command.Require(_classes, n => n is >= 2 and <= 255, "2 to 255");
        _seed = RuntimeArguments.AddSeed(command);
        _output = command.AddOptionWithDefault("--output", $"the file to write: {string.Join(", ", SnapshotFile.Extensions)}; train starts from the default file", TrainingArguments.DefaultInit, "-o");
        _output.HelpName = "FILE";
    }

    public static Command Create()
    {
        var command = new CliCommand("init", "Net surgery: keeps every layer but the last, which is initialized at random (Gaussian with standard deviation 0.01, zero bias).")
        {
            Examples =
            [
                "deeplab init --from init.caffemodel --classes 21",
                "deeplab init --from resnet101.pth --classes 2 --seed 7 -o data/start.pth",
            ],
        };
        var options = new InitCommand(command);
        command.SetRun(options.Run);
        return command;
    }

    private int Run(ParseResult parse, CommandInvocation invocation)
    {
        CliConsole console = invocation.Console;
        string from = parse.GetValue(_from)!, output = parse.GetValue(_output)!;
        if (!SnapshotFile.Extensions.Contains(Path.GetExtension(output), StringComparer.OrdinalIgnoreCase))
            throw new UsageException($"'{output}' has an extension that training cannot start from: it must end in {string.Join(", ", SnapshotFile.Extensions)}");
        using Backend backend = Device.Cpu.CreateBackend(new BackendOptions { Threads = 1 });
        DeepLabResNet network;
        using (NetworkWeights source = NetworkWeights.Open(from))
        {
            console.Line($"read {ConsoleText.Sanitize(from)}");
            WeightsDisplay.Describe(source, console);
            network = new DeepLabResNet(backend, source.Configuration with { Classes = parse.GetValue(_classes) });
            NetworkFile.LoadInto(source, network);
        }

        network.InitializeHead(parse.GetValue(_seed));
        NetworkFile.Save(output, network);
        console.Row("last layer", $"initialized at random for {network.Configuration.Classes} classes");
        console.Row("checksum", NetworkWeights.Of(network).Checksum());
        console.Line($"written {ConsoleText.Sanitize(output)}, {ConsoleText.Count(new FileInfo(output).Length)} bytes");
        return 0;
    }
}
