namespace DeepLab.IO;

/// <summary>A stranger's text and numbers in messages.</summary>
internal static class FileText
{
    private const int LongestText = 80, MostSides = 6;

    /// <summary>A text in quotes: printable, of one line, and not too long.</summary>
    public static string Quote(string text) => $"'{OneLine(text, LongestText)}'";

    /// <summary>A text without line breaks and control characters, cut off where it is longer.</summary>
    public static string OneLine(string text, int longest) => string.Create(
        Math.Min(text.Length, longest) + (text.Length > longest ? 3 : 0),
        text,
        (span, source) =>
        {
            span.Fill('.');
            for (int i = 0; i < Math.Min(source.Length, longest); i++)
                span[i] = char.IsControl(source[i]) ? ' ' : source[i];
        });

    /// <summary>A shape in brackets.</summary>
    public static string Shape(IReadOnlyList<long> sides) => $"[{string.Join(", ", sides.Take(MostSides))}{(sides.Count > MostSides ? ", ..." : "")}]";
}
