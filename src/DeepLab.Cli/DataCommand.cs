using System.CommandLine;

namespace DeepLab.Cli;

/// <summary><c>deeplab data</c>.</summary>
internal static class DataCommand
{
    public static Command Create()
    {
        var command = new CliCommand("data", "(not there yet)") { Examples = ["deeplab data"] };
        command.SetRun((_, _) => throw new DeepLabException("data is not there yet"));
        return command;
    }
}
