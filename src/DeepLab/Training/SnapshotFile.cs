using System.Globalization;

namespace DeepLab.Training;

/// <summary>A snapshot of training: <c>data/snapshots/VOC12_scenes_1000.pth</c>.</summary>
/// <param name="Path">The weights file.</param>
/// <param name="Iteration">The iteration after which it was written.</param>
public sealed record SnapshotFile(string Path, long Iteration)
{
    /// <summary>How the names of snapshots end, the default first.</summary>
    public static IReadOnlyList<string> Extensions { get; } = [".pth", ".safetensors"];

    private static string Endings => $"({string.Join('|', Extensions)})";

    /// <summary>The files <c>PREFIX&lt;iteration&gt;.pth</c> and <c>.safetensors</c> of a folder, the earliest first.</summary>
    /// <param name="folder">The folder; those in it are not searched.</param>
    /// <param name="prefix">What their names start with.</param>
    /// <exception cref="DeepLabException">The folder is not there or cannot be read, or it has no such file.</exception>
    public static IReadOnlyList<SnapshotFile> FindAll(string folder, string prefix)
    {
        if (!Directory.Exists(folder)) throw new DeepLabException($"{folder}: there is no such folder; it should hold snapshots, {prefix}<iteration>{Endings}");
        string[] files = WeightsIn(folder);
        SnapshotFile[] found = [.. files.Select(f => Parse(f, prefix)).OfType<SnapshotFile>().OrderBy(s => s.Iteration).ThenBy(s => s.Path, StringComparer.Ordinal)];
        if (found.Length > 0) return found;
        string there = files.Length == 0
            ? $"no {string.Join(" or ", Extensions)} file at all"
            : $"{string.Join(", ", files.Select(f => System.IO.Path.GetFileName(f)).Order(StringComparer.Ordinal).Take(5))}{(files.Length > 5 ? $" and {files.Length - 5} more" : "")}";
        throw new DeepLabException($"{folder}: holds no snapshot {prefix}<iteration>{Endings}; it has {there}");
    }

    /// <summary>The files of a folder whose names end in a number and one of <see cref="Extensions"/>, whatever they begin with, the earliest first; none if there are none.</summary>
    /// <exception cref="DeepLabException">The folder cannot be read.</exception>
    public static IReadOnlyList<SnapshotFile> FindNumbered(string folder) =>
        [.. WeightsIn(folder).Select(FromNumbered).OfType<SnapshotFile>().OrderBy(s => s.Iteration).ThenBy(s => s.Path, StringComparer.Ordinal)];

    /// <summary>A file whose name ends in a number before its extension, taken for the iteration; null where it does not.</summary>
    public static SnapshotFile? FromNumbered(string path)
    {
        string name = System.IO.Path.GetFileNameWithoutExtension(path);
        return Parse(path, name.TrimEnd("0123456789".ToCharArray()));
    }

    private static string[] WeightsIn(string folder)
    {
        try
        {
            return [.. Directory.GetFiles(folder).Where(f => Extensions.Contains(System.IO.Path.GetExtension(f)))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DeepLabException($"{folder}: cannot be read: {e.Message}", e);
        }
    }

    private static SnapshotFile? Parse(string path, string prefix)
    {
        string name = System.IO.Path.GetFileNameWithoutExtension(path);
        return name.StartsWith(prefix, StringComparison.Ordinal)
            && long.TryParse(name.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long iteration)
            ? new SnapshotFile(path, iteration)
            : null;
    }
}
