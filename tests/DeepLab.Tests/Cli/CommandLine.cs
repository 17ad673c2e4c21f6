using DeepLab.Cli;

namespace DeepLab.Tests.Cli;

/// <summary>What a command line printed, and its exit status.</summary>
internal sealed record CommandLineResult(int Status, string Out, string Error);

/// <summary>Runs the program in this process, as if its output went to a file.</summary>
internal static class CommandLine
{
    public static CommandLineResult Run(params string[] args) => Run(CancellationToken.None, args);

    public static CommandLineResult Run(CancellationToken cancellation, params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int status = Program.Run(args, new CliConsole(output, error, isTerminal: false), cancellation);
        return new CommandLineResult(status, output.ToString(), error.ToString());
    }
}
