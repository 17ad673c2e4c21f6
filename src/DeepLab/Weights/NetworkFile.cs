using DeepLab.Backends;
using DeepLab.Layers;
using DeepLab.Models;
using DeepLab.Weights.Formats.Onnx;
using DeepLab.Weights.Formats.PyTorch;
using DeepLab.Weights.Formats.SafeTensors;
using DeepLab.Weights.Maps;

namespace DeepLab.Weights;

/// <summary>Networks in weights files: read from any format that <see cref="WeightsFile"/> knows, written in the format of the name's extension.</summary>
public static class NetworkFile
{
    /// <summary>The extensions of what can be written.</summary>
    public static IReadOnlyList<string> Extensions { get; } = [".pth", ".safetensors", ".onnx"];

    /// <summary>Writes the network, atomically.</summary>
    /// <param name="path">The file; its extension says the format.</param>
    /// <param name="network">The network.</param>
    /// <param name="classNames">The names of its classes, or null.</param>
    /// <exception cref="DeepLabException">There is no such format, or the file cannot be written.</exception>
    public static void Save(string path, DeepLabResNet network, IReadOnlyList<string>? classNames = null) => Save(path, new NetworkWeights(network, classNames));

    /// <summary>Writes weights, atomically; they are read one array at a time.</summary>
    /// <param name="path">The file; its extension says the format.</param>
    /// <param name="weights">The weights.</param>
    /// <param name="onnx">What an .onnx file computes beside the network; null for the three scales.</param>
    /// <exception cref="DeepLabException">There is no such format, or the file cannot be written.</exception>
    public static void Save(string path, INetworkWeights weights, OnnxOptions? onnx = null)
    {
        if (!CanWrite(path)) throw new DeepLabException($"{path}: the extension says no format of weights: end the name in {string.Join(", ", Extensions)}");
        if (Path.GetExtension(path).Equals(".onnx", StringComparison.OrdinalIgnoreCase))
        {
            OnnxWriter.Write(path, weights, onnx ?? new OnnxOptions());
            return;
        }

        (string, long[])[] tensors = [.. weights.State.Select(t => (t.Name, t.Shape.ToArray()))];
        void Fill(int index, Span<float> target) => weights.Read(weights.State[index].Name, target);
        Dictionary<string, string> metadata = NetworkMetadata.Of(weights);
        if (Path.GetExtension(path).Equals(".safetensors", StringComparison.OrdinalIgnoreCase)) SafeTensorsWriter.Write(path, tensors, Fill, metadata);
        else PyTorchWriter.Write(path, tensors, Fill, metadata);
    }

    /// <summary>Whether a file's name says a format that can be written.</summary>
    public static bool CanWrite(string path) => Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    /// <summary>Builds the network that a file holds and loads its weights.</summary>
    /// <exception cref="InvalidFileException">The file holds no DeepLab-ResNet, or a damaged one.</exception>
    public static DeepLabResNet Load(string path, Backend backend)
    {
        using WeightsFile file = WeightsFile.Open(path);
        return Load(file, backend);
    }

    /// <summary>Builds the network that an open file holds and loads its weights.</summary>
    /// <exception cref="InvalidFileException">The file holds no last layer, or is damaged.</exception>
    public static DeepLabResNet Load(WeightsFile file, Backend backend) => Build(file, backend, map: false);

    /// <summary>
    /// Builds the network that an open file holds, and leaves the kernels in the file, mapped into memory, until they are used: one photograph is predicted sooner and with less memory. A file
    /// whose arrays are not F32 and in our order is loaded.
    /// </summary>
    /// <remarks>The file on disk must stay as it is, though it may be closed: a change of it is a change of the network, and one that is cut short ends the process.</remarks>
    /// <exception cref="InvalidFileException">The file holds no last layer, or is damaged.</exception>
    public static DeepLabResNet Map(WeightsFile file, Backend backend) => Build(file, backend, map: true);

    /// <summary>
    /// Loads weights into a network of the same depth. Where the file has other classes or no last layer, the last layer is left as it is.
    /// </summary>
    /// <returns>Whether the last layer was loaded too.</returns>
    /// <exception cref="InvalidFileException">The file holds another network, or a damaged one.</exception>
    public static bool LoadInto(string path, DeepLabResNet network)
    {
        using WeightsFile file = WeightsFile.Open(path);
        DeepLabConfiguration configuration = file.Configuration;
        if (configuration.Depth != network.Configuration.Depth)
            throw new InvalidFileException(path, $"holds a network of depth {configuration.Depth}, not {network.Configuration.Depth}: give --depth {configuration.Depth}");
        if (configuration with { Classes = network.Configuration.Classes } != network.Configuration)
            throw new InvalidFileException(path, $"holds a network with the preprocessing or the strides of {configuration.Preprocessing}'s, not of {network.Configuration.Preprocessing}'s");
        bool sameHead = file.HasHead && configuration.Classes == network.Configuration.Classes;
        Load(file, network, sameHead, map: false);
        return sameHead;
    }

    /// <summary>The network that a file holds, which has been checked to be whole.</summary>
    /// <exception cref="InvalidFileException">The file holds no DeepLab-ResNet, or a damaged one.</exception>
    public static DeepLabConfiguration ReadConfiguration(string path)
    {
        using WeightsFile file = WeightsFile.Open(path);
        file.RequireHead();
        return file.Configuration;
    }

    private static DeepLabResNet Build(WeightsFile file, Backend backend, bool map)
    {
        // What the file claims was checked when it was opened, before the network's memory is set aside.
        file.RequireHead();
        var network = new DeepLabResNet(backend, file.Configuration);
        Load(file, network, includeHead: true, map);
        return network;
    }

    private static void Load(WeightsFile file, DeepLabResNet network, bool includeHead, bool map)
    {
        StateTensor[] wanted = [.. network.State.Where(t => (includeHead || !NetworkShapes.IsHead(t.Name)) && !(map && TryMap(file, t)))];
        int longest = wanted.Max(t => t.Length);
        float[] current = new float[longest], next = new float[longest];

        // The next array is read while the last one is brought into the network's order.
        Task reading = Read(0, next);
        for (int i = 0; i < wanted.Length; i++)
        {
            reading.GetAwaiter().GetResult();
            (current, next) = (next, current);
            if (i + 1 < wanted.Length) reading = Read(i + 1, next);
            wanted[i].CopyFrom(current.AsSpan(0, wanted[i].Length));
        }

        Task Read(int index, float[] buffer) => Task.Run(() => file.Read(wanted[index].Name, buffer.AsSpan(0, wanted[index].Length)));
    }

    private static bool TryMap(WeightsFile file, StateTensor tensor)
    {
        if (tensor is not Parameter { Shape.Count: 4 } kernel || !file.TryMap(tensor.Name, out ReadOnlyMemory<float> values)) return false;
        kernel.Map(values);
        return true;
    }
}
