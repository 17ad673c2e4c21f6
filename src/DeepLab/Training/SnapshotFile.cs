using System.Globalization;

namespace DeepLab.Training;

/// <summary>A snapshot of training: <c>data/snapshots/VOC12_scenes_1000.pth</c>.</summary>
/// <param name="Path">The weights file.</param>
/// <param name="Iteration">The iteration after which it was written.</param>
public sealed record SnapshotFile(string Path, long Iteration)
{
    /// <summary>The extensions of snapshots, the default first.</summary>
    public static IReadOnlyList<string> Extensions { get; } = [".pth", ".safetensors"];

    private static string Endings => $"({string.Join('|', Extensions)})";

    /// <summary>
    /// The files <c>PREFIX&lt;iteration&gt;.pth</c> and <c>.safetensors</c> of a folder, in the order of their
    /// iterations.
    /// </summary>
    /// <param name="folder">The folder; its subfolders are not searched.</param>
    /// <param name="prefix">What their names start with, before the iteration.</param>
    /// <exception cref="DeepLabException">
    /// The folder does not exist or cannot be read, or it has no such file.
    /// </exception>
    public static IReadOnlyList<SnapshotFile> FindAll(string folder, string prefix)
    {
        if (!Directory.Exists(folder)) throw new DeepLabException($"{folder}: no such folder; expected one with snapshots named {prefix}<iteration>{Endings}");
        string[] files = WeightsIn(folder);
        SnapshotFile[] found = InOrder(files.Select(f => Parse(f, prefix)));
        return found.Length > 0
            ? found
            : throw new DeepLabException($"{folder}: contains no snapshot named {prefix}<iteration>{Endings}; it contains {Listed(files)}");
    }

    /// <summary>
    /// The files of a folder whose names end in a number and one of <see cref="Extensions"/>, whatever they begin with,
    /// in the order of their iterations. Empty if there are none.
    /// </summary>
    /// <exception cref="DeepLabException">The folder cannot be read.</exception>
    internal static IReadOnlyList<SnapshotFile> FindNumbered(string folder) =>
        InOrder(WeightsIn(folder).Select(FromNumbered));

    /// <summary>
    /// A file whose name ends in a number before its extension, which is taken for the iteration; null if it does not.
    /// </summary>
    internal static SnapshotFile? FromNumbered(string path)
    {
        string name = System.IO.Path.GetFileNameWithoutExtension(path);
        return Parse(path, name.TrimEnd("0123456789".ToCharArray()));
    }

    private static SnapshotFile[] InOrder(IEnumerable<SnapshotFile?> snapshots) =>
        [.. snapshots.OfType<SnapshotFile>().OrderBy(s => s.Iteration).ThenBy(s => s.Path, StringComparer.Ordinal)];

    private static string Listed(string[] files)
    {
        const int most = 5;
        if (files.Length == 0) return $"no {string.Join(" or ", Extensions)} file";
        string first = string.Join(", ", files.Select(f => System.IO.Path.GetFileName(f)).Order(StringComparer.Ordinal).Take(most));
        return files.Length > most ? $"{first} and {files.Length - most} more" : first;
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
