using System.CommandLine;

namespace DeepLab.Cli;

/// <summary><c>deeplab eval</c>.</summary>
internal static class EvalCommand
{
    public static Command Create()
    {
        var command = new CliCommand("eval", "(not there yet)") { Examples = ["deeplab eval"] };
        command.SetRun((_, _) => throw new DeepLabException("eval is not there yet"));
        return command;
    }
}
