using DeepLab.IO;
using DeepLab.Layers;
using DeepLab.Models;

namespace DeepLab.Weights.Maps;

/// <summary>The arrays of a file that differ from ours in name alone.</summary>
internal sealed class NamedWeights : IWeightsMap
{
    /// <summary>What data-parallel training puts before every name.</summary>
    private const string Wrapper = "module.";

    private readonly ITensorFile _file;
    private readonly NamingScheme _scheme;
    private readonly string _prefix;

    private NamedWeights(ITensorFile file, NamingScheme scheme, string prefix, DeepLabConfiguration configuration)
    {
        _file = file;
        _scheme = scheme;
        _prefix = prefix;
        Configuration = configuration;
        LeftOut = [.. scheme.LeftOut.Select(name => prefix + name).Where(name => file.TryGet(name, out _))];
    }

    /// <inheritdoc/>
    public string Names => _prefix.Length == 0 ? _scheme.Title : $"{_scheme.Title}, each behind {_prefix}";

    /// <inheritdoc/>
    public DeepLabConfiguration Configuration { get; }

    /// <inheritdoc/>
    public bool HasHead => _scheme.HasHead;

    /// <inheritdoc/>
    public IReadOnlyList<string> LeftOut { get; }

    /// <summary>Recognises a file by its names.</summary>
    /// <returns>Null if no scheme fits.</returns>
    public static NamedWeights? Recognise(ITensorFile file)
    {
        string prefix = "";
        while (prefix.Length < 4 * Wrapper.Length && file.Tensors.Count > 0 && file.Tensors.All(t => t.Name.StartsWith(prefix + Wrapper, StringComparison.Ordinal)))
            prefix += Wrapper;
        foreach (NamingScheme scheme in NamingScheme.All)
        {
            bool Has(string path) => file.TryGet(prefix + scheme.NameOf(path), out _);
            if (!Has("conv1.weight") || DepthOf(Has) is not int depth) continue;
            TensorInfo? head = null;
            if (scheme.HasHead && (!file.TryGet(prefix + scheme.NameOf("layer5.conv2d_list.0.weight"), out head) || head.Shape.Count != 4)) continue;
            if (head is not null && head.Shape[0] is < 2 or > 255)
                throw new InvalidFileException(file.Path, $"its last layer {FileText.Quote(head.Name)} has {head.Shape[0]} classes; 2 to 255 are possible, background among them");
            var configuration = new DeepLabConfiguration(depth)
            {
                Preprocessing = scheme.Preprocessing,
                StrideOn3x3 = scheme.StrideOn3x3 && depth >= 50,
            };
            return new NamedWeights(file, scheme, prefix, head is null ? configuration : configuration with { Classes = (int)head.Shape[0] });
        }

        return null;
    }

    /// <summary>The depth whose blocks are there, all of them and no more.</summary>
    /// <param name="has">Whether there is an array of our path below <c>Scale.</c></param>
    /// <returns>Null if no depth has these blocks.</returns>
    public static int? DepthOf(Func<string, bool> has)
    {
        bool bottlenecks = has("layer1.0.conv3.weight");
        var blocks = new int[4];
        for (int stage = 0; stage < blocks.Length; stage++)
        {
            while (blocks[stage] < 64 && has($"layer{stage + 1}.{blocks[stage]}.conv1.weight")) blocks[stage]++;
        }

        return DeepLabConfiguration.Depths
            .Select(depth => new DeepLabConfiguration(depth))
            .FirstOrDefault(c => c.HasBottlenecks == bottlenecks && c.BlocksPerStage.SequenceEqual(blocks))?.Depth;
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> FindProblems()
    {
        var problems = new List<string>();
        HashSet<string> known = [.. LeftOut];
        foreach (StateTensor tensor in NetworkShapes.Of(Configuration, HasHead))
        {
            string name = FileName(tensor.Name);
            known.Add(name);
            if (!_file.TryGet(name, out TensorInfo? info)) problems.Add($"{name} is missing");
            else if (!info.Shape.SequenceEqual(tensor.Shape.Select(side => (long)side)))
                problems.Add($"{name} is {FileText.Shape(info.Shape)}, not [{string.Join(", ", tensor.Shape)}]");
            else if (!info.Type.IsFloatingPoint()) problems.Add($"{name} is of type {info.Type}, not F32, F64, F16 or BF16");
        }

        problems.AddRange(_file.Tensors.Where(t => !known.Contains(t.Name) && !IsCounter(t.Name)).Select(t => $"{FileText.Quote(t.Name)} is not part of the network"));
        return problems;
    }

    /// <inheritdoc/>
    public void Read(string name, Span<float> target) => _file.ReadSingle(FileName(name), target);

    /// <inheritdoc/>
    public bool TryMap(string name, out ReadOnlyMemory<float> values) => _file.TryMap(FileName(name), out values);

    private string FileName(string name) => _prefix + _scheme.NameOf(name[NetworkShapes.Prefix.Length..]);

    // PyTorch counts the batches that a batch norm has seen; nobody reads it.
    private static bool IsCounter(string name) => name.EndsWith(".num_batches_tracked", StringComparison.Ordinal);
}
