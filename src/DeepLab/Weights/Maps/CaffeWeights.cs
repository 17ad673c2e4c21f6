using System.Runtime.InteropServices;
using DeepLab.Backends;
using DeepLab.IO;
using DeepLab.Layers;
using DeepLab.Models;

namespace DeepLab.Weights.Maps;

/// <summary>
/// A DeepLab-ResNet in a Caffe model, given by our names. A convolution comes as it is. A batch norm is two layers there: BatchNorm, with sums of
/// means and variances and the factor that both are divided by, and Scale, with gamma and beta. A bias before a batch norm, as the original
/// ResNet-50's conv1 has it, is taken off the mean, which is the same network.
/// </summary>
/// <remarks>
/// The three-scale network repeats every layer for the smaller images and shares the parameters; its file repeats the values. The first scale's
/// are read; <see cref="FindNotes"/> compares the others with them.
/// </remarks>
internal sealed class CaffeWeights : IWeightsMap
{
    private const string Prefix = "Scale.", Suffix = ".weight";

    private readonly ITensorFile _file;
    private readonly List<Blob> _blobs = [];
    private readonly Dictionary<string, Source> _sources = new(StringComparer.Ordinal);

    /// <summary>Recognises the network.</summary>
    /// <param name="file">A Caffe model, which stays the caller's to dispose of.</param>
    /// <exception cref="InvalidFileException">The file holds no ResNet of a known depth, or its last layer has too few or too many classes.</exception>
    public CaffeWeights(ITensorFile file)
    {
        _file = file;
        List<string> layers = [.. file.Tensors.Select(t => LayerOf(t.Name)).Distinct(StringComparer.Ordinal)];
        LeftOut = [.. layers.Where(IsClassifier)];
        IsThreeScale = layers.Exists(l => CaffeNames.HasScale(l) && !IsClassifier(l));
        string? head = layers.Where(l => CaffeNames.IsHeadBranch(l) && !CaffeNames.HasScale(l)).Select(l => l[..^3])
            .OrderByDescending(l => l == CaffeNames.DefaultHead).FirstOrDefault();
        HasHead = head is not null;
        Configuration = Recognise(layers, out bool lettered);
        if (HasHead) Configuration = Configuration with { Classes = ClassesOf(head!) };

        // A network that has names and shapes but no memory.
        var network = new DeepLabResNet(new Backends.Cpu.CpuBackend(1), Configuration);
        foreach (Conv convolution in network.ResNet.Convolutions.Where(c => HasHead || c.BatchNorm is not null))
        {
            string path = convolution.Weight.Name[Prefix.Length..^Suffix.Length];
            Add(convolution, CaffeNames.Of(Configuration, path, lettered, head ?? CaffeNames.DefaultHead));
        }
    }

    private enum Part
    {
        AsItIs,
        Mean,
        Variance,
    }

    /// <inheritdoc/>
    public string Names => $"Caffe's layers (conv1, bn_conv1, scale_conv1, ...), {(IsThreeScale ? "three scales" : "one scale")}";

    /// <inheritdoc/>
    public DeepLabConfiguration Configuration { get; }

    /// <inheritdoc/>
    public bool HasHead { get; }

    /// <summary>
    /// The last layers of other networks, which are not read: <c>fc1000</c> of an original ResNet, that of the authors' initial network. The names
    /// are the file's.
    /// </summary>
    public IReadOnlyList<string> LeftOut { get; }

    /// <summary>Whether the file repeats its layers for the smaller scales.</summary>
    public bool IsThreeScale { get; }

    /// <summary>Whether a file is a Caffe model of a ResNet, by two of its layers.</summary>
    public static bool Recognises(ITensorFile file) => file.TryGet("conv1[0]", out _) && file.TryGet("res2a_branch2a[0]", out _);

    /// <summary>All that keeps the file from being this network, by Caffe's names: what is missing, misshapen or left over.</summary>
    public IReadOnlyList<string> FindProblems()
    {
        var problems = new List<string>();
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (Blob blob in _blobs.Concat(Copies()))
        {
            known.Add(blob.Name);
            if (!_file.TryGet(blob.Name, out TensorInfo? tensor)) problems.Add($"{blob.Name} is missing");
            else if (!blob.Fits(tensor)) problems.Add(Misfit(blob, tensor));
        }

        problems.AddRange(_file.Tensors
            .Where(t => !known.Contains(t.Name) && !IsClassifier(LayerOf(t.Name)))
            .Select(t => $"{FileText.Quote(t.Name)} is not part of the network"));
        return problems;
    }

    /// <summary>
    /// Reads one of our arrays: of all in <see cref="DeepLabResNet.State"/>, but those of the last layer if the file has none.
    /// </summary>
    /// <param name="name">Our name, such as <c>Scale.layer3.7.bn2.running_mean</c>.</param>
    /// <param name="target">Takes the elements.</param>
    /// <exception cref="InvalidFileException">What the array is made of is among <see cref="FindProblems"/>.</exception>
    /// <exception cref="DeepLabException">The file cannot be read.</exception>
    public void Read(string name, Span<float> target)
    {
        if (!_sources.TryGetValue(name, out Source source)) throw new ArgumentException($"The file's network has no array '{name}'.", nameof(name));
        ReadBlob(source.Blob, target);
        if (source.Part == Part.AsItIs) return;
        Span<float> factor = stackalloc float[1];
        ReadBlob(source.Factor, factor);
        float[] bias = new float[target.Length];
        if (source.Part == Part.Mean && source.Bias is { } blob) ReadBlob(blob, bias);

        // Caffe takes a factor of 0 for one that makes everything 0: that of a batch norm which has seen no batch.
        for (int i = 0; i < target.Length; i++)
            target[i] = (float)((factor[0] == 0 ? 0 : (double)target[i] / factor[0]) - bias[i]);
    }

    /// <inheritdoc/>
    public IEnumerable<string> FindNotes()
    {
        IReadOnlyList<string> differences = FindDifferences();
        return differences.Count == 0 ? [] : [$"the scales do not hold the same values, and the first scale's are taken; others are in {string.Join(", ", differences)}"];
    }

    /// <summary>
    /// Compares what the smaller scales have with the first scale's, value for value, and names the blobs that differ. Those among
    /// <see cref="FindProblems"/> are passed over.
    /// </summary>
    public IReadOnlyList<string> FindDifferences()
    {
        if (!IsThreeScale) return [];
        var differences = new List<string>();
        int largest = _blobs.Max(b => b.Count);
        float[] expected = new float[largest], actual = new float[largest];
        foreach (Blob blob in _blobs.Where(IsThere))
        {
            Span<float> values = expected.AsSpan(0, blob.Count), copied = actual.AsSpan(0, blob.Count);
            _file.ReadSingle(blob.Name, values);
            foreach (Blob copy in CaffeNames.Scales.Select(blob.WithScale).Where(IsThere))
            {
                _file.ReadSingle(copy.Name, copied);
                if (!MemoryMarshal.AsBytes(values).SequenceEqual(MemoryMarshal.AsBytes(copied))) differences.Add(copy.Name);
            }
        }

        return differences;
    }

    private static string LayerOf(string blob)
    {
        int bracket = blob.LastIndexOf('[');
        return bracket < 0 ? blob : blob[..bracket];
    }

    private static bool IsClassifier(string layer) => layer.StartsWith("fc", StringComparison.Ordinal) && !CaffeNames.IsHeadBranch(layer);

    private static string Misfit(Blob blob, TensorInfo tensor) =>
        $"{blob.Name} is {FileText.Shape(tensor.Shape)}, not [{string.Join(", ", blob.Shape)}]";

    private IEnumerable<Blob> Copies() => IsThreeScale ? CaffeNames.Scales.SelectMany(s => _blobs.Select(b => b.WithScale(s))) : [];

    /// <summary>The depth whose blocks the file has. A block counts if any of its convolutions is there, so that the others can be missed by name.</summary>
    private DeepLabConfiguration Recognise(List<string> layers, out bool lettered)
    {
        var blocks = new int[4];
        lettered = true;
        foreach (string layer in layers)
        {
            if (!CaffeNames.TryParseBlock(layer, out int stage, out int block, out bool numbered)) continue;
            blocks[stage - 1] = Math.Max(blocks[stage - 1], block + 1);
            lettered &= !numbered;
        }

        bool bottlenecks = layers.Contains("res2a_branch2c");
        return DeepLabConfiguration.Depths
            .Select(depth => new DeepLabConfiguration(depth))
            .FirstOrDefault(c => c.HasBottlenecks == bottlenecks && c.BlocksPerStage.SequenceEqual(blocks))
            ?? throw new InvalidFileException(
                _file.Path,
                $"holds no ResNet that is known: {(bottlenecks ? "bottlenecks" : "basic blocks")}, {string.Join(", ", blocks)} of them in the stages res2 to res5; depths 18, 34, 50, 101 and 152 are");
    }

    private int ClassesOf(string head)
    {
        // Any branch tells, so that one which is missing is named as missing.
        TensorInfo? branch = null;
        for (int i = 0; i < 4 && branch is null; i++)
            _file.TryGet($"{head}_c{i}[0]", out branch);
        long classes = branch is { Shape.Count: > 0 } ? branch.Shape[0] : 0;
        return classes is >= 2 and <= 255
            ? (int)classes
            : throw new InvalidFileException(_file.Path, $"its last layer {FileText.Quote(head)} has {classes} classes; from 2 to 255 are possible");
    }

    /// <summary>Notes the blobs that a convolution of ours is made of, and which of our arrays comes from which.</summary>
    private void Add(Conv convolution, CaffeNames.CaffeLayers layers)
    {
        int channels = convolution.Weight.Shape[0];
        Blob? bias = null;
        _sources.Add(convolution.Weight.Name, new Source(Part.AsItIs, Note(layers.Convolution, 0, [.. convolution.Weight.Shape])));
        if (convolution.Bias is not null || _file.TryGet($"{layers.Convolution}[1]", out _)) bias = Note(layers.Convolution, 1, channels);
        if (convolution.Bias is not null) _sources.Add(convolution.Bias.Name, new Source(Part.AsItIs, bias!));
        if (convolution.BatchNorm is not { } norm) return;
        Blob mean = Note(layers.BatchNorm!, 0, channels), variance = Note(layers.BatchNorm!, 1, channels), factor = Note(layers.BatchNorm!, 2, 1);
        _sources.Add(norm.Mean.Name, new Source(Part.Mean, mean, factor, bias));
        _sources.Add(norm.Variance.Name, new Source(Part.Variance, variance, factor));
        _sources.Add(norm.Gamma.Name, new Source(Part.AsItIs, Note(layers.Scale!, 0, channels)));
        _sources.Add(norm.Beta.Name, new Source(Part.AsItIs, Note(layers.Scale!, 1, channels)));
    }

    private Blob Note(string layer, int index, params int[] shape)
    {
        var blob = new Blob(layer, index, shape);
        _blobs.Add(blob);
        return blob;
    }

    private bool IsThere(Blob blob) => _file.TryGet(blob.Name, out TensorInfo? tensor) && blob.Fits(tensor);

    private void ReadBlob(Blob blob, Span<float> target)
    {
        if (!_file.TryGet(blob.Name, out TensorInfo? tensor)) throw new InvalidFileException(_file.Path, $"{blob.Name} is missing");
        if (!blob.Fits(tensor)) throw new InvalidFileException(_file.Path, Misfit(blob, tensor));
        _file.ReadSingle(blob.Name, target);
    }

    /// <summary>A blob that the network has: its layer, which it is of that layer's, and its shape.</summary>
    private sealed record Blob(string Layer, int Index, int[] Shape)
    {
        public string Name { get; } = $"{Layer}[{Index}]";

        public int Count { get; } = Shape.Aggregate(1, (product, side) => product * side);

        public Blob WithScale(string suffix) => new(CaffeNames.WithScale(Layer, suffix), Index, Shape);

        /// <summary>Vectors of old files have four sides, three of them 1.</summary>
        public bool Fits(TensorInfo tensor) => Shape.Length > 1
            ? tensor.Shape.SequenceEqual(Shape.Select(side => (long)side))
            : tensor.Shape.Where(side => side != 1).SequenceEqual(Shape.Where(side => side != 1).Select(side => (long)side));
    }

    /// <summary>What one of our arrays is made of.</summary>
    private readonly record struct Source(Part Part, Blob Blob, Blob Factor = null!, Blob? Bias = null);
}
