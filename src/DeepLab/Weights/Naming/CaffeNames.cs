using System.Runtime.InteropServices;
using DeepLab.IO;
using DeepLab.Models;

namespace DeepLab.Weights.Naming;

/// <summary>
/// A DeepLab-ResNet in a Caffe model. Stage n of ours is stage n + 1 there; branch 1 is the shortcut, branches 2a, 2b
/// and 2c are the convolutions of a block. A batch norm is two layers: BatchNorm, with sums of means and variances and
/// the factor that divides both, and Scale, with gamma and beta. A bias before a batch norm, as the original
/// ResNet-50's conv1 has one, is subtracted from the mean, which gives the same network.
/// </summary>
/// <remarks>
/// The three-scale network repeats every layer for the smaller images and shares the parameters; its file repeats the
/// values. Those of the first scale are read; <see cref="FindNotes"/> compares the others with them.
/// </remarks>
internal sealed class CaffeNames : NetworkNames
{
    /// <summary>The last layer of the authors' networks, without <c>_c0</c> to <c>_c3</c>.</summary>
    public const string DefaultHead = "fc1_voc12";

    private const int Letters = 26, MaximumBlocks = 64;

    private readonly bool[] _numbered;
    private readonly string _head;

    private CaffeNames(ITensorFile file, IReadOnlyList<string> layers, DeepLabConfiguration configuration, bool[] numbered, string? head)
        : base(file, configuration, head is not null)
    {
        _numbered = numbered;
        _head = head ?? DefaultHead;
        LeftOut = [.. layers.Where(IsClassifier)];
        IsThreeScale = layers.Any(l => HasScale(l) && !IsClassifier(l));
    }

    /// <summary>What the three-scale network adds to the names of the layers that see the smaller images.</summary>
    public static IReadOnlyList<string> Scales { get; } = [.. NetworkScale.DeepLab.Skip(1).Select(s => "_res" + s.Digits)];

    /// <inheritdoc/>
    public override string Title => $"Caffe's layers (conv1, bn_conv1, scale_conv1, ...), {(IsThreeScale ? "three scales" : "one scale")}";

    /// <summary>
    /// The last layers of other networks, by the file's names: <c>fc1000</c> of an original ResNet, that of the
    /// authors' initial network.
    /// </summary>
    public override IReadOnlyList<string> LeftOut { get; }

    /// <summary>Whether the file repeats its layers for the smaller scales.</summary>
    public bool IsThreeScale { get; }

    /// <summary>
    /// The layers that hold a convolution: its own, with kernel and bias; batch norm's mean and variance; gamma and
    /// beta.
    /// </summary>
    internal readonly record struct CaffeLayers(string Convolution, string? BatchNorm, string? Scale);

    /// <summary>Recognises the network of a Caffe model by its layers.</summary>
    /// <returns>Null if the file is no Caffe model of a ResNet.</returns>
    /// <exception cref="InvalidFileException">The ResNet is of no known depth, or its last layer has too few or too
    /// many classes.</exception>
    public static CaffeNames? Recognise(ITensorFile file)
    {
        if (!file.TryGet("conv1[0]", out _) || !file.TryGet("res2a_branch2a[0]", out _)) return null;
        List<string> layers = [.. file.Tensors.Select(t => LayerOf(t.Name)).Distinct(StringComparer.Ordinal)];
        (DeepLabConfiguration configuration, bool[] numbered) = RecogniseBlocks(file, [.. layers]);
        string? head = layers.Where(l => IsHeadBranch(l) && !HasScale(l)).Select(l => l[..^3]).OrderByDescending(l => l == DefaultHead).FirstOrDefault();
        if (head is not null) configuration = configuration with { Classes = ClassesOf(file, head) };
        return new CaffeNames(file, layers, configuration, numbered, head);
    }

    /// <summary>
    /// The layers of a convolution: <c>res4b7_branch2a</c>, <c>bn4b7_branch2a</c> and <c>scale4b7_branch2a</c>.
    /// </summary>
    /// <param name="place">The convolution.</param>
    /// <param name="numbered">Whether the blocks of its stage are named a, b1, b2, ..., or a, b, c, ...</param>
    /// <param name="head">The last layer, without <c>_c0</c>.</param>
    public static CaffeLayers LayersOf(LayerPlace place, bool numbered, string head = DefaultHead)
    {
        if (place.Role == LayerRole.Stem) return new CaffeLayers("conv1", "bn_conv1", "scale_conv1");
        if (place.Role == LayerRole.Aspp) return new CaffeLayers($"{head}_c{place.Index}", null, null);
        string block = numbered && place.Block > 0 ? $"b{place.Block}" : $"{(char)('a' + place.Block)}";
        string branch = place.Role == LayerRole.Shortcut ? "1" : $"2{(char)('a' + place.Index)}";
        string name = $"{place.Stage + 1}{block}_branch{branch}";
        return new CaffeLayers($"res{name}", $"bn{name}", $"scale{name}");
    }

    /// <summary>
    /// The layer of a smaller scale, with <paramref name="suffix"/> one of <see cref="Scales"/>: <c>conv1_res05</c>,
    /// and <c>fc1_voc12_res05_c0</c> for the last layer.
    /// </summary>
    public static string WithScale(string layer, string suffix) => IsHeadBranch(layer) ? $"{layer[..^3]}{suffix}{layer[^3..]}" : $"{layer}{suffix}";

    /// <summary>Whether a layer is of a smaller scale.</summary>
    public static bool HasScale(string layer)
    {
        string stem = IsHeadBranch(layer) ? layer[..^3] : layer;
        return Scales.Any(s => stem.EndsWith(s, StringComparison.Ordinal));
    }

    /// <inheritdoc/>
    public override TensorSource SourceOf(NetworkTensor tensor)
    {
        (string convolution, string? batchNorm, string? scale) = LayersOf(tensor.Place, tensor.Place.Stage > 0 && _numbered[tensor.Place.Stage - 1], _head);
        return tensor.Role switch
        {
            TensorRole.Kernel => new($"{convolution}[0]"),
            TensorRole.Bias => new($"{convolution}[1]"),
            TensorRole.Mean => new($"{batchNorm}[0]", $"{batchNorm}[2]", File.TryGet($"{convolution}[1]", out _) ? $"{convolution}[1]" : null),
            TensorRole.Variance => new($"{batchNorm}[1]", $"{batchNorm}[2]"),
            TensorRole.Gamma => new($"{scale}[0]"),
            _ => new($"{scale}[1]"),
        };
    }

    /// <inheritdoc/>
    public override IEnumerable<string> FindNotes()
    {
        IReadOnlyList<string> differences = FindDifferences();
        return differences.Count == 0 ? [] : [$"the scales do not hold the same values, and the first scale's are taken; others are in {string.Join(", ", differences)}"];
    }

    /// <summary>
    /// Compares what the smaller scales have with the first scale's, value for value, and names the blobs that differ.
    /// Those among <see cref="NetworkNames.FindProblems"/> are ignored.
    /// </summary>
    public IReadOnlyList<string> FindDifferences()
    {
        if (!IsThreeScale) return [];
        var differences = new List<string>();
        TensorInfo[] parts = [.. Parts().Where(IsThere)];
        long largest = parts.Max(p => p.Count);
        float[] first = new float[largest], other = new float[largest];
        foreach (TensorInfo part in parts)
        {
            Span<float> expected = first.AsSpan(0, (int)part.Count), actual = other.AsSpan(0, (int)part.Count);
            File.ReadSingle(part.Name, expected);
            foreach (TensorInfo copy in Scales.Select(s => CopyOf(part, s)).Where(IsThere))
            {
                File.ReadSingle(copy.Name, actual);
                if (!MemoryMarshal.AsBytes(expected).SequenceEqual(MemoryMarshal.AsBytes(actual))) differences.Add(copy.Name);
            }
        }

        return differences;
    }

    /// <inheritdoc/>
    protected override IEnumerable<TensorInfo> Copies() => IsThreeScale ? Scales.SelectMany(s => Parts().Select(p => CopyOf(p, s))) : [];

    /// <inheritdoc/>
    protected override bool IsIgnored(string name) => IsClassifier(LayerOf(name));

    /// <summary>Vectors of old files have four sides, three of them 1.</summary>
    protected override bool Fits(TensorInfo expected, TensorInfo found) =>
        expected.Shape.Count > 1 ? base.Fits(expected, found) : found.Shape.Where(side => side != 1).SequenceEqual(expected.Shape.Where(side => side != 1));

    private static string LayerOf(string blob)
    {
        int bracket = blob.LastIndexOf('[');
        return bracket < 0 ? blob : blob[..bracket];
    }

    private static TensorInfo CopyOf(TensorInfo blob, string suffix)
    {
        string layer = LayerOf(blob.Name);
        return blob with { Name = WithScale(layer, suffix) + blob.Name[layer.Length..] };
    }

    private static bool IsClassifier(string layer) => layer.StartsWith("fc", StringComparison.Ordinal) && !IsHeadBranch(layer);

    /// <summary>
    /// Whether a layer is one of the four convolutions of a last layer, <c>fc1_..._c0</c> to <c>_c3</c>.
    /// </summary>
    private static bool IsHeadBranch(string layer) =>
        layer.Length > 7 && layer.StartsWith("fc1_", StringComparison.Ordinal) && layer[^3..^1] == "_c" && layer[^1] is >= '0' and <= '3';

    /// <summary>
    /// The depth whose blocks the file has, and which stages have numbered blocks. A block counts if any of its
    /// convolutions is there, so that the others can be reported as missing.
    /// </summary>
    private static (DeepLabConfiguration Configuration, bool[] Numbered) RecogniseBlocks(ITensorFile file, HashSet<string> layers)
    {
        var blocks = new int[NetworkLayout.Stages];
        var numbered = new bool[NetworkLayout.Stages];
        for (int stage = 1; stage <= blocks.Length; stage++)
        {
            for (int block = 0; block < MaximumBlocks; block++)
            {
                bool isNumbered = block > 0 && HasBlock(stage, block, numbered: true);
                numbered[stage - 1] |= isNumbered;
                if (isNumbered || (block < Letters && HasBlock(stage, block, numbered: false))) blocks[stage - 1] = block + 1;
            }
        }

        bool bottlenecks = layers.Contains("res2a_branch2c");
        return Recogniser.ConfigurationOf(bottlenecks, blocks) is { } configuration
            ? (configuration, numbered)
            : throw new InvalidFileException(
                file.Path,
                $"holds no ResNet that is known: {(bottlenecks ? "bottlenecks" : "basic blocks")}, {string.Join(", ", blocks)} of them in the stages res2 to res5; depths 18, 34, 50, 101 and 152 are");

        bool HasBlock(int stage, int block, bool numbered) =>
            ((LayerPlace[])[LayerPlace.Shortcut(stage, block), .. Enumerable.Range(0, 3).Select(i => LayerPlace.Branch(stage, block, i))])
            .Any(place => layers.Contains(LayersOf(place, numbered).Convolution));
    }

    private static int ClassesOf(ITensorFile file, string head)
    {
        // Any of the convolutions will do, so that one which is missing is reported as missing.
        TensorInfo? kernel = null;
        for (int i = 0; i < NetworkLayout.AsppBranches && kernel is null; i++)
            file.TryGet($"{LayersOf(LayerPlace.Aspp(i), numbered: false, head).Convolution}[0]", out kernel);
        long classes = kernel is { Shape.Count: > 0 } ? kernel.Shape[0] : 0;
        return classes is >= 2 and <= 255
            ? (int)classes
            : throw new InvalidFileException(file.Path, $"its last layer {BoundedText.Quote(head)} has {classes} classes; from 2 to 255 are possible");
    }

    private bool IsThere(TensorInfo blob) => File.TryGet(blob.Name, out TensorInfo? found) && Fits(blob, found);
}
