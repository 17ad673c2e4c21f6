using System.Globalization;
using DeepLab.Kernels;
using DeepLab.Layers;
using DeepLab.Models;
using DeepLab.Weights.SafeTensors;

namespace DeepLab.Weights;

/// <summary>What a network's file holds.</summary>
/// <param name="Configuration">Depth and classes.</param>
/// <param name="Parameters">Values of convolutions, biases and batch norms' gamma and beta; batch norms' statistics are not counted.</param>
/// <param name="Metadata">The file's metadata, as they stand.</param>
/// <param name="Tensors">The tensors, in the file's order.</param>
public sealed record NetworkFileInfo(
    DeepLabConfiguration Configuration, long Parameters, IReadOnlyDictionary<string, string> Metadata, IReadOnlyList<TensorInfo> Tensors);

/// <summary>
/// Networks in safetensors files: the arrays under the names of the seed's .pth files, the configuration in the metadata
/// (<c>depth</c>, <c>classes</c>, <c>mean</c>, <c>channel_order</c>). A file without metadata is recognised by its tensors.
/// </summary>
public static class NetworkFile
{
    private const string Prefix = "Scale.";
    private const string ChannelOrder = "BGR";
    private const int NamedProblems = 10;

    private static string MeanText => string.Create(
        CultureInfo.InvariantCulture, $"{Preprocessing.Caffe.Mean[0]} {Preprocessing.Caffe.Mean[1]} {Preprocessing.Caffe.Mean[2]}");

    /// <summary>Writes the network, atomically.</summary>
    /// <exception cref="DeepLabException">The file cannot be written.</exception>
    public static void Save(string path, DeepLabResNet network)
    {
        IReadOnlyList<StateTensor> state = network.State;
        var metadata = new Dictionary<string, string>
        {
            ["format"] = "deeplab-resnet",
            ["depth"] = network.Configuration.Depth.ToString(CultureInfo.InvariantCulture),
            ["classes"] = network.Configuration.Classes.ToString(CultureInfo.InvariantCulture),
            ["mean"] = MeanText,
            ["channel_order"] = ChannelOrder,
        };
        SafeTensorsWriter.Write(
            path,
            [.. state.Select(t => (t.Name, t.Shape.Select(side => (long)side).ToArray()))],
            (index, target) => state[index].CopyTo(target),
            metadata);
    }

    /// <summary>Builds the network that a file holds and loads its weights.</summary>
    /// <exception cref="InvalidFileException">The file holds no DeepLab-ResNet, or a damaged one.</exception>
    public static DeepLabResNet Load(string path, Backend backend)
    {
        using SafeTensorsFile file = SafeTensorsFile.Open(path);
        DeepLabConfiguration configuration = ReadConfiguration(file, path);

        // Before the network's memory is set aside, so that a small file which claims much gets nothing.
        RequireTensors(file, path, Shapes(configuration), includeHead: true);
        var network = new DeepLabResNet(backend, configuration);
        Load(file, network, includeHead: true);
        return network;
    }

    /// <summary>Checks that a file holds a whole network, by its header, and says which.</summary>
    /// <exception cref="InvalidFileException">The file holds no DeepLab-ResNet, or a damaged one.</exception>
    public static NetworkFileInfo Inspect(string path)
    {
        using SafeTensorsFile file = SafeTensorsFile.Open(path);
        DeepLabConfiguration configuration = ReadConfiguration(file, path);
        DeepLabResNet shapes = Shapes(configuration);
        RequireTensors(file, path, shapes, includeHead: true);
        long parameters = shapes.State.Where(t => !IsStatistic(t.Name)).Sum(t => (long)t.Length);
        return new NetworkFileInfo(configuration, parameters, file.Metadata, file.Tensors);
    }

    /// <summary>
    /// Loads weights into a network of the same depth. Where the file has other classes, the last layer is left as it is.
    /// </summary>
    /// <returns>Whether the last layer was loaded too.</returns>
    /// <exception cref="InvalidFileException">The file holds another network, or a damaged one.</exception>
    public static bool LoadInto(string path, DeepLabResNet network)
    {
        using SafeTensorsFile file = SafeTensorsFile.Open(path);
        DeepLabConfiguration configuration = ReadConfiguration(file, path);
        if (configuration.Depth != network.Configuration.Depth)
            throw new InvalidFileException(path, $"holds a network of depth {configuration.Depth}, not {network.Configuration.Depth}: give --depth {configuration.Depth}");
        bool sameHead = configuration.Classes == network.Configuration.Classes;
        RequireTensors(file, path, network, sameHead);
        Load(file, network, sameHead);
        return sameHead;
    }

    /// <summary>Depth and classes of the network that a file holds.</summary>
    /// <exception cref="InvalidFileException">The file holds no DeepLab-ResNet, or its metadata contradict its tensors.</exception>
    public static DeepLabConfiguration ReadConfiguration(string path)
    {
        using SafeTensorsFile file = SafeTensorsFile.Open(path);
        return ReadConfiguration(file, path);
    }

    private static DeepLabConfiguration ReadConfiguration(SafeTensorsFile file, string path)
    {
        var blocks = new int[4];
        for (int stage = 0; stage < blocks.Length; stage++)
        {
            while (file.TryGet($"{Prefix}layer{stage + 1}.{blocks[stage]}.conv1.weight", out _)) blocks[stage]++;
        }

        bool bottlenecks = file.TryGet($"{Prefix}layer1.0.conv3.weight", out _);
        DeepLabConfiguration? found = DeepLabConfiguration.Depths
            .Select(depth => new DeepLabConfiguration(depth))
            .FirstOrDefault(c => c.HasBottlenecks == bottlenecks && c.BlocksPerStage.SequenceEqual(blocks));
        if (found is null)
        {
            string some = string.Join(", ", file.Tensors.Take(3).Select(t => SafeTensorsHeader.Quote(t.Name)));
            throw new InvalidFileException(
                path, $"holds no DeepLab-ResNet that is known: {file.Tensors.Count} tensors ({(some.Length == 0 ? "none" : $"{some}, ...")}), blocks a stage {string.Join(", ", blocks)}");
        }

        if (!file.TryGet($"{Prefix}layer5.conv2d_list.0.weight", out TensorInfo? head) || head.Shape.Count != 4 || head.Shape[0] is < 2 or > 255)
            throw new InvalidFileException(path, $"has no last layer {Prefix}layer5.conv2d_list.0.weight of 2 to 255 classes");
        DeepLabConfiguration configuration = found with { Classes = (int)head.Shape[0] };
        RequireMetadata(file, path, "depth", configuration.Depth.ToString(CultureInfo.InvariantCulture));
        RequireMetadata(file, path, "classes", configuration.Classes.ToString(CultureInfo.InvariantCulture));
        RequireMetadata(file, path, "mean", MeanText);
        RequireMetadata(file, path, "channel_order", ChannelOrder);
        return configuration;
    }

    private static void RequireMetadata(SafeTensorsFile file, string path, string key, string expected)
    {
        if (file.Metadata.TryGetValue(key, out string? value) && value != expected)
            throw new InvalidFileException(path, $"its metadata say {key} {SafeTensorsHeader.Quote(value)}, but {expected} was expected");
    }

    private static void Load(SafeTensorsFile file, DeepLabResNet network, bool includeHead)
    {
        List<StateTensor> wanted = Wanted(network, includeHead);
        float[] buffer = new float[wanted.Max(t => t.Length)];
        foreach (StateTensor tensor in wanted)
        {
            Span<float> values = buffer.AsSpan(0, tensor.Length);
            file.ReadSingle(tensor.Name, values);
            tensor.CopyFrom(values);
        }
    }

    /// <summary>A network that has names and shapes but no memory.</summary>
    private static DeepLabResNet Shapes(DeepLabConfiguration configuration) => new(PlanningBackend.ForShapes, configuration);

    private static List<StateTensor> Wanted(DeepLabResNet network, bool includeHead) =>
        [.. network.State.Where(t => includeHead || !t.Name.StartsWith($"{Prefix}layer5.", StringComparison.Ordinal))];

    private static void RequireTensors(SafeTensorsFile file, string path, DeepLabResNet network, bool includeHead)
    {
        var problems = new List<string>();
        foreach (StateTensor tensor in Wanted(network, includeHead))
        {
            if (!file.TryGet(tensor.Name, out TensorInfo? info)) problems.Add($"{tensor.Name} is missing");
            else if (!info.Shape.SequenceEqual(tensor.Shape.Select(side => (long)side)))
                problems.Add($"{tensor.Name} is [{string.Join(", ", info.Shape.Take(6))}{(info.Shape.Count > 6 ? ", ..." : "")}], not [{string.Join(", ", tensor.Shape)}]");
            else if (info.Type is not (TensorType.F32 or TensorType.F64 or TensorType.F16 or TensorType.BF16))
                problems.Add($"{tensor.Name} is of type {info.Type}, not F32, F64, F16 or BF16");
        }

        HashSet<string> known = [.. network.State.Select(t => t.Name)];
        problems.AddRange(file.Tensors.Where(t => !known.Contains(t.Name) && !IsCounter(t.Name)).Select(t => $"{SafeTensorsHeader.Quote(t.Name)} is not part of the network"));
        if (problems.Count == 0) return;
        string more = problems.Count > NamedProblems ? $"; and {problems.Count - NamedProblems} more" : "";
        throw new InvalidFileException(path, $"does not fit a DeepLab-ResNet-{network.Configuration.Depth}: {string.Join("; ", problems.Take(NamedProblems))}{more}");
    }

    private static bool IsStatistic(string name) => name.Contains(".running_", StringComparison.Ordinal);

    // PyTorch counts the batches that a batch norm has seen; nobody reads it.
    private static bool IsCounter(string name) => name.EndsWith(".num_batches_tracked", StringComparison.Ordinal);
}
