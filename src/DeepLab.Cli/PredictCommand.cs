using System.CommandLine;

namespace DeepLab.Cli;

/// <summary><c>deeplab predict</c>.</summary>
internal static class PredictCommand
{
    public static Command Create()
    {
        var command = new CliCommand("predict", "(not there yet)") { Examples = ["deeplab predict"] };
        command.SetRun((_, _) => throw new DeepLabException("predict is not there yet"));
        return command;
    }
}
