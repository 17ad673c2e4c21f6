using DeepLab.IO;
using DeepLab.Models;

namespace DeepLab.Weights.Naming;

/// <summary>Recognises the network of a weights file by the names in it.</summary>
internal static class Recogniser
{
    private const int NamesShown = 8;

    /// <summary>The network of a file, which may still be incomplete.</summary>
    /// <exception cref="InvalidFileException">There is none; the message names some of the file's tensors and the
    /// naming scheme that comes nearest.</exception>
    public static NetworkNames Recognise(ITensorFile file) => CaffeNames.Recognise(file) ?? (NetworkNames?)ModuleNames.Recognise(file) ?? throw Unknown(file);

    /// <summary>The network with these blocks in its stages; null if there is none.</summary>
    public static DeepLabConfiguration? ConfigurationOf(bool bottlenecks, IReadOnlyList<int> blocks) => DeepLabConfiguration.Depths
        .Select(depth => new DeepLabConfiguration(depth))
        .FirstOrDefault(c => c.HasBottlenecks == bottlenecks && c.BlocksPerStage.SequenceEqual(blocks));

    private static InvalidFileException Unknown(ITensorFile file)
    {
        if (file.Tensors.Count == 0) return new InvalidFileException(file.Path, $"this {file.Format} file holds no array");
        string names = string.Join(", ", file.Tensors.Take(NamesShown).Select(t => BoundedText.Quote(t.Name)));
        string more = file.Tensors.Count > NamesShown ? $" and {file.Tensors.Count - NamesShown} more" : "";
        HashSet<string> there = [.. file.Tensors.Select(t => t.Name)];
        (NamingScheme scheme, int found, string missing) = NamingScheme.All
            .SelectMany(scheme => DeepLabConfiguration.Depths.Select(depth => Nearness(scheme, depth, there)))
            .MaxBy(n => n.Found);
        string nearest = found == 0
            ? "none of them is a name that is known"
            : $"nearest are {scheme.Title}, of which it has {found}; {missing} is missing";
        return new InvalidFileException(file.Path, $"holds no DeepLab-ResNet of 18, 34, 50, 101 or 152 layers that is known, but {names}{more}; {nearest}");
    }

    private static (NamingScheme Scheme, int Found, string Missing) Nearness(NamingScheme scheme, int depth, HashSet<string> there)
    {
        string[] names = [.. NetworkLayout.Of(new DeepLabConfiguration(depth), scheme.HasHead).Tensors.Select(scheme.NameOf)];
        return (scheme, names.Count(there.Contains), names.FirstOrDefault(n => !there.Contains(n)) ?? "");
    }
}
