using DeepLab.Visualization;

namespace DeepLab.Cli;

/// <summary>What is to be written for each image.</summary>
/// <param name="Folder">The folder, or <see cref="PredictionTarget.Standard"/> for standard output.</param>
/// <param name="Json">Whether the labels are written as JSON instead of PNG.</param>
/// <param name="Overlay">Whether the picture with the labels over it is written.</param>
/// <param name="Cutout">Whether the cut-out is written.</param>
/// <param name="Scores">The folder of the scores, or null.</param>
internal sealed record PredictionOutputs(string Folder, bool Json = false, bool Overlay = true, bool Cutout = false, string? Scores = null);

/// <summary>An image to predict, and the files to write for it; null for those that are not wanted.</summary>
/// <param name="Image">The photograph, or <see cref="Standard"/> for standard input.</param>
/// <param name="Labels">The labels, as PNG or JSON.</param>
/// <param name="Overlay">The picture with the labels over it.</param>
/// <param name="Cutout">The pixels of the chosen classes.</param>
/// <param name="Scores">The scores.</param>
internal sealed record PredictionTarget(string Image, string? Labels, string? Overlay, string? Cutout, string? Scores)
{
    /// <summary>The name that stands for standard input as an image, and for standard output as a folder.</summary>
    public const string Standard = "-";

    private const string StandardName = "stdin";

    private static readonly string[] s_extensions = [".jpg", ".jpeg", ".png"];

    private static readonly StringComparer s_paths = OperatingSystem.IsLinux() ? StringComparer.Ordinal : StringComparer.OrdinalIgnoreCase;

    private IEnumerable<string> Outputs => new[] { Labels, Overlay, Cutout, Scores }.OfType<string>();

    /// <summary>The given images, those of folders sorted, with their outputs.</summary>
    /// <exception cref="UsageException">A name is empty, or several images would go to standard output.</exception>
    /// <exception cref="DeepLabException">
    /// A folder has no image, or an output would replace an image or another image's mask.
    /// </exception>
    public static IReadOnlyList<PredictionTarget> Find(IReadOnlyList<string> inputs, PredictionOutputs outputs)
    {
        if (inputs.Concat([outputs.Folder, outputs.Scores ?? "."]).Any(string.IsNullOrWhiteSpace)) throw new UsageException("an empty string is not a path");
        string[] images = [.. inputs.SelectMany(i => i != Standard && Directory.Exists(i) ? ImagesIn(i) : [i]).DistinctBy(FullPath, s_paths)];
        if (outputs.Folder == Standard && images.Length > 1) throw new UsageException($"--output - takes one image, but there are {images.Length}: give --output a folder");
        PredictionTarget[] targets = [.. images.Select(image => For(image, outputs))];
        var writers = new Dictionary<string, string>(s_paths);
        Dictionary<string, string> sources = images.ToDictionary(FullPath, s_paths);
        foreach (PredictionTarget target in targets)
        {
            foreach (string file in target.Outputs)
            {
                string full = Path.GetFullPath(file);
                if (sources.TryGetValue(full, out string? source))
                    throw new DeepLabException($"{ConsoleText.Sanitize(source)} would be overwritten by an output for {ConsoleText.Sanitize(target.Image)}: give --output another folder");
                if (!writers.TryAdd(full, target.Image))
                {
                    throw new DeepLabException(
                        $"{ConsoleText.Sanitize(writers[full])} and {ConsoleText.Sanitize(target.Image)} would both be written to {ConsoleText.Sanitize(file)}: predict them into different folders");
                }
            }
        }

        return targets;
    }

    private static PredictionTarget For(string image, PredictionOutputs outputs)
    {
        string name = image == Standard ? StandardName : Path.GetFileNameWithoutExtension(image);
        if (name.Length == 0) name = Path.GetFileName(image); // ".png" is a name too
        string? scores = outputs.Scores is null ? null : Path.Combine(outputs.Scores, name + ".npy");
        if (outputs.Folder == Standard) return new PredictionTarget(image, null, null, null, scores);
        string stem = Path.Combine(outputs.Folder, name);
        return new PredictionTarget(
            image, stem + (outputs.Json ? ".json" : ".png"), outputs.Overlay ? stem + "_overlay.jpg" : null, outputs.Cutout ? stem + "_cutout.png" : null, scores);
    }

    // Standard input is not a file; nothing else has an empty path.
    private static string FullPath(string image) => image == Standard ? "" : Path.GetFullPath(image);

    private static string[] ImagesIn(string folder)
    {
        try
        {
            // Names that begin with a dot are files that systems leave behind ("._photo.jpg"), not photographs.
            string[] images = [.. Directory.EnumerateFiles(folder)
                .Where(f => s_extensions.Contains(Path.GetExtension(f).ToLowerInvariant()) && !Path.GetFileName(f).StartsWith('.'))
                .Order(StringComparer.Ordinal)];
            return images.Length > 0
                ? images
                : throw new DeepLabException($"{ConsoleText.Sanitize(folder)}: the folder has no .jpg, .jpeg or .png file (subfolders are not searched)");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DeepLabException($"{ConsoleText.Sanitize(folder)}: cannot be read: {e.Message}", e);
        }
    }
}
