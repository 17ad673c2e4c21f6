using System.Globalization;

namespace DeepLab.Data;

/// <summary>The colours that stand for classes in a data set's label images. Several colours may stand for one class.</summary>
public sealed class LabelColors
{
    private const int MaxFileBytes = 1 << 20;

    private readonly Dictionary<int, byte> _indexOf = [];
    private readonly SortedDictionary<int, string> _names = [];

    private LabelColors()
    {
    }

    /// <summary>Each class index's name; of several lines with one index, the first one's.</summary>
    public IReadOnlyDictionary<int, string> Names => _names;

    /// <summary>
    /// Reads a text file with a line <c>index name r g b</c> for each colour: the class (0 to 255), its name (which may
    /// hold spaces), and red, green and blue from 0 to 255. Empty lines and lines that begin with # are passed over.
    /// </summary>
    /// <exception cref="InvalidFileException">The file cannot be read, a line is malformed, or a colour is given to two classes.</exception>
    public static LabelColors Load(string path)
    {
        var colors = new LabelColors();
        string[] lines = ReadLines(path);
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i].Trim();
            if (line.Length == 0 || line.StartsWith('#')) continue;
            colors.Add(line, i + 1, path);
        }

        if (colors._names.Count == 0)
            throw new InvalidFileException(path, "no colours in it; a line `index name r g b` for each class was expected");
        return colors;
    }

    /// <summary>The class that a colour stands for; false if it stands for none.</summary>
    public bool TryGetIndex(byte r, byte g, byte b, out byte index) => _indexOf.TryGetValue(Key(r, g, b), out index);

    /// <summary>Looks up each pixel of [height, width, 3]; gives [height, width].</summary>
    internal byte[] Map(ReadOnlySpan<byte> pixels, int width, string name)
    {
        byte[] labels = new byte[pixels.Length / 3];
        int lastKey = -1;
        byte lastIndex = 0;
        for (int i = 0; i < labels.Length; i++)
        {
            ReadOnlySpan<byte> pixel = pixels.Slice(3 * i, 3);
            int key = Key(pixel[0], pixel[1], pixel[2]);
            if (key != lastKey) // neighbours mostly share their colour
            {
                if (!_indexOf.TryGetValue(key, out lastIndex))
                {
                    throw new InvalidFileException(
                        name,
                        $"the color {pixel[0]} {pixel[1]} {pixel[2]} of the pixel in column {i % width}, row {i / width} is no class's; "
                        + "the list of colors needs a line for it (index 255 for \"ignored\")");
                }

                lastKey = key;
            }

            labels[i] = lastIndex;
        }

        return labels;
    }

    private static int Key(byte r, byte g, byte b) => (r << 16) | (g << 8) | b;

    private static string[] ReadLines(string path)
    {
        try
        {
            long length = new FileInfo(path).Length;
            if (length > MaxFileBytes)
                throw new InvalidFileException(path, $"{length} bytes are too many for a list of colours (at most {MaxFileBytes}); a line `index name r g b` for each class was expected");
            return File.ReadAllLines(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InvalidFileException(path, "no such file", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidFileException(path, $"cannot be read: {e.Message}", e);
        }
    }

    private void Add(string line, int number, string path)
    {
        string[] words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        Span<byte> values = stackalloc byte[4];
        bool good = words.Length >= 5 && TryParse(words[0], out values[0]);
        for (int i = 1; good && i <= 3; i++)
            good = TryParse(words[^(4 - i)], out values[i]);
        if (!good)
            throw new InvalidFileException(path, $"line {number} is \"{Shorten(line)}\"; expected `index name r g b`, numbers from 0 to 255");

        byte index = values[0];
        if (!_indexOf.TryAdd(Key(values[1], values[2], values[3]), index) && _indexOf[Key(values[1], values[2], values[3])] != index)
        {
            throw new InvalidFileException(path, $"line {number} gives the colour {values[1]} {values[2]} {values[3]} to class {index}, "
                + $"but an earlier line gives it to class {_indexOf[Key(values[1], values[2], values[3])]}");
        }

        _names.TryAdd(index, string.Join(' ', words[1..^3]));
    }

    private static bool TryParse(string word, out byte value) =>
        byte.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out value);

    private static string Shorten(string line) => line.Length <= 80 ? line : line[..80] + "…";
}
