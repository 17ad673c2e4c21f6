using System.Collections;
using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Globalization;

namespace DeepLab.Cli;

/// <summary>
/// Help: usage, options with their defaults, examples. Long aliases (former names, and those of the seed's programs)
/// come after the description, so that the first column shows one name per option.
/// </summary>
internal sealed class CommandHelp : SynchronousCommandLineAction
{
    private const int Width = 118, LargestColumn = 34;

    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        Write(parseResult.CommandResult, parseResult.InvocationConfiguration.Output);
        return 0;
    }

    /// <summary>The words that call a command: <c>deeplab data check</c>.</summary>
    public static string PathOf(CommandResult result) =>
        result.Parent is CommandResult parent ? $"{PathOf(parent)} {result.Command.Name}" : "deeplab";

    /// <summary>The first parse error, in the style of the other messages.</summary>
    public static string Describe(ParseResult parse)
    {
        Command command = parse.CommandResult.Command;
        if (command.Subcommands.Count > 0)
        {
            string commands = string.Join(", ", command.Subcommands.Select(c => c.Name));
            return parse.UnmatchedTokens.Count > 0 ? $"'{parse.UnmatchedTokens[0]}' is not a command; the commands are {commands}" : $"no command given; the commands are {commands}";
        }

        string message = parse.Errors[0].Message.TrimEnd('.');
        int type = message.IndexOf(" as expected type", StringComparison.Ordinal);
        if (type < 0) return char.ToLowerInvariant(message[0]) + message[1..];
        string expected = message.Contains("Double", StringComparison.Ordinal) ? "a number"
            : message.Contains("UInt64", StringComparison.Ordinal) ? "a non-negative whole number" : "a whole number";
        return char.ToLowerInvariant(message[0]) + message[1..type] + $", expected {expected}";
    }

    private static void Write(CommandResult result, TextWriter output)
    {
        Command command = result.Command;
        foreach (string line in Wrap(command.Description ?? "", Width)) output.WriteLine(line);
        output.WriteLine();
        output.WriteLine("Usage:");
        string arguments = string.Concat(command.Arguments.Select(a => a.Arity.MinimumNumberOfValues > 0 ? $" {Label(a)}" : $" [{Label(a)}]"));
        output.WriteLine($"  {PathOf(result)}{(command.Subcommands.Count > 0 ? " COMMAND" : "")} [options]{arguments}");
        Section(output, "Arguments", command.Arguments.Select(a => (Label(a), a.Description ?? "")));
        Section(output, "Commands", command.Subcommands.Where(c => !c.Hidden).Select(c => (c.Name, c.Description ?? "")));
        IEnumerable<Option> inherited = result.Parent is CommandResult parent ? Inherited(parent) : [];
        Section(output, "Options", command.Options.Concat(inherited).Where(o => !o.Hidden).Select(o => (Names(o), Explain(o))));
        if (command is not CliCommand { Examples.Count: > 0 } examples) return;
        output.WriteLine();
        output.WriteLine("Examples:");
        foreach (string example in examples.Examples) output.WriteLine($"  {example}");
    }

    private static IEnumerable<Option> Inherited(CommandResult parent) =>
        parent.Command.Options.Where(o => o.Recursive).Concat(parent.Parent is CommandResult above ? Inherited(above) : []);

    private static string Label(Argument argument) =>
        (argument.HelpName ?? argument.Name) + (argument.Arity.MaximumNumberOfValues > 1 ? "…" : "");

    private static bool IsShort(string alias) => alias.Length == 2;

    private static string Names(Option option)
    {
        string names = string.Join(", ", option.Aliases.Where(a => IsShort(a) && a[0] == '-' && a != "-?").Append(option.Name));
        if (option.ValueType == typeof(bool) || option.Arity.MaximumNumberOfValues == 0) return names;
        return $"{names} {option.HelpName ?? (option.ValueType == typeof(string) || option.ValueType == typeof(string[]) ? "TEXT" : "N")}";
    }

    private static string Explain(Option option)
    {
        string text = option.Description ?? "";
        string others = string.Join(", ", option.Aliases.Where(a => !IsShort(a) && a.StartsWith("--", StringComparison.Ordinal)));
        if (others.Length > 0)
        {
            // A description that states the default itself ends with it.
            int end = text.EndsWith(']') ? text.LastIndexOf(" [default: ", StringComparison.Ordinal) : -1;
            text = text.Insert(end < 0 ? text.Length : end, $" (or {others})");
        }

        if (option.HasDefaultValue && option.GetDefaultValue() is object value and not false && Text(value) is { Length: > 0 } shown) text += $" [default: {shown}]";
        return text;
    }

    private static string Text(object value) => value switch
    {
        string text => text,
        Enum choice => choice.ToString().ToLowerInvariant(),
        double number when number is > 0 and < 1e-3 => number.ToString("0.####e-0", CultureInfo.InvariantCulture),
        IEnumerable values => string.Join(',', values.Cast<object>().Select(Text)),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    private static void Section(TextWriter output, string title, IEnumerable<(string Left, string Right)> rows)
    {
        (string Left, string Right)[] all = [.. rows];
        if (all.Length == 0) return;
        output.WriteLine();
        output.WriteLine(title + ":");
        int column = Math.Min(all.Max(r => r.Left.Length), LargestColumn);
        foreach ((string left, string right) in all)
        {
            // A label that is too long for its column has a line of its own.
            string label = left;
            if (label.Length > column)
            {
                output.WriteLine($"  {label}");
                label = "";
            }

            foreach (string line in Wrap(right, Width - column - 4))
            {
                output.WriteLine($"  {label.PadRight(column)}  {line}".TrimEnd());
                label = "";
            }
        }
    }

    private static IEnumerable<string> Wrap(string text, int width)
    {
        string line = "";
        foreach (string word in text.Split(' '))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > width)
            {
                yield return line;
                line = word;
            }
            else
            {
                line = line.Length == 0 ? word : $"{line} {word}";
            }
        }

        yield return line;
    }
}
