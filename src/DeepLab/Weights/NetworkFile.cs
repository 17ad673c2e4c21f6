using System.Globalization;
using DeepLab.Kernels;
using DeepLab.Layers;
using DeepLab.Models;
using DeepLab.Weights.SafeTensors;

namespace DeepLab.Weights;

/// <summary>
/// Networks in safetensors files: the arrays under the names of the seed's .pth files, the configuration in the metadata
/// (<c>depth</c>, <c>classes</c>, <c>mean</c>, <c>channel_order</c>). A file without metadata is recognised by its tensors.
/// </summary>
public static class NetworkFile
{
    private const string Prefix = "Scale.";
    private const string ChannelOrder = "BGR";

    private static string MeanText => string.Create(
        CultureInfo.InvariantCulture, $"{Preprocessing.MeanBlue} {Preprocessing.MeanGreen} {Preprocessing.MeanRed}");

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
        var network = new DeepLabResNet(backend, ReadConfiguration(file, path));
        Load(file, path, network, includeHead: true);
        return network;
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
        Load(file, path, network, sameHead);
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
            string some = string.Join(", ", file.Tensors.Take(3).Select(t => t.Name));
            throw new InvalidFileException(path, $"holds no DeepLab-ResNet that is known: {file.Tensors.Count} tensors ({some}, ...), blocks a stage {string.Join(", ", blocks)}");
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
            throw new InvalidFileException(path, $"metadata say {key} {value}, but {expected} was expected");
    }

    private static void Load(SafeTensorsFile file, string path, DeepLabResNet network, bool includeHead)
    {
        List<StateTensor> wanted = [.. network.State.Where(t => includeHead || !t.Name.StartsWith($"{Prefix}layer5.", StringComparison.Ordinal))];
        RequireTensors(file, path, network, wanted);
        float[] buffer = new float[wanted.Max(t => t.Length)];
        foreach (StateTensor tensor in wanted)
        {
            Span<float> values = buffer.AsSpan(0, tensor.Length);
            file.ReadSingle(tensor.Name, values);
            tensor.CopyFrom(values);
        }
    }

    private static void RequireTensors(SafeTensorsFile file, string path, DeepLabResNet network, List<StateTensor> wanted)
    {
        var problems = new List<string>();
        foreach (StateTensor tensor in wanted)
        {
            if (!file.TryGet(tensor.Name, out TensorInfo? info)) problems.Add($"{tensor.Name} is missing");
            else if (!info.Shape.SequenceEqual(tensor.Shape.Select(side => (long)side)))
                problems.Add($"{tensor.Name} is [{string.Join(", ", info.Shape)}], not [{string.Join(", ", tensor.Shape)}]");
        }

        HashSet<string> known = [.. network.State.Select(t => t.Name)];
        problems.AddRange(file.Tensors.Where(t => !known.Contains(t.Name) && !IsCounter(t.Name)).Select(t => $"{t.Name} is not part of the network"));
        if (problems.Count == 0) return;
        string more = problems.Count > 10 ? $"; and {problems.Count - 10} more" : "";
        throw new InvalidFileException(path, $"does not fit a DeepLab-ResNet-{network.Configuration.Depth}: {string.Join("; ", problems.Take(10))}{more}");
    }

    // PyTorch counts the batches that a batch norm has seen; nobody reads it.
    private static bool IsCounter(string name) => name.EndsWith(".num_batches_tracked", StringComparison.Ordinal);
}
