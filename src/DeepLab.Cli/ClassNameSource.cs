using DeepLab.Data;

namespace DeepLab.Cli;

/// <summary>Class names: from one file for all images, or from the dataset that an image belongs to.</summary>
internal sealed class ClassNameSource
{
    private readonly Dictionary<string, IReadOnlyList<string>> _byRoot = [];
    private readonly IReadOnlyList<string> _others;
    private readonly bool _lookAround;

    /// <summary>Reads all files up front, so that a malformed one is reported before work begins.</summary>
    public ClassNameSource(int classes, IReadOnlyList<string>? known, string? file, IEnumerable<string> images)
    {
        _others = file is not null ? ClassNames.Complete(classes, ClassNames.Load(file)) : known ?? ClassNames.Complete(classes, null);
        _lookAround = file is null;
        if (!_lookAround) return;
        foreach (string root in images.Select(RootOf).OfType<string>().Distinct())
        {
            string labels = Path.Combine(root, "labels.txt");
            if (File.Exists(labels)) _byRoot[root] = ClassNames.Complete(classes, ClassNames.Load(labels));
        }
    }

    /// <summary>The names for an image.</summary>
    public IReadOnlyList<string> Of(string image) =>
        _lookAround && RootOf(image) is string root && _byRoot.TryGetValue(root, out IReadOnlyList<string>? names) ? names : _others;

    private static string? RootOf(string image)
    {
        if (image == PredictionTarget.Standard) return null;
        string? folder = Path.GetDirectoryName(Path.GetFullPath(image));
        return Path.GetFileName(folder) == "JPEGImages" ? Path.GetDirectoryName(folder) : null;
    }
}
