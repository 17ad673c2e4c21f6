using System.CommandLine;

namespace DeepLab.Cli;

/// <summary><c>deeplab info</c>.</summary>
internal static class InfoCommand
{
    public static Command Create()
    {
        var command = new CliCommand("info", "(not there yet)") { Examples = ["deeplab info"] };
        command.SetRun((_, _) => throw new DeepLabException("info is not there yet"));
        return command;
    }
}
