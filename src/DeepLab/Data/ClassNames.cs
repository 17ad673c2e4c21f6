using System.Globalization;
using DeepLab.IO;

namespace DeepLab.Data;

/// <summary>The names of classes: those of a file <c>labels.txt</c>, of PASCAL VOC, or numbers in words.</summary>
public static class ClassNames
{
    private const int LargestFile = 1 << 20, LongestShown = 40, MostShown = 40;

    /// <summary>PASCAL VOC's 21 classes, background first.</summary>
    public static IReadOnlyList<string> Voc { get; } =
    [
        "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
        "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
    ];

    /// <summary>
    /// Reads a file with a line <c>index name</c> for each class; blank lines are skipped, a name may hold spaces.
    /// </summary>
    /// <param name="path">The file, <c>labels.txt</c> of a dataset's root for instance.</param>
    /// <returns>The names by index, 0 to 255.</returns>
    /// <exception cref="InvalidFileException">
    /// It can't be read, or a line is not an index and a name, or an index comes twice.
    /// </exception>
    public static IReadOnlyDictionary<int, string> Load(string path)
    {
        var names = new SortedDictionary<int, string>();
        foreach ((int number, string line) in TextLines.Read(path, LargestFile))
        {
            string[] parts = line.Split((char[]?)null, 2, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (parts.Length != 2 || !byte.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out byte index))
                throw new InvalidFileException(path, $"line {number} is {BoundedText.Quote(line)}, expected an index from 0 to 255 and a name, as in \"7 car\"");
            if (!names.TryAdd(index, parts[1]))
                throw new InvalidFileException(path, $"line {number} names class {index} a second time");
        }

        if (names.Count == 0)
            throw new InvalidFileException(path, "names no class; expected a line \"index name\" for each class");
        return names;
    }

    /// <summary>
    /// A name for each of <paramref name="classes"/> classes: the given one, else VOC's if nothing is given and there
    /// are 21, else <c>class 7</c>.
    /// </summary>
    /// <param name="classes">How many classes there are.</param>
    /// <param name="names">Names by index, or null for none; those of other indices are left out.</param>
    public static IReadOnlyList<string> Complete(int classes, IReadOnlyDictionary<int, string>? names)
    {
        if (names is null && classes == Voc.Count) return Voc;
        var list = new string[classes];
        for (int k = 0; k < classes; k++)
            list[k] = names is not null && names.TryGetValue(k, out string? name) ? name : string.Create(CultureInfo.InvariantCulture, $"class {k}");
        return list;
    }

    /// <summary>
    /// The classes that a list asks for, by name (in any case, where no name fits exactly) or by index:
    /// <c>person,dog</c>, <c>15,12</c>.
    /// </summary>
    /// <param name="list">Names or indices with commas between them.</param>
    /// <param name="names">The classes' names by index.</param>
    /// <returns>The indices, each once, in the list's order.</returns>
    /// <exception cref="DeepLabException">There is no such class; the message names those that there are.</exception>
    public static IReadOnlyList<int> Select(string list, IReadOnlyList<string> names)
    {
        ArgumentNullException.ThrowIfNull(list);
        ArgumentNullException.ThrowIfNull(names);
        return [.. list.Split(',', StringSplitOptions.TrimEntries).Select(Find).Distinct()];

        int Find(string wanted)
        {
            int index = IndexOf(wanted, StringComparison.Ordinal);
            if (index < 0) index = IndexOf(wanted, StringComparison.OrdinalIgnoreCase);
            if (index >= 0) return index;
            if (int.TryParse(wanted, NumberStyles.None, CultureInfo.InvariantCulture, out index) && index < names.Count) return index;
            throw new DeepLabException(
                $"there is no class '{BoundedText.OneLine(wanted, LongestShown)}'; there are 0 to {names.Count - 1}: {BoundedText.List([.. names.Select(n => BoundedText.OneLine(n, LongestShown))], MostShown)}");
        }

        int IndexOf(string wanted, StringComparison comparison) => names.TakeWhile(n => !n.Equals(wanted, comparison)).Count() is int at && at < names.Count ? at : -1;
    }
}
