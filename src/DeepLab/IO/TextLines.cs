namespace DeepLab.IO;

/// <summary>Lines of the small text files of a dataset, read with the care that files from strangers need.</summary>
internal static class TextLines
{
    /// <summary>
    /// The lines that are not blank, trimmed, with their numbers from 1. Any line ending will do; a byte-order mark is
    /// dropped.
    /// </summary>
    /// <exception cref="InvalidFileException">
    /// It can't be read, is larger than <paramref name="largestFile"/>, or is no text.
    /// </exception>
    public static List<(int Number, string Text)> Read(string path, long largestFile)
    {
        string text;
        try
        {
            long length = new FileInfo(path).Length;
            if (length > largestFile)
                throw new InvalidFileException(path, $"is {length} bytes large, expected a text file of at most {largestFile}");
            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new InvalidFileException(path, $"cannot be read: {e.Message}", e);
        }

        var lines = new List<(int, string)>();
        int number = 0;
        foreach (ReadOnlySpan<char> line in text.AsSpan().EnumerateLines())
        {
            number++;
            ReadOnlySpan<char> trimmed = line.Trim();
            if (trimmed.IsEmpty) continue;
            foreach (char c in trimmed)
            {
                if (char.IsControl(c) && c != '\t')
                    throw new InvalidFileException(path, $"line {number} holds the control character {(int)c}, so it is no text file");
            }

            lines.Add((number, trimmed.ToString()));
        }

        return lines;
    }
}
