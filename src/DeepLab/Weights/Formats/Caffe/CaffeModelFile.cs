using System.Collections.ObjectModel;
using System.Diagnostics.CodeAnalysis;
using DeepLab.IO;
using DeepLab.Tensors;

namespace DeepLab.Weights.Formats.Caffe;

/// <summary>
/// Reads a .caffemodel: Caffe's binary NetParameter, with current layers or those of its older format (V1). The tensors
/// are the layers' blobs, named <c>layer[index]</c>, as <c>bn2a_branch1[2]</c>, of type F32 or F64. Opening a file
/// locates them without reading them, so memory use does not depend on the file's size. Methods may be called from
/// several threads at once.
/// </summary>
/// <remarks>
/// Blobs have the shape that the file gives them: vectors in old files are [1, 1, 1, n]. The metadata hold the
/// network's <c>name</c> if it has one.
/// </remarks>
internal sealed class CaffeModelFile : ITensorFile
{
    private readonly FileBytes _bytes;
    private readonly Dictionary<string, CaffeBlob> _byName;

    private CaffeModelFile(FileBytes bytes)
    {
        _bytes = bytes;
        CaffeModelIndex index = CaffeModelIndex.Read(bytes);
        Tensors = [.. index.Blobs.Select(b => b.Tensor)];
        _byName = index.Blobs.ToDictionary(b => b.Tensor.Name, StringComparer.Ordinal);
        Metadata = index.Name.Length == 0 ? ReadOnlyDictionary<string, string>.Empty : new Dictionary<string, string> { ["name"] = index.Name }.AsReadOnly();
    }

    /// <inheritdoc/>
    public string Path => _bytes.Path;

    /// <inheritdoc/>
    public string Format => "Caffe";

    /// <summary>The blobs, in the file's order.</summary>
    public IReadOnlyList<TensorInfo> Tensors { get; }

    /// <summary>The network's <c>name</c>, or nothing.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Opens a file, which stays open until disposed of.</summary>
    /// <exception cref="InvalidFileException">The file is not a Caffe model, has no weights, or is damaged.</exception>
    /// <exception cref="DeepLabException">The file is not there or cannot be read.</exception>
    public static CaffeModelFile Open(string path)
    {
        FileBytes bytes = FileBytes.Open(path);
        try
        {
            return new CaffeModelFile(bytes);
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    /// <summary>Reads a file that is in memory; <paramref name="name"/> stands for its path in messages.</summary>
    /// <exception cref="InvalidFileException">The bytes are not a Caffe model, have no weights, or are
    /// damaged.</exception>
    public static CaffeModelFile Parse(ReadOnlyMemory<byte> bytes, string name) => new(FileBytes.Of(bytes, name));

    /// <inheritdoc/>
    public bool TryGet(string name, [NotNullWhen(true)] out TensorInfo? tensor)
    {
        tensor = _byName.TryGetValue(name, out CaffeBlob blob) ? blob.Tensor : null;
        return tensor is not null;
    }

    /// <inheritdoc/>
    public void ReadSingle(string name, Span<float> target)
    {
        if (!_byName.TryGetValue(name, out CaffeBlob blob))
            throw new InvalidFileException(Path, $"has no blob {BoundedText.Quote(name)} among its {Tensors.Count}");
        if (blob.Tensor.Count != target.Length)
            throw new ArgumentException($"The target has {target.Length} elements; blob '{name}' has {blob.Tensor.Count}.", nameof(target));
        _bytes.ReadSingle(blob.Tensor.Type, blob.Offset, target);
    }

    /// <inheritdoc/>
    public void Dispose() => _bytes.Dispose();

    /// <summary>
    /// Whether a file that starts with these bytes is likely a Caffe model; see <see cref="CaffeSignature"/>.
    /// </summary>
    internal static bool LooksLike(ReadOnlySpan<byte> firstBytes) => CaffeSignature.Matches(firstBytes);
}
