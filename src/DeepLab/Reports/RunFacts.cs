using System.Reflection;
using System.Runtime.InteropServices;
using DeepLab.Cpu;
using DeepLab.IO;

namespace DeepLab.Reports;

/// <summary>What a page tells about the program that made it.</summary>
public static class RunFacts
{
    /// <summary>Version, runtime, machine and date.</summary>
    /// <param name="commandLine">The words that the program was called with; null leaves them out.</param>
    /// <param name="moment">The date.</param>
    public static IReadOnlyList<(string Term, string Value)> Here(IEnumerable<string>? commandLine, DateTimeOffset moment)
    {
        List<(string, string)> facts = [];
        if (commandLine is not null) facts.Add(("Command", string.Join(' ', commandLine.Select(Quote))));
        facts.Add(("Written", Numbers.Date(moment)));
        facts.Add(("DeepLab for .NET", Version(typeof(RunFacts).Assembly)));
        facts.Add((".NET", $"{Environment.Version}, {RuntimeInformation.OSDescription}"));
        facts.Add(("Processor", $"{RuntimeInformation.ProcessArchitecture}, {Environment.ProcessorCount} threads, {InstructionSets.Best} vectors"));
        return facts;
    }

    // As a shell takes them.
    private static string Quote(string word) =>
        word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "-_./=:,+@%~".Contains(c)) ? word : $"'{word.Replace("'", @"'\''", StringComparison.Ordinal)}'";

    private static string Version(Assembly assembly) =>
        assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? assembly.GetName().Version?.ToString() ?? "unknown";
}
