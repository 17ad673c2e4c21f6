using System.Diagnostics.CodeAnalysis;

namespace DeepLab.Weights;

/// <summary>
/// An open file of named tensors, whatever its format. Names and shapes are held in memory; elements are read one
/// tensor at a time, into the caller's memory. Methods may be called from several threads at once.
/// </summary>
internal interface ITensorFile : IDisposable
{
    /// <summary>The file, as it was named.</summary>
    string Path { get; }

    /// <summary>
    /// The format, for people: <c>safetensors</c>, <c>PyTorch (zip)</c>, <c>PyTorch (legacy)</c>, <c>Caffe</c>.
    /// </summary>
    string Format { get; }

    /// <summary>The tensors, in the file's order; no name twice.</summary>
    IReadOnlyList<TensorInfo> Tensors { get; }

    /// <summary>Texts that the file holds besides the tensors, by name; empty where the format has none.</summary>
    IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Finds a tensor by name.</summary>
    bool TryGet(string name, [NotNullWhen(true)] out TensorInfo? tensor);

    /// <summary>
    /// Reads a tensor of type F32, F64, F16 or BF16 as singles: F32 bit for bit, F16 and BF16 exactly, F64 rounded to
    /// the nearest.
    /// </summary>
    /// <param name="name">The tensor's name.</param>
    /// <param name="target">Takes the elements, the last side's fastest; as long as the tensor has elements.</param>
    /// <exception cref="ArgumentException"><paramref name="target"/> has another length.</exception>
    /// <exception cref="InvalidFileException">The file has no such tensor, or one of another type.</exception>
    /// <exception cref="DeepLabException">The file cannot be read.</exception>
    void ReadSingle(string name, Span<float> target);

    /// <summary>
    /// Gives a tensor in place, without reading it, where it is of type F32, lies in the file as in memory, and the
    /// file can be mapped. The values outlive the open file; the file on disk must stay as it is while they are used:
    /// they change with it, and one that is cut short ends the process.
    /// </summary>
    /// <param name="name">The tensor's name.</param>
    /// <param name="values">The elements, the last side's fastest.</param>
    bool TryMap(string name, out ReadOnlyMemory<float> values)
    {
        values = default;
        return false;
    }
}
