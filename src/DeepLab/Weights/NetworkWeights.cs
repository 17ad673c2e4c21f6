using System.Diagnostics.CodeAnalysis;
using DeepLab.Layers;
using DeepLab.Models;
using DeepLab.Weights.Naming;

namespace DeepLab.Weights;

/// <summary>
/// The weights of a network, whoever has them: an open file of any format in which a DeepLab-ResNet was recognised, or
/// the ResNet below its last layer; or a network in memory. Tensors are read one at a time under our names, those of
/// the seed's .pth files.
/// </summary>
/// <remarks>Reading is safe from several threads at once, as long as nobody changes the network in memory.</remarks>
public sealed class NetworkWeights : IDisposable
{
    private const int MostProblems = 1000;

    private readonly NetworkNames _names;
    private readonly Action<NetworkTensor, ReadOnlySpan<float>>? _observer;

    private NetworkWeights(NetworkNames names, DeepLabConfiguration configuration, IReadOnlyList<string>? classNames, Action<NetworkTensor, ReadOnlySpan<float>>? observer = null)
    {
        if (classNames is not null && classNames.Count != configuration.Classes)
            throw new ArgumentException($"{classNames.Count} names do not fit {configuration.Classes} classes.", nameof(classNames));
        _names = names;
        _observer = observer;
        Configuration = configuration;
        ClassNames = classNames;
    }

    /// <summary>The file, as it was named; <c>memory</c> for a network in memory.</summary>
    public string Path => _names.File.Path;

    /// <summary>
    /// The format, for people: <c>safetensors</c>, <c>PyTorch (zip)</c>, <c>PyTorch (legacy)</c>, <c>Caffe</c>,
    /// <c>memory</c>.
    /// </summary>
    public string Format => _names.File.Format;

    /// <summary>Whose names the file uses, for people.</summary>
    public string NamingScheme => _names.Title;

    /// <summary>Depth, classes, preprocessing. The classes mean nothing without the last layer.</summary>
    public DeepLabConfiguration Configuration { get; }

    /// <summary>
    /// Whether DeepLab's last layer is there; without it, the weights are a backbone that training can start from.
    /// </summary>
    public bool HasHead => _names.HasHead;

    /// <summary>The names of the classes, one per class; null where they are not known.</summary>
    public IReadOnlyList<string>? ClassNames { get; }

    /// <summary>
    /// The network's tensors by our names, in the order of <see cref="DeepLabResNet.State"/>, as F32; without the last
    /// layer if there is none.
    /// </summary>
    public IReadOnlyList<TensorInfo> Tensors => Layout.Tensors;

    /// <summary>
    /// The number of values that are learnt: those of kernels, biases and batch norms' gamma and beta.
    /// </summary>
    public long Parameters => Layout.Tensors.Where(t => t.IsParameter).Sum(t => t.Count);

    /// <summary>All tensors as the file has them, by its names and types and in its order.</summary>
    public IReadOnlyList<TensorInfo> FileTensors => _names.File.Tensors;

    /// <summary>
    /// What the file holds besides the network and is left out, such as a classifier's <c>fc1000</c>; by its names.
    /// </summary>
    public IReadOnlyList<string> LeftOut => _names.LeftOut;

    /// <summary>The texts that the file holds besides its tensors, by name; empty where there are none.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _names.File.Metadata;

    /// <summary>The network's tensors.</summary>
    internal NetworkLayout Layout => _names.Layout;

    /// <summary>
    /// Opens a file of any format that can be read, which its content decides, and checks that it holds a whole
    /// network. The file stays open until disposed of.
    /// </summary>
    /// <exception cref="InvalidFileException">The file holds no network that is known, only a part of one, or is
    /// damaged.</exception>
    /// <exception cref="DeepLabException">The file is not there or cannot be read.</exception>
    public static NetworkWeights Open(string path)
    {
        ITensorFile file = TensorFile.Open(path);
        try
        {
            return Recognise(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The weights of a network in memory, which stays the caller's. What is read is what it holds at that moment.
    /// </summary>
    /// <param name="network">The network.</param>
    /// <param name="classNames">The names of its classes, if they are known.</param>
    /// <exception cref="ArgumentException">There are more or fewer names than classes.</exception>
    public static NetworkWeights Of(DeepLabResNet network, IReadOnlyList<string>? classNames = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        var names = new ModuleNames(new NetworkTensors(network), Naming.NamingScheme.Seed, prefix: "", network.Configuration);
        return new NetworkWeights(names, network.Configuration, classNames);
    }

    /// <summary>The weights in an open file, which is disposed of with them.</summary>
    /// <exception cref="InvalidFileException">The file holds no network that is known, or only a part of
    /// one.</exception>
    internal static NetworkWeights Recognise(ITensorFile file)
    {
        NetworkNames names = Recogniser.Recognise(file);
        DeepLabConfiguration configuration = NetworkMetadata.Apply(file, names);
        IReadOnlyList<string>? classNames = NetworkMetadata.ClassNames(file, configuration, names.HasHead);
        IReadOnlyList<string> problems = names.FindProblems();
        if (problems.Count == 0) return new NetworkWeights(names, configuration, classNames);
        string more = problems.Count > MostProblems ? $"; and {problems.Count - MostProblems} more" : "";
        throw new InvalidFileException(file.Path, $"does not fit a DeepLab-ResNet-{configuration.Depth}: {string.Join("; ", problems.Take(MostProblems))}{more}");
    }

    /// <summary>
    /// The same weights with other names of the classes. They share the open file, which is disposed of with either.
    /// </summary>
    /// <exception cref="ArgumentException">There are more or fewer names than classes.</exception>
    public NetworkWeights WithClassNames(IReadOnlyList<string>? classNames) => new(_names, Configuration, classNames, _observer);

    /// <summary>Reads a tensor.</summary>
    /// <param name="name">Its name in <see cref="Tensors"/>.</param>
    /// <param name="target">Takes the elements, the last side's fastest: a kernel as [out, in, height, width].</param>
    /// <exception cref="ArgumentException">There is no such tensor, or <paramref name="target"/> has another
    /// length.</exception>
    /// <exception cref="DeepLabException">The file cannot be read.</exception>
    public void Read(string name, Span<float> target) =>
        Read(Layout.Find(name) ?? throw new ArgumentException($"The network has no tensor '{name}'.", nameof(name)), target);

    /// <summary>
    /// The checksum of the weights, the same in every format: the first 16 hexadecimal digits of SHA-256 over names,
    /// shapes and values. All tensors are read for it.
    /// </summary>
    /// <exception cref="DeepLabException">The file cannot be read.</exception>
    public string Checksum()
    {
        using var checksum = new WeightsChecksum(Layout);
        var buffer = new float[Layout.Tensors.Max(t => t.Count)];
        foreach (NetworkTensor tensor in Layout.Tensors)
        {
            Span<float> values = buffer.AsSpan(0, (int)tensor.Count);
            Read(tensor, values);
            checksum.Add(tensor, values);
        }

        return checksum.Result();
    }

    /// <summary>
    /// What a user should know about the file, one sentence each; finding out may take as long as reading it.
    /// </summary>
    public IEnumerable<string> FindNotes() => _names.FindNotes();

    /// <summary>Refuses weights without the last layer.</summary>
    /// <exception cref="InvalidFileException">There is none.</exception>
    public void RequireHead()
    {
        if (HasHead) return;
        throw new InvalidFileException(Path, $"holds a ResNet-{Configuration.Depth} without DeepLab's last layer") { Remedy = new Remedy(RemedyKind.LastLayer) };
    }

    /// <summary>Closes the file; a network in memory is left alone.</summary>
    public void Dispose() => _names.File.Dispose();

    /// <summary>The same weights, which show every tensor to <paramref name="observer"/> as it is read.</summary>
    internal NetworkWeights Observed(Action<NetworkTensor, ReadOnlySpan<float>> observer) => new(_names, Configuration, ClassNames, observer);

    /// <summary>Reads a tensor of <see cref="Layout"/>.</summary>
    internal void Read(NetworkTensor tensor, Span<float> target)
    {
        TensorSource source = _names.SourceOf(tensor);
        _names.File.ReadSingle(source.Value, target);
        if (source.Divisor is not null) Divide(source, target);
        _observer?.Invoke(tensor, target);
    }

    /// <summary>
    /// Gives a tensor of <see cref="Layout"/> in place, where the file has it as we do; see
    /// <see cref="ITensorFile.TryMap"/>.
    /// </summary>
    internal bool TryMap(NetworkTensor tensor, out ReadOnlyMemory<float> values)
    {
        TensorSource source = _names.SourceOf(tensor);
        values = default;
        return source.Divisor is null && _names.File.TryMap(source.Value, out values);
    }

    private void Divide(TensorSource source, Span<float> target)
    {
        Span<float> divisor = stackalloc float[1];
        _names.File.ReadSingle(source.Divisor!, divisor);
        float[] bias = new float[target.Length];
        if (source.Bias is not null) _names.File.ReadSingle(source.Bias, bias);

        // Caffe takes a factor of 0 for one that makes everything 0: that of a batch norm which has seen no batch.
        for (int i = 0; i < target.Length; i++)
            target[i] = (float)((divisor[0] == 0 ? 0 : (double)target[i] / divisor[0]) - bias[i]);
    }

    /// <summary>A network in memory as a file of named tensors.</summary>
    private sealed class NetworkTensors(DeepLabResNet network) : ITensorFile
    {
        private readonly Dictionary<string, StateTensor> _tensors = network.State.ToDictionary(t => t.Name, StringComparer.Ordinal);

        public string Path => "memory";

        public string Format => "memory";

        public IReadOnlyList<TensorInfo> Tensors { get; } = NetworkLayout.Of(network.Configuration).Tensors;

        public IReadOnlyDictionary<string, string> Metadata { get; } = new Dictionary<string, string>();

        public bool TryGet(string name, [NotNullWhen(true)] out TensorInfo? tensor)
        {
            tensor = Tensors.FirstOrDefault(t => t.Name == name);
            return tensor is not null;
        }

        public void ReadSingle(string name, Span<float> target) => _tensors[name].CopyTo(target);

        public void Dispose()
        {
        }
    }
}
