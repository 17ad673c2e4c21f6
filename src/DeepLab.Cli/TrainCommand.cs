using System.CommandLine;

namespace DeepLab.Cli;

/// <summary><c>deeplab train</c>.</summary>
internal static class TrainCommand
{
    public static Command Create()
    {
        var command = new CliCommand("train", "(not there yet)") { Examples = ["deeplab train"] };
        command.SetRun((_, _) => throw new DeepLabException("train is not there yet"));
        return command;
    }
}
