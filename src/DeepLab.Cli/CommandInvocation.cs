using System.CommandLine;

namespace DeepLab.Cli;

/// <summary>What a command is run with in addition to its options.</summary>
internal sealed class CommandInvocation : InvocationConfiguration
{
    /// <summary>Where output and progress go.</summary>
    public required CliConsole Console { get; init; }

    /// <summary>Stops the command (Ctrl-C).</summary>
    public required CancellationToken Cancellation { get; init; }

    /// <summary>The command line as it was given.</summary>
    public static IEnumerable<string> Words(ParseResult parse) => parse.Tokens.Select(t => t.Value).Prepend("deeplab");
}

/// <summary>The command line is wrong: exit status 2.</summary>
/// <param name="message">One line without a full stop: what is wrong, and what was expected.</param>
internal sealed class UsageException(string message) : Exception(message)
{
    /// <summary>Runs what parses an option's text, so that its errors are errors of usage that name the option.</summary>
    /// <param name="option">The name of the option.</param>
    /// <param name="read">Parses its text.</param>
    public static T Reading<T>(string option, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (DeepLabException e) when (e is not InvalidFileException)
        {
            throw new UsageException($"{option}: {RemedyText.Describe(e)}");
        }
    }
}

/// <summary>A command with examples for its help.</summary>
internal sealed class CliCommand(string name, string description) : Command(name, description)
{
    /// <summary>Complete command lines, shown at the end of the help.</summary>
    public required IReadOnlyList<string> Examples { get; init; }

    /// <summary>Sets what the command does; the result is the exit status.</summary>
    public void SetRun(Func<ParseResult, CommandInvocation, int> run) =>
        SetAction(parse => run(parse, (CommandInvocation)parse.InvocationConfiguration));

    /// <summary>Adds an option with a default.</summary>
    /// <param name="name">The name that the help shows first.</param>
    /// <param name="description">What it is, without its default, which the help adds.</param>
    /// <param name="value">The default.</param>
    /// <param name="aliases">Other names: short ones, former ones, and those of the seed's programs.</param>
    public Option<T> AddOptionWithDefault<T>(string name, string description, T value, params string[] aliases)
    {
        Option<T> option = AddOption<T>(name, description, aliases);
        option.DefaultValueFactory = _ => value;
        return option;
    }

    /// <summary>Adds an option without a default.</summary>
    public Option<T> AddOption<T>(string name, string description, params string[] aliases)
    {
        var option = new Option<T>(name, aliases) { Description = description };
        Add(option);
        return option;
    }

    /// <summary>Adds a condition that an option's value must meet.</summary>
    public void Require<T>(Option<T> option, Func<T, bool> isGood, string expected) => option.Validators.Add(result =>
    {
        if (result.Implicit || result.Errors.Any()) return;
        T? value;
        try
        {
            value = result.GetValueOrDefault<T>();
        }
        catch (InvalidOperationException)
        {
            return; // It could not be parsed; the parser reports that itself.
        }

        if (value is not null && !isGood(value)) result.AddError($"{option.Name} is {string.Join(' ', result.Tokens)}, expected {expected}");
    });
}
