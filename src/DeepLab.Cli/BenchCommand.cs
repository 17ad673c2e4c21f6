using System.CommandLine;

namespace DeepLab.Cli;

/// <summary><c>deeplab bench</c>.</summary>
internal static class BenchCommand
{
    public static Command Create()
    {
        var command = new CliCommand("bench", "(not there yet)") { Examples = ["deeplab bench"] };
        command.SetRun((_, _) => throw new DeepLabException("bench is not there yet"));
        return command;
    }
}
