namespace DeepLab.Tests.Architecture;

/// <summary>
/// The list in <c>docs/architecture.md</c>: each folder of the library, and the other folders that its types may refer
/// to.
/// </summary>
internal static class LayerList
{
    private const string Opening = "```layers", Closing = "```";

    /// <summary>The page, which the build copies next to the tests.</summary>
    public static string Path { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, "docs", "architecture.md");

    /// <summary>Reads the block of lines <c>Folder: Other, Another</c>.</summary>
    /// <exception cref="FormatException">There is no such block, or one of its lines has a different form.</exception>
    public static IReadOnlyList<(string Folder, IReadOnlyList<string> Uses)> Read()
    {
        var folders = new List<(string, IReadOnlyList<string>)>();
        foreach (string line in File.ReadLines(Path).SkipWhile(l => l != Opening).Skip(1).TakeWhile(l => l != Closing))
        {
            string[] parts = line.Split(':');
            if (parts.Length != 2) throw new FormatException($"{Path}: the list of layers has the line '{line}', expected 'Folder: Other, Another'");
            folders.Add((parts[0].Trim(), parts[1].Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)));
        }

        return folders.Count > 0 ? folders : throw new FormatException($"{Path} has no block that starts with {Opening}");
    }
}
