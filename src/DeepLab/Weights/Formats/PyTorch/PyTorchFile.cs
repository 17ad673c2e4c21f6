using System.Diagnostics.CodeAnalysis;
using DeepLab.IO;
using DeepLab.Tensors;

namespace DeepLab.Weights.Formats.PyTorch;

/// <summary>
/// Reads the tensors of a state dict from a file of PyTorch's torch.save (<c>.pth</c>, <c>.pt</c>): the zip archives of
/// PyTorch 1.6 and later, and the files of 0.1.10 to 1.5. The state dict may be alone or in a checkpoint, under
/// <c>state_dict</c>, <c>model_state_dict</c>, <c>model_state</c>, <c>model</c>, <c>net</c>, <c>network</c> or
/// <c>module</c>. Such files are pickles, programs that Python runs; here they are read as data and nothing is run.
/// Whatever a file needs besides tensors, dicts and numbers is refused by its name. Methods may be called from several
/// threads at once.
/// </summary>
internal sealed class PyTorchFile : ITensorFile
{
    /// <summary>How many leading bytes are enough to tell the formats apart.</summary>
    private const int SignatureLength = 262;

    private readonly FileBytes _bytes;
    private readonly Dictionary<string, View> _byName = new(StringComparer.Ordinal);

    private PyTorchFile(FileBytes bytes)
    {
        _bytes = bytes;
        PyTorchContents contents = ReadContents(bytes);
        PickleDict state = StateDict.Find(contents.Root, Path);
        foreach ((string name, PickleTensor tensor) in StateDict.Tensors(state, Path))
        {
            PickleStorage storage = tensor.Storage;
            long offset = contents.Storages[storage.Key] + ((storage.Start + tensor.Offset) * storage.Type.Size());
            _byName.Add(name, new View(new TensorInfo(name, storage.Type, tensor.Sizes), offset, tensor.Strides));
        }

        Format = contents.Format;
        Tensors = [.. _byName.Values.Select(v => v.Tensor)];
        Metadata = StateDict.Metadata(state, Path).AsReadOnly();
    }

    /// <summary>
    /// A tensor, where its first element lies in the file, and how far apart elements lie along each side, in elements.
    /// </summary>
    private sealed record View(TensorInfo Tensor, long Offset, long[] Strides);

    /// <inheritdoc/>
    public string Path => _bytes.Path;

    /// <summary><c>PyTorch (zip)</c> or <c>PyTorch (legacy)</c>.</summary>
    public string Format { get; }

    /// <summary>The state dict's tensors, in its order, under its names.</summary>
    public IReadOnlyList<TensorInfo> Tensors { get; }

    /// <summary>
    /// The texts that <see cref="PyTorchWriter"/> put next to the tensors; empty in files that others wrote.
    /// </summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Opens a file, which stays open until disposed of.</summary>
    /// <exception cref="InvalidFileException">The file is not a state dict of PyTorch's, is damaged, or asks for
    /// something that tensors do not need.</exception>
    /// <exception cref="DeepLabException">The file is not there or cannot be read.</exception>
    public static PyTorchFile Open(string path)
    {
        FileBytes bytes = FileBytes.Open(path);
        try
        {
            return new PyTorchFile(bytes);
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    /// <summary>Reads a file that is in memory; <paramref name="name"/> stands for its path in messages.</summary>
    /// <exception cref="InvalidFileException">The bytes are not a state dict of PyTorch's, are damaged, or ask for
    /// something that tensors do not need.</exception>
    public static PyTorchFile Parse(ReadOnlyMemory<byte> bytes, string name) => new(FileBytes.Of(bytes, name));

    /// <inheritdoc/>
    public bool TryGet(string name, [NotNullWhen(true)] out TensorInfo? tensor)
    {
        tensor = _byName.GetValueOrDefault(name)?.Tensor;
        return tensor is not null;
    }

    /// <inheritdoc/>
    public void ReadSingle(string name, Span<float> target)
    {
        if (!_byName.TryGetValue(name, out View? view))
            throw new InvalidFileException(Path, $"has no tensor {BoundedText.Quote(name)} among its {Tensors.Count}");
        TensorInfo tensor = view.Tensor;
        if (tensor.Count != target.Length)
            throw new ArgumentException($"The target has {target.Length} elements; tensor '{name}' has {tensor.Count}.", nameof(target));
        if (!tensor.Type.IsFloatingPoint())
            throw new InvalidFileException(Path, $"tensor {BoundedText.Quote(name)} is of type {tensor.Type}; expected F32, F64, F16 or BF16");
        StridedReader.ReadSingle(_bytes, tensor.Type, view.Offset, [.. tensor.Shape], view.Strides, target);
    }

    /// <inheritdoc/>
    public bool TryMap(string name, out ReadOnlyMemory<float> values)
    {
        values = default;
        return _byName.TryGetValue(name, out View? view) && view.Tensor.Type == TensorType.F32
            && StridedReader.IsInOrder([.. view.Tensor.Shape], view.Strides)
            && _bytes.TryMapSingle(view.Offset, view.Tensor.Count, out values);
    }

    /// <inheritdoc/>
    public void Dispose() => _bytes.Dispose();

    /// <summary>
    /// Whether a file that begins like this is for <see cref="Open"/>: a zip archive, a legacy file (24 bytes are
    /// enough to tell), or a tar archive (262 bytes), which it refuses.
    /// </summary>
    internal static bool LooksLike(ReadOnlySpan<byte> firstBytes) =>
        PyTorchContents.LooksLikeZip(firstBytes) || PyTorchContents.LooksLikeLegacy(firstBytes) || PyTorchContents.LooksLikeTar(firstBytes);

    private static PyTorchContents ReadContents(FileBytes bytes)
    {
        Span<byte> start = stackalloc byte[(int)Math.Min(SignatureLength, bytes.Length)];
        bytes.Read(start, 0);
        if (PyTorchContents.LooksLikeZip(start)) return PyTorchContents.ReadZip(bytes);
        if (PyTorchContents.LooksLikeLegacy(start)) return PyTorchContents.ReadLegacy(bytes, start);
        if (PyTorchContents.LooksLikeTar(start))
            throw new InvalidFileException(bytes.Path, "is a tar archive, as PyTorch wrote them before 0.1.10, which are not read; load it in Python and save it again");
        string found = start.Length == 0 ? "nothing" : Convert.ToHexString(start[..Math.Min(8, start.Length)]);
        throw new InvalidFileException(bytes.Path, $"not a PyTorch file: it begins with {found}; expected a zip archive or the magic number of torch.save");
    }
}
