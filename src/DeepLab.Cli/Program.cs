using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using System.Runtime.InteropServices;
using DeepLab.Models;

namespace DeepLab.Cli;

/// <summary>
/// The command line: exit status 0 for success, 1 for a failure, 2 for wrong usage, 130 when interrupted.
/// </summary>
internal static class Program
{
    public const int Failed = 1, WrongUsage = 2, Interrupted = 130;

    public static int Main(string[] args)
    {
        using var interruption = new CancellationTokenSource();
        var console = new CliConsole(Console.Out, Console.Error, CliConsole.StandardOutputIsTerminal);
        void Stop(PosixSignalContext signal)
        {
            // The first signal asks to finish what must not be interrupted; a second one ends the program at once.
            if (interruption.IsCancellationRequested) return;
            signal.Cancel = true;
            console.Note("stopping; interrupt again to stop at once");
            interruption.Cancel();
        }

        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        return Run(args, console, interruption.Token);
    }

    /// <summary>Runs one command line.</summary>
    /// <returns>The exit status.</returns>
    public static int Run(IReadOnlyList<string> args, CliConsole console, CancellationToken cancellation = default)
    {
        ParseResult parse = CreateRoot(out Option<bool> verbose).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        string pointer = $"; see {CommandHelp.PathOf(parse.CommandResult)} --help";
        try
        {
            if (parse.Errors.Count > 0) throw new UsageException(CommandHelp.Describe(parse));
            return parse.Invoke(new CommandInvocation
            {
                Console = console,
                Cancellation = cancellation,
                Output = console.Out,
                Error = console.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            });
        }
        catch (UsageException e)
        {
            return Report(console, e, e.Message + pointer, verbose: false, WrongUsage);
        }
        catch (OperationCanceledException e) when (cancellation.IsCancellationRequested)
        {
            return Report(console, e, "interrupted", verbose: false, Interrupted);
        }
        catch (Exception e) when (e is DeepLabException or IOException or UnauthorizedAccessException)
        {
            return Report(console, e, RemedyText.Describe(e), parse.GetValue(verbose), Failed);
        }
        catch (OutOfMemoryException e)
        {
            return Report(console, e, "not enough memory; a smaller --crop, image or --depth needs less", parse.GetValue(verbose), Failed);
        }
#pragma warning disable CA1031 // Anything else is a bug in this program, which a user should be able to report in one line.
        catch (Exception e)
#pragma warning restore CA1031
        {
            string message = $"internal error, please report it with the output of --verbose: {e.GetType().Name}: {e.Message}";
            return Report(console, e, message, parse.GetValue(verbose), Failed);
        }
    }

    private static RootCommand CreateRoot(out Option<bool> verbose)
    {
        verbose = new Option<bool>("--verbose") { Description = "add the stack trace to error messages", Recursive = true };
        var root = new RootCommand("DeepLab-ResNet (DeepLab v2) for semantic segmentation of photographs: training, evaluation and prediction on the CPU.")
        {
            TrainCommand.Create(), EvalCommand.Create(), PredictCommand.Create(), CrfCommand.Create(), ReportCommand.Create(), ConvertCommand.Create(), InitCommand.Create(),
            InfoCommand.Create(), DataCommand.Create(), BenchCommand.Create(), DemoCommand.Create(), verbose,
        };
        foreach (HelpOption help in root.Options.OfType<HelpOption>())
        {
            help.Description = "show this help";
            help.Action = new CommandHelp();
        }

        foreach (VersionOption version in root.Options.OfType<VersionOption>()) version.Description = "show the version";
        return root;
    }

    private static int Report(CliConsole console, Exception e, string message, bool verbose, int status)
    {
        console.Note($"deeplab: {message.ReplaceLineEndings(" ")}");
        if (verbose) console.Note(e.ToString());
        return status;
    }
}
