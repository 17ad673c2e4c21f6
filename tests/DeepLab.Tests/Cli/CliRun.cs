using DeepLab.Cli;

namespace DeepLab.Tests.Cli;

/// <summary>A command line that was run in this process.</summary>
internal sealed record CliRun(int Status, string Out, string Error)
{
    public static CliRun Of(params string[] args) => Of(CancellationToken.None, args);

    public static CliRun Of(CancellationToken cancellation, params string[] args)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        int status = Program.Run(args, new CliConsole(output, error, isTerminal: false), cancellation);
        return new CliRun(status, output.ToString(), error.ToString());
    }
}
