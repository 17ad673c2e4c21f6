using DeepLab.IO;
using DeepLab.Tensors;

namespace DeepLab.Weights.Formats.PyTorch;

/// <summary>
/// Finds the state dict in what was unpickled: alone, or in a training program's checkpoint next to the optimizer's
/// state and counters.
/// </summary>
internal static class StateDict
{
    /// <summary>
    /// The attribute of the state dict in which this library keeps texts, as safetensors files do under
    /// <c>__metadata__</c>.
    /// </summary>
    public const string MetadataAttribute = "deeplab";

    private const int MaximumDepth = 8;

    // What training programs keep the network's state under, the most specific first. "model" may just as well be a
    // configuration.
    private static readonly string[] Wrappers = ["state_dict", "model_state_dict", "model_state", "model", "net", "network", "module"];

    /// <summary>Finds the state dict.</summary>
    /// <exception cref="InvalidFileException">There is none.</exception>
    public static PickleDict Find(PickleValue root, string path)
    {
        if (root is not PickleDict dict)
            throw new InvalidFileException(path, $"holds {root.Kind}; expected a state dict: names and tensors. Save it with torch.save(model.state_dict(), path)");
        if (dict.Entries.Count == 0) return dict;
        return Find(dict, 0, []) ?? throw new InvalidFileException(
            path,
            $"holds no state dict: a dict with {Keys(dict)}, and no tensors by name in it or under {string.Join(", ", Wrappers)}. Save it with torch.save(model.state_dict(), path)");
    }

    /// <summary>The tensors by name, in their order; everything else is ignored.</summary>
    /// <exception cref="InvalidFileException">A name occurs twice.</exception>
    public static IEnumerable<(string Name, PickleTensor Tensor)> Tensors(PickleDict dict, string path)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach ((PickleValue key, PickleValue value) in dict.Entries)
        {
            if (key is not PickleText name || value is not PickleTensor tensor) continue;
            if (!names.Add(name.Value)) throw new InvalidFileException(path, $"its state dict has {BoundedText.Quote(name.Value)} twice");
            yield return (name.Value, tensor);
        }
    }

    /// <summary>The texts that this library's writer put next to the tensors.</summary>
    /// <exception cref="InvalidFileException">There is something other than texts in their place.</exception>
    public static Dictionary<string, string> Metadata(PickleDict dict, string path)
    {
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        if (dict.Attributes?.Find(MetadataAttribute) is not { } value) return metadata;
        if (value is not PickleDict texts)
            throw new InvalidFileException(path, $"the attribute '{MetadataAttribute}' of its state dict is {value.Kind}; expected a dict of texts");
        foreach ((PickleValue key, PickleValue text) in texts.Entries)
        {
            if (key is not PickleText name || text is not PickleText content || !metadata.TryAdd(name.Value, content.Value))
                throw new InvalidFileException(path, $"the attribute '{MetadataAttribute}' of its state dict holds something else than texts, or one twice");
        }

        return metadata;
    }

    // A dict can contain itself, and be contained many times: each is visited once.
    private static PickleDict? Find(PickleDict dict, int depth, HashSet<PickleDict> seen)
    {
        if (depth == MaximumDepth || !seen.Add(dict)) return null;
        var wrapped = new PickleDict?[Wrappers.Length];
        bool hasTensors = false;
        foreach ((PickleValue key, PickleValue value) in dict.Entries)
        {
            if (key is not PickleText text) continue;
            hasTensors |= value is PickleTensor;
            int rank = Array.IndexOf(Wrappers, text.Value);
            if (rank >= 0) wrapped[rank] = value as PickleDict;
        }

        foreach (PickleDict? inner in wrapped)
        {
            if (inner is not null && Find(inner, depth + 1, seen) is { } found) return found;
        }

        return hasTensors ? dict : null;
    }

    private static string Keys(PickleDict dict)
    {
        string[] keys = [.. dict.Entries.Take(6).Select(e => e.Key is PickleText text ? BoundedText.Quote(text.Value) : e.Key.Kind)];
        return string.Join(", ", keys) + (dict.Entries.Count > keys.Length ? ", ..." : "");
    }
}
