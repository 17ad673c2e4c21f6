using DeepLab.Backends;
using DeepLab.Layers;
using DeepLab.Models;
using DeepLab.Weights.Formats.Onnx;
using DeepLab.Weights.Formats.PyTorch;
using DeepLab.Weights.Formats.SafeTensors;

namespace DeepLab.Weights;

/// <summary>
/// Networks in weights files: read from every format that <see cref="NetworkWeights.Open"/> reads, written in the
/// format that the name's extension says.
/// </summary>
public static class NetworkFile
{
    /// <summary>The extensions of what can be written.</summary>
    public static IReadOnlyList<string> Extensions { get; } = [".pth", ".safetensors", ".onnx"];

    /// <summary>Writes the network, atomically.</summary>
    /// <param name="path">The file; its extension says the format.</param>
    /// <param name="network">The network.</param>
    /// <param name="classNames">The names of its classes, or null.</param>
    /// <exception cref="DeepLabException">There is no such format, or the file cannot be written.</exception>
    public static void Save(string path, DeepLabResNet network, IReadOnlyList<string>? classNames = null) => Save(path, NetworkWeights.Of(network, classNames));

    /// <summary>
    /// Writes weights, atomically. Each tensor is read once, in the order of <see cref="NetworkWeights.Tensors"/>.
    /// </summary>
    /// <param name="path">The file; its extension says the format.</param>
    /// <param name="weights">The weights.</param>
    /// <param name="onnx">What an .onnx file computes besides the network; null for the three scales.</param>
    /// <exception cref="DeepLabException">There is no such format, the file cannot be written, or the weights cannot be
    /// read.</exception>
    public static void Save(string path, NetworkWeights weights, OnnxOptions? onnx = null)
    {
        ArgumentNullException.ThrowIfNull(weights);
        if (!CanWrite(path)) throw new DeepLabException($"{path}: the extension says no format of weights: end the name in {string.Join(", ", Extensions)}");
        if (Path.GetExtension(path).Equals(".onnx", StringComparison.OrdinalIgnoreCase))
        {
            OnnxWriter.Write(path, weights, onnx ?? new OnnxOptions());
            return;
        }

        IReadOnlyList<NetworkTensor> tensors = weights.Layout.Tensors;
        void Fill(int index, Span<float> target) => weights.Read(tensors[index], target);
        Dictionary<string, string> metadata = NetworkMetadata.Of(weights);
        (string, long[])[] shapes = [.. tensors.Select(t => (t.Name, t.Shape.ToArray()))];
        if (Path.GetExtension(path).Equals(".safetensors", StringComparison.OrdinalIgnoreCase)) SafeTensorsWriter.Write(path, shapes, Fill, metadata);
        else PyTorchWriter.Write(path, shapes, Fill, metadata);
    }

    /// <summary>
    /// Writes weights as <see cref="Save(string, NetworkWeights, OnnxOptions)"/> does, and takes their checksum without
    /// reading them once more.
    /// </summary>
    /// <returns>What <see cref="NetworkWeights.Checksum"/> returns.</returns>
    /// <inheritdoc cref="Save(string, NetworkWeights, OnnxOptions)"/>
    public static string SaveWithChecksum(string path, NetworkWeights weights, OnnxOptions? onnx = null)
    {
        ArgumentNullException.ThrowIfNull(weights);
        using var checksum = new WeightsChecksum(weights.Layout);
        Save(path, weights.Observed(checksum.Add), onnx);
        return checksum.Result();
    }

    /// <summary>Whether a file's name says a format that can be written.</summary>
    public static bool CanWrite(string path) => Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    /// <summary>Builds the network that a file holds and loads its weights.</summary>
    /// <exception cref="InvalidFileException">The file holds no DeepLab-ResNet, or a damaged one.</exception>
    public static DeepLabResNet Load(string path, Backend backend)
    {
        using NetworkWeights weights = NetworkWeights.Open(path);
        return Load(weights, backend);
    }

    /// <summary>Builds the network that weights are of and loads them.</summary>
    /// <exception cref="InvalidFileException">The weights have no last layer, or the file cannot be read.</exception>
    public static DeepLabResNet Load(NetworkWeights weights, Backend backend) => Build(weights, backend, map: false);

    /// <summary>
    /// Builds the network that an open file holds, and leaves the kernels in the file, mapped into memory, until they
    /// are used: one photograph is predicted sooner and with less memory. Weights that are not in a file, as F32 and in
    /// our order, are loaded.
    /// </summary>
    /// <remarks>
    /// The file on disk must stay as it is, though it may be closed: a change of it is a change of the network, and one
    /// that is cut short ends the process.
    /// </remarks>
    /// <exception cref="InvalidFileException">The weights have no last layer, or the file cannot be read.</exception>
    public static DeepLabResNet Map(NetworkWeights weights, Backend backend) => Build(weights, backend, map: true);

    /// <summary>Loads the weights in a file into a network of the same depth.</summary>
    /// <inheritdoc cref="LoadInto(NetworkWeights, DeepLabResNet)"/>
    public static bool LoadInto(string path, DeepLabResNet network)
    {
        using NetworkWeights weights = NetworkWeights.Open(path);
        return LoadInto(weights, network);
    }

    /// <summary>
    /// Loads weights into a network of the same depth. Where they have other classes or no last layer, the network's
    /// last layer is left as it is.
    /// </summary>
    /// <returns>Whether the last layer was loaded too.</returns>
    /// <exception cref="InvalidFileException">The file holds another network, or a damaged one.</exception>
    public static bool LoadInto(NetworkWeights weights, DeepLabResNet network)
    {
        DeepLabConfiguration found = weights.Configuration, expected = network.Configuration;
        if (found.Depth != expected.Depth)
            throw new InvalidFileException(weights.Path, $"holds a network of depth {found.Depth}, not {expected.Depth}") { Remedy = new Remedy(RemedyKind.Depth, found.Depth) };
        if (found with { Classes = expected.Classes } != expected)
            throw new InvalidFileException(weights.Path, $"holds a network with the preprocessing or the strides of {found.Preprocessing}'s, not of {expected.Preprocessing}'s");
        bool sameHead = weights.HasHead && found.Classes == expected.Classes;
        Load(weights, network, sameHead, map: false);
        return sameHead;
    }

    /// <summary>The network that a file holds, which has been checked to be whole.</summary>
    /// <exception cref="InvalidFileException">The file holds no DeepLab-ResNet, or a damaged one.</exception>
    public static DeepLabConfiguration ReadConfiguration(string path)
    {
        using NetworkWeights weights = NetworkWeights.Open(path);
        weights.RequireHead();
        return weights.Configuration;
    }

    private static DeepLabResNet Build(NetworkWeights weights, Backend backend, bool map)
    {
        // What the file claims was checked when it was opened, before the network's memory is set aside.
        weights.RequireHead();
        var network = new DeepLabResNet(backend, weights.Configuration);
        Load(weights, network, withHead: true, map);
        return network;
    }

    private static void Load(NetworkWeights weights, DeepLabResNet network, bool withHead, bool map)
    {
        // The layout and the network's state have the same order.
        (NetworkTensor Source, StateTensor Target)[] wanted =
        [
            .. NetworkLayout.Of(network.Configuration, withHead).Tensors.Zip(network.State).Where(pair => !(map && TryMap(weights, pair.First, pair.Second))),
        ];
        int longest = wanted.Max(w => w.Target.Length);
        float[] current = new float[longest], next = new float[longest];

        // The next tensor is read while the last one is brought into the network's order.
        Task reading = Read(0, next);
        for (int i = 0; i < wanted.Length; i++)
        {
            reading.GetAwaiter().GetResult();
            (current, next) = (next, current);
            if (i + 1 < wanted.Length) reading = Read(i + 1, next);
            wanted[i].Target.CopyFrom(current.AsSpan(0, wanted[i].Target.Length));
        }

        Task Read(int index, float[] buffer) => Task.Run(() => weights.Read(wanted[index].Source, buffer.AsSpan(0, wanted[index].Target.Length)));
    }

    private static bool TryMap(NetworkWeights weights, NetworkTensor source, StateTensor target)
    {
        if (target is not Parameter kernel || source.Role != TensorRole.Kernel || !weights.TryMap(source, out ReadOnlyMemory<float> values)) return false;
        kernel.Map(values);
        return true;
    }
}
