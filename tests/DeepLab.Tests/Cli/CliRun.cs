using DeepLab.Cli;

namespace DeepLab.Tests.Cli;

/// <summary>A command line run in this process.</summary>
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

    /// <summary>
    /// Runs a command line with bytes on standard input, and returns those written to standard output.
    /// </summary>
    public static (CliRun Run, byte[] Output) Piped(byte[] input, params string[] args)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        var bytes = new MemoryStream();
        var console = new CliConsole(output, error, isTerminal: false) { OpenInput = () => new MemoryStream(input), OpenOutput = () => bytes };
        int status = Program.Run(args, console, CancellationToken.None);
        return (new CliRun(status, output.ToString(), error.ToString()), bytes.ToArray());
    }
}
