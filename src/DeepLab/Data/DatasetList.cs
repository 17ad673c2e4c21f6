using DeepLab.IO;

namespace DeepLab.Data;

/// <summary>
/// Reads the list of a dataset's split: one id per line, or the paths of an image and its label image, as DeepLab's
/// Caffe lists have them (<c>/JPEGImages/2007_000032.jpg /SegmentationClassAug/2007_000032.png</c>).
/// </summary>
internal sealed class DatasetList
{
    private const long LargestFile = 256 << 20;
    private static readonly string[] s_imageExtensions = [".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG"];
    private static readonly string[] s_labelExtensions = [".png", ".PNG"];
    private static readonly char[] s_blanks = [' ', '\t'];

    // A directory is listed once, however many of its files are asked for: on network drives that is minutes saved.
    private readonly Dictionary<string, HashSet<string>> _directories = [];
    private readonly string _path, _imagesDirectory, _labelsDirectory;
    private readonly string? _root;

    private DatasetList(string path, string imagesDirectory, string labelsDirectory, string? root) =>
        (_path, _imagesDirectory, _labelsDirectory, _root) = (path, imagesDirectory, labelsDirectory, root);

    /// <summary>
    /// The samples of the list, in its order. Files that are not there get the path where they are expected.
    /// </summary>
    /// <param name="path">The list.</param>
    /// <param name="imagesDirectory">Where ids have their images.</param>
    /// <param name="labelsDirectory">Where ids have their label images.</param>
    /// <param name="root">
    /// What paths in the list are relative to; null if they are relative to the directories or their parents.
    /// </param>
    /// <exception cref="InvalidFileException">
    /// The list can't be read, is empty, or a line is neither an id nor a pair.
    /// </exception>
    public static List<SampleFile> Read(string path, string imagesDirectory, string labelsDirectory, string? root)
    {
        var list = new DatasetList(path, imagesDirectory, labelsDirectory, root);
        var samples = TextLines.Read(path, LargestFile).ConvertAll(line => list.Parse(line.Number, line.Text));
        return samples.Count > 0
            ? samples
            : throw new InvalidFileException(path, "lists no image; expected one id per line, or the paths of an image and its label image");
    }

    private SampleFile Parse(int number, string line)
    {
        string[] parts = line.Split(s_blanks, StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 1) return FromId(line);
        if (parts.Length == 2 && HasExtension(parts[0], s_imageExtensions) && HasExtension(parts[1], s_labelExtensions))
        {
            return new SampleFile(
                Path.GetFileNameWithoutExtension(parts[0]),
                Locate(parts[0], _imagesDirectory),
                Locate(parts[1], _labelsDirectory));
        }

        // An id may hold blanks, but only the directory can tell it from a line of another kind of list.
        SampleFile sample = FromId(line);
        if (Exists(sample.ImagePath)) return sample;
        throw new InvalidFileException(
            _path,
            $"line {number} is {BoundedText.Quote(line)}, expected an id, or the paths of an image (.jpg, .jpeg, .png) and its label image (.png)");
    }

    private SampleFile FromId(string id)
    {
        id = id.TrimStart('/', '\\');
        string image = Path.Combine(_imagesDirectory, id);
        if (HasExtension(id, s_imageExtensions) && !s_imageExtensions.Any(e => Exists(image + e)))
            id = Path.ChangeExtension(id, null);
        return new SampleFile(id, WithExtension(Path.Combine(_imagesDirectory, id), s_imageExtensions), WithExtension(Path.Combine(_labelsDirectory, id), s_labelExtensions));
    }

    private string WithExtension(string stem, string[] extensions) =>
        stem + (Array.Find(extensions, e => Exists(stem + e)) ?? extensions[0]);

    private string Locate(string listed, string directory)
    {
        string relative = listed.TrimStart('/', '\\');
        string expected = Path.Combine(_root ?? directory, relative);
        if (Exists(expected)) return expected;

        // Caffe's lists name the directory too, which is then given twice.
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory)));
        if (_root is null && relative.StartsWith(name + "/", StringComparison.Ordinal))
        {
            string repeated = Path.Combine(directory, relative[(name.Length + 1)..]);
            if (Exists(repeated)) return repeated;
            expected = repeated;
        }

        return Path.IsPathFullyQualified(listed) && Exists(listed) ? listed : expected;
    }

    private static bool HasExtension(string path, string[] extensions) => extensions.Any(e => path.EndsWith(e, StringComparison.Ordinal));

    private bool Exists(string path)
    {
        string directory = Path.GetDirectoryName(path) ?? "";
        if (!_directories.TryGetValue(directory, out HashSet<string>? names))
        {
            _directories[directory] = names = [];
            try
            {
                names.UnionWith(Directory.EnumerateFiles(directory.Length == 0 ? "." : directory).Select(f => Path.GetFileName(f)));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
            {
                // A directory that can't be listed has no files; those listed are reported missing, all together.
            }
        }

        return names.Contains(Path.GetFileName(path));
    }
}
