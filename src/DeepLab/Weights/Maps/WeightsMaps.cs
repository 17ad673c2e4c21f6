using DeepLab.IO;
using DeepLab.Models;

namespace DeepLab.Weights.Maps;

/// <summary>Finds the map that fits a file.</summary>
internal static class WeightsMaps
{
    private const int NamesShown = 8;

    /// <summary>The map by which a network was found in the file.</summary>
    /// <exception cref="InvalidFileException">None fits; the message names some of the file's arrays and the map that comes nearest.</exception>
    public static IWeightsMap Recognise(ITensorFile file) =>
        CaffeWeights.Recognises(file) ? new CaffeWeights(file) : NamedWeights.Recognise(file) ?? throw Unknown(file);

    private static InvalidFileException Unknown(ITensorFile file)
    {
        if (file.Tensors.Count == 0) return new InvalidFileException(file.Path, $"this {file.Format} file holds no array");
        string names = string.Join(", ", file.Tensors.Take(NamesShown).Select(t => FileText.Quote(t.Name)));
        string more = file.Tensors.Count > NamesShown ? $" and {file.Tensors.Count - NamesShown} more" : "";
        HashSet<string> there = [.. file.Tensors.Select(t => t.Name)];
        (NamingScheme scheme, int found, string missing) = NamingScheme.All
            .Select(scheme => Nearness(scheme, there))
            .MaxBy(n => n.Found);
        string nearest = found == 0
            ? "none of them is a name that is known"
            : $"nearest are {scheme.Title}, of which it has {found}; {missing} is missing";
        return new InvalidFileException(file.Path, $"holds no DeepLab-ResNet of 18, 34, 50, 101 or 152 layers that is known, but {names}{more}; {nearest}");
    }

    private static (NamingScheme Scheme, int Found, string Missing) Nearness(NamingScheme scheme, HashSet<string> there) => DeepLabConfiguration.Depths
        .Select(depth => NetworkShapes.Paths(depth).Where(p => scheme.HasHead || !NetworkShapes.IsHead(NetworkShapes.Prefix + p)).Select(scheme.NameOf).ToArray())
        .Select(names => (scheme, Found: names.Count(there.Contains), Missing: names.FirstOrDefault(n => !there.Contains(n)) ?? ""))
        .MaxBy(n => n.Found);
}
