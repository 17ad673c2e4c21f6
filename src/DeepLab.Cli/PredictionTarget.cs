namespace DeepLab.Cli;

/// <summary>An image to predict, and the files to write for it.</summary>
/// <param name="Image">The photograph.</param>
/// <param name="Labels">The label PNG.</param>
/// <param name="Overlay">The picture with the labels over it.</param>
/// <param name="Scores">The scores, or null.</param>
internal sealed record PredictionTarget(string Image, string Labels, string Overlay, string? Scores)
{
    private static readonly string[] s_extensions = [".jpg", ".jpeg", ".png"];

    private static readonly StringComparer s_paths = OperatingSystem.IsLinux() ? StringComparer.Ordinal : StringComparer.OrdinalIgnoreCase;

    /// <summary>The images that are named, those of folders sorted, with their outputs.</summary>
    /// <exception cref="DeepLabException">A folder has no image, or what would be written would replace an image, or another image's mask.</exception>
    public static IReadOnlyList<PredictionTarget> Find(IReadOnlyList<string> inputs, string output, string? scores)
    {
        if (inputs.Concat([output, scores ?? "."]).Any(string.IsNullOrWhiteSpace)) throw new UsageException("an empty text is no path");
        string[] images = [.. inputs.SelectMany(i => Directory.Exists(i) ? ImagesIn(i) : [i]).DistinctBy(Path.GetFullPath, s_paths)];
        PredictionTarget[] targets = [.. images.Select(image => For(image, output, scores))];
        var writers = new Dictionary<string, string>(s_paths);
        Dictionary<string, string> sources = images.ToDictionary(Path.GetFullPath, s_paths);
        foreach (PredictionTarget target in targets)
        {
            foreach (string file in target.Outputs)
            {
                string full = Path.GetFullPath(file);
                if (sources.TryGetValue(full, out string? source))
                    throw new DeepLabException($"{Printable.Of(source)} would be replaced by a picture that is written for {Printable.Of(target.Image)}: give --output another folder");
                if (!writers.TryAdd(full, target.Image))
                {
                    throw new DeepLabException(
                        $"{Printable.Of(writers[full])} and {Printable.Of(target.Image)} would both be written to {Printable.Of(file)}: predict them into different folders");
                }
            }
        }

        return targets;
    }

    private IEnumerable<string> Outputs => Scores is null ? [Labels, Overlay] : [Labels, Overlay, Scores];

    private static PredictionTarget For(string image, string output, string? scores)
    {
        string name = Path.GetFileNameWithoutExtension(image);
        if (name.Length == 0) name = Path.GetFileName(image); // ".png" is a name too
        return new PredictionTarget(
            image,
            Path.Combine(output, name + ".png"),
            Path.Combine(output, name + "_overlay.jpg"),
            scores is null ? null : Path.Combine(scores, name + ".npy"));
    }

    private static string[] ImagesIn(string folder)
    {
        try
        {
            // Names that begin with a dot are what systems leave behind ("._photo.jpg"), no photographs.
            string[] images = [.. Directory.EnumerateFiles(folder)
                .Where(f => s_extensions.Contains(Path.GetExtension(f).ToLowerInvariant()) && !Path.GetFileName(f).StartsWith('.'))
                .Order(StringComparer.Ordinal)];
            return images.Length > 0
                ? images
                : throw new DeepLabException($"{Printable.Of(folder)}: the folder has no .jpg, .jpeg or .png file (folders in it are not searched)");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DeepLabException($"{Printable.Of(folder)}: cannot be read: {e.Message}", e);
        }
    }
}
