using System.Globalization;
using DeepLab.Visualization;

namespace DeepLab.Cli;

/// <summary>Names and texts that come from files, made fit for one line of a terminal.</summary>
internal static class ConsoleText
{
    private const int Longest = 1000;

    /// <summary>The text without control characters, which could move a terminal's cursor, and not too long.</summary>
    public static string Sanitize(string text) =>
        string.Concat(text.Take(Longest).Select(c => char.IsControl(c) ? '?' : c)) + (text.Length > Longest ? "..." : "");

    /// <summary>The text as part of a file's name: separators and control characters become underscores.</summary>
    public static string FileName(string text) =>
        string.Concat(text.Select(c => char.IsControl(c) || c is '/' or '\\' || Path.GetInvalidFileNameChars().Contains(c) ? '_' : c));

    /// <summary>A share as 12.3%; what is there but rounds to nothing as &lt;0.1%.</summary>
    public static string Percent(double share) => ClassShare.Percent(share);

    /// <summary>A count with its digits in groups: 1,234,567.</summary>
    public static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);
}
