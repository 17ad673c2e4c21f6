using DeepLab.IO;
using DeepLab.Models;

namespace DeepLab.Weights.Naming;

/// <summary>
/// A DeepLab-ResNet under the names of a <see cref="NamingScheme"/>: its tensors differ from ours in name alone.
/// </summary>
internal sealed class ModuleNames : NetworkNames
{
    /// <summary>What data-parallel training puts before every name.</summary>
    private const string Wrapper = "module.";

    private const int MaximumWrappers = 4, MaximumBlocks = 64;

    private readonly NamingScheme _scheme;
    private readonly string _prefix;

    /// <summary>Names that are known already.</summary>
    /// <param name="file">The file, which stays the caller's to dispose of.</param>
    /// <param name="scheme">Whose names it uses.</param>
    /// <param name="prefix">What comes before each of them.</param>
    /// <param name="configuration">The network.</param>
    public ModuleNames(ITensorFile file, NamingScheme scheme, string prefix, DeepLabConfiguration configuration)
        : base(file, configuration, scheme.HasHead)
    {
        _scheme = scheme;
        _prefix = prefix;
        LeftOut = [.. scheme.LeftOut.Select(name => prefix + name).Where(name => file.TryGet(name, out _))];
    }

    /// <inheritdoc/>
    public override string Title => _prefix.Length == 0 ? _scheme.Title : $"{_scheme.Title}, each behind {_prefix}";

    /// <inheritdoc/>
    public override IReadOnlyList<string> LeftOut { get; }

    /// <summary>Recognises a network by its names.</summary>
    /// <returns>Null if they fit no scheme.</returns>
    /// <exception cref="InvalidFileException">The last layer has too few or too many classes.</exception>
    public static ModuleNames? Recognise(ITensorFile file)
    {
        string prefix = "";
        while (prefix.Length < MaximumWrappers * Wrapper.Length && file.Tensors.Count > 0 && file.Tensors.All(t => t.Name.StartsWith(prefix + Wrapper, StringComparison.Ordinal)))
            prefix += Wrapper;
        foreach (NamingScheme scheme in NamingScheme.All)
        {
            TensorInfo? Kernel(LayerPlace place) => file.TryGet(prefix + scheme.NameOf(place, TensorRole.Kernel), out TensorInfo? kernel) ? kernel : null;
            if (Kernel(LayerPlace.Stem) is null || RecogniseBlocks(place => Kernel(place) is not null) is not { } configuration) continue;
            configuration = configuration with { Preprocessing = scheme.Preprocessing, StrideOn3x3 = scheme.StrideOn3x3 && configuration.HasBottlenecks };
            if (scheme.HasHead)
            {
                if (Kernel(LayerPlace.Aspp(0)) is not { Shape.Count: 4 } head) continue;
                configuration = configuration with { Classes = ClassesOf(file, head) };
            }

            return new ModuleNames(file, scheme, prefix, configuration);
        }

        return null;
    }

    /// <inheritdoc/>
    public override TensorSource SourceOf(NetworkTensor tensor) => new(_prefix + _scheme.NameOf(tensor));

    /// <summary>PyTorch counts the batches that a batch norm has seen; nobody reads it.</summary>
    protected override bool IsIgnored(string name) => LeftOut.Contains(name) || name.EndsWith(".num_batches_tracked", StringComparison.Ordinal);

    /// <summary>The depth whose blocks are there, all of them and no more; null if there is none.</summary>
    private static DeepLabConfiguration? RecogniseBlocks(Func<LayerPlace, bool> has)
    {
        var blocks = new int[NetworkLayout.Stages];
        for (int stage = 1; stage <= blocks.Length; stage++)
        {
            while (blocks[stage - 1] < MaximumBlocks && has(LayerPlace.Branch(stage, blocks[stage - 1], 0))) blocks[stage - 1]++;
        }

        return Recogniser.ConfigurationOf(bottlenecks: has(LayerPlace.Branch(1, 0, 2)), blocks);
    }

    private static int ClassesOf(ITensorFile file, TensorInfo head) => head.Shape[0] is >= 2 and <= 255
        ? (int)head.Shape[0]
        : throw new InvalidFileException(file.Path, $"its last layer {BoundedText.Quote(head.Name)} has {head.Shape[0]} classes; 2 to 255 are possible, background among them");
}
