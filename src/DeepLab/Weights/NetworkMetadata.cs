using System.Globalization;
using System.Text.Json;
using DeepLab.IO;
using DeepLab.Models;
using DeepLab.Weights.Naming;

namespace DeepLab.Weights;

/// <summary>
/// The texts that our files carry besides the tensors: <c>format</c>, <c>depth</c>, <c>classes</c>,
/// <c>preprocessing</c>, <c>mean</c>, <c>deviation</c>, <c>channel_order</c>, <c>stride</c> (<c>1x1</c> or <c>3x3</c>)
/// and, where they are known, <c>class_names</c> as a JSON array.
/// </summary>
internal static class NetworkMetadata
{
    private const string Format = "deeplab-resnet";
    private const string ClassNamesKey = "class_names", PreprocessingKey = "preprocessing", StrideKey = "stride";
    private const int LongestName = 200;

    /// <summary>The texts for a network.</summary>
    public static Dictionary<string, string> Of(NetworkWeights weights)
    {
        DeepLabConfiguration configuration = weights.Configuration;
        var metadata = new Dictionary<string, string>
        {
            ["format"] = Format,
            ["depth"] = Text(configuration.Depth),
            ["classes"] = Text(configuration.Classes),
            [PreprocessingKey] = configuration.Preprocessing.Name,
            ["mean"] = Numbers(configuration.Preprocessing.Mean),
            ["deviation"] = Numbers(configuration.Preprocessing.StandardDeviation),
            ["channel_order"] = configuration.Preprocessing.ChannelOrder,
            [StrideKey] = Stride(configuration),
        };
        if (weights.ClassNames is { } names) metadata[ClassNamesKey] = JsonSerializer.Serialize(names);
        return metadata;
    }

    /// <summary>The network that was recognised by its names, with what the texts add to it.</summary>
    /// <exception cref="InvalidFileException">The texts contradict the tensors, or ask for what does not
    /// exist.</exception>
    public static DeepLabConfiguration Apply(ITensorFile file, NetworkNames names)
    {
        DeepLabConfiguration configuration = names.Configuration;
        if (file.Metadata.TryGetValue(PreprocessingKey, out string? name))
        {
            Preprocessing? preprocessing = Preprocessing.All.FirstOrDefault(p => p.Name == name);
            configuration = configuration with { Preprocessing = preprocessing ?? throw Unexpected(file, PreprocessingKey, name, string.Join(" or ", Preprocessing.All)) };
        }

        if (file.Metadata.TryGetValue(StrideKey, out string? stride))
        {
            if (stride is not ("1x1" or "3x3")) throw Unexpected(file, StrideKey, stride, "1x1 or 3x3");
            configuration = configuration with { StrideOn3x3 = stride == "3x3" };
        }

        // Other programs name formats of their own, such as pt; a later one of ours may mean what this one cannot read.
        if (file.Metadata.TryGetValue("format", out string? format) && format != Format && format.StartsWith("deeplab", StringComparison.Ordinal))
            throw Unexpected(file, "format", format, Format);
        Require(file, "depth", Text(configuration.Depth));
        if (names.HasHead) Require(file, "classes", Text(configuration.Classes));
        Require(file, "mean", Numbers(configuration.Preprocessing.Mean));
        Require(file, "deviation", Numbers(configuration.Preprocessing.StandardDeviation));
        Require(file, "channel_order", configuration.Preprocessing.ChannelOrder);
        return configuration;
    }

    /// <summary>The names of the classes, one per class; null if the file has none.</summary>
    /// <exception cref="InvalidFileException">What it has is something else.</exception>
    public static IReadOnlyList<string>? ClassNames(ITensorFile file, DeepLabConfiguration configuration, bool hasHead)
    {
        if (!hasHead || !file.Metadata.TryGetValue(ClassNamesKey, out string? json)) return null;
        string[]? names;
        try
        {
            names = JsonSerializer.Deserialize<string[]>(json);
        }
        catch (JsonException)
        {
            names = null;
        }

        if (names is null || names.Length != configuration.Classes || names.Any(n => n is null || n.Length > LongestName))
            throw Unexpected(file, ClassNamesKey, json, $"a JSON array of {configuration.Classes} names");
        return names;
    }

    private static void Require(ITensorFile file, string key, string expected)
    {
        if (file.Metadata.TryGetValue(key, out string? value) && value != expected) throw Unexpected(file, key, value, expected);
    }

    private static InvalidFileException Unexpected(ITensorFile file, string key, string value, string expected) =>
        new(file.Path, $"its metadata say {key} {BoundedText.Quote(value)}, but {expected} was expected");

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Numbers(IEnumerable<float> values) => string.Join(' ', values.Select(v => v.ToString(CultureInfo.InvariantCulture)));

    private static string Stride(DeepLabConfiguration configuration) => configuration.StrideOn3x3 ? "3x3" : "1x1";
}
