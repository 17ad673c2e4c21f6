using System.Globalization;
using DeepLab.Imaging;
using DeepLab.IO;

namespace DeepLab.Data;

/// <summary>
/// The colors that stand for classes in label images that hold colors instead of class indices. Several colors may
/// stand for one class.
/// </summary>
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
    /// Reads a text file with a line <c>index name r g b</c> for each color: the class (0 to 255), its name (which may
    /// hold spaces), and red, green and blue from 0 to 255. Empty lines and lines that begin with # are ignored.
    /// </summary>
    /// <exception cref="InvalidFileException">
    /// The file cannot be read, a line is malformed, or a color is given to two classes.
    /// </exception>
    public static LabelColors Load(string path)
    {
        var colors = new LabelColors();
        foreach ((int number, string line) in TextLines.Read(path, MaxFileBytes))
        {
            if (!line.StartsWith('#')) colors.Add(line, number, path);
        }

        if (colors._names.Count == 0)
            throw new InvalidFileException(path, "no colors in it; a line `index name r g b` for each class was expected");
        return colors;
    }

    /// <summary>Reads a label image of any kind of PNG, each pixel's color (alpha dropped) looked up.</summary>
    /// <param name="path">The label image.</param>
    /// <exception cref="InvalidFileException">
    /// The file cannot be read, is no PNG, is truncated or corrupted, claims a size over <see cref="ImageLimits"/>, or
    /// has a pixel whose color stands for no class.
    /// </exception>
    /// <exception cref="DeepLabException">libspng is not installed.</exception>
    internal LabelMap LoadLabels(string path)
    {
        byte[] data = ImageFile.ReadAll(path);
        ImageHeader header = LabelMap.ReadHeader(data, path);
        return new LabelMap(header.Height, header.Width, Map(PngCodec.DecodeRgb(data, header, path), header.Width, path));
    }

    /// <summary>Looks up each pixel of [height, width, 3]; gives [height, width].</summary>
    private byte[] Map(ReadOnlySpan<byte> pixels, int width, string name)
    {
        byte[] labels = new byte[pixels.Length / 3];
        int lastKey = -1;
        byte lastIndex = 0;
        for (int i = 0; i < labels.Length; i++)
        {
            ReadOnlySpan<byte> pixel = pixels.Slice(3 * i, 3);
            int key = Key(pixel[0], pixel[1], pixel[2]);
            if (key != lastKey) // neighbors mostly share their color
            {
                if (!_indexOf.TryGetValue(key, out lastIndex))
                {
                    string color = $"{pixel[0]} {pixel[1]} {pixel[2]}";
                    throw new InvalidFileException(
                        name,
                        $"the color {color} of the pixel in column {i % width}, row {i / width} is no class's; "
                        + "the list of colors needs a line for it (index 255 for \"ignored\")")
                    {
                        Remedy = new Remedy(RemedyKind.LabelColors, color),
                    };
                }

                lastKey = key;
            }

            labels[i] = lastIndex;
        }

        return labels;
    }

    private static int Key(byte r, byte g, byte b) => (r << 16) | (g << 8) | b;

    private void Add(string line, int number, string path)
    {
        string[] words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        Span<byte> values = stackalloc byte[4];
        bool good = words.Length >= 5 && TryParse(words[0], out values[0]);
        for (int i = 1; good && i <= 3; i++)
            good = TryParse(words[^(4 - i)], out values[i]);
        if (!good)
            throw new InvalidFileException(path, $"line {number} is {BoundedText.Quote(line)}; expected `index name r g b`, numbers from 0 to 255");

        byte index = values[0];
        if (!_indexOf.TryAdd(Key(values[1], values[2], values[3]), index) && _indexOf[Key(values[1], values[2], values[3])] != index)
        {
            throw new InvalidFileException(path, $"line {number} gives the color {values[1]} {values[2]} {values[3]} to class {index}, "
                + $"but an earlier line gives it to class {_indexOf[Key(values[1], values[2], values[3])]}");
        }

        _names.TryAdd(index, string.Join(' ', words[1..^3]));
    }

    private static bool TryParse(string word, out byte value) =>
        byte.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out value);
}
