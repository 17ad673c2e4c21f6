using System.CommandLine;

namespace DeepLab.Cli;

/// <summary><c>deeplab demo</c>.</summary>
internal static class DemoCommand
{
    public static Command Create()
    {
        var command = new CliCommand("demo", "(not there yet)") { Examples = ["deeplab demo"] };
        command.SetRun((_, _) => throw new DeepLabException("demo is not there yet"));
        return command;
    }
}
