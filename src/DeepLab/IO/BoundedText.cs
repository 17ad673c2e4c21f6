namespace DeepLab.IO;

/// <summary>
/// Texts, lists and shapes from files and command lines made fit for a message or a picture: printable, on one line, of
/// bounded length.
/// </summary>
internal static class BoundedText
{
    private const int LongestQuote = 80, MostSides = 6;
    private const string Dots = "...";

    /// <summary>A text in quotes: printable, on one line, and not too long.</summary>
    public static string Quote(string text) => $"'{OneLine(text, LongestQuote)}'";

    /// <summary>A text of at most so many characters, with spaces for those that cannot be printed.</summary>
    public static string OneLine(string text, int longest)
    {
        string cut = Shorten(text, longest);
        return string.Create(cut.Length, cut, static (span, source) =>
        {
            for (int i = 0; i < span.Length; i++) span[i] = IsPrintable(source[i]) ? source[i] : ' ';
        });
    }

    /// <summary>
    /// A text of at most so many characters, at least 3: what is longer is cut off and ends in three dots.
    /// </summary>
    public static string Shorten(string text, int longest)
    {
        if (text.Length <= longest) return text;
        int kept = longest - Dots.Length;
        if (kept > 0 && char.IsHighSurrogate(text[kept - 1])) kept--; // no half of a character stays
        return string.Concat(text.AsSpan(0, kept), Dots);
    }

    /// <summary>A list with commas, of which at most so many items are named: <c>a, b and 3 more</c>.</summary>
    public static string List(IReadOnlyCollection<string> items, int most)
    {
        string named = string.Join(", ", items.Take(most));
        return items.Count > most ? $"{named} and {items.Count - most} more" : named;
    }

    /// <summary>A shape in brackets.</summary>
    public static string Shape(IReadOnlyList<long> sides) => $"[{string.Join(", ", sides.Take(MostSides))}{(sides.Count > MostSides ? ", ..." : "")}]";

    /// <summary>
    /// Whether a character can stand in a line of text: no control character, none that turns the direction of the text
    /// around it, and none that Unicode reserves for programs.
    /// </summary>
    public static bool IsPrintable(char c) =>
        !char.IsControl(c) && c is not ((>= '\u202a' and <= '\u202e') or (>= '\u2066' and <= '\u2069') or '\ufffe' or '\uffff');
}
