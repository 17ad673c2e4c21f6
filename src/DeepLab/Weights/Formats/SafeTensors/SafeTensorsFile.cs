using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using DeepLab.IO;
using DeepLab.Tensors;

namespace DeepLab.Weights.Formats.SafeTensors;

/// <summary>
/// Reads a .safetensors file: 8 bytes of header length, a JSON header, then the tensors' data end to end,
/// little-endian. Only the header is held in memory; tensors are read one at a time, into the caller's memory. Methods
/// may be called from several threads at once.
/// </summary>
internal sealed class SafeTensorsFile : ITensorFile
{
    private readonly FileBytes _bytes;
    private readonly long _dataStart;
    private readonly Dictionary<string, SafeTensorsEntry> _byName;

    private SafeTensorsFile(FileBytes bytes)
    {
        _bytes = bytes;
        long length = bytes.Length;
        if (length < 8)
            throw new InvalidFileException(Path, $"not a safetensors file: it has {length} bytes, and its header's length alone takes 8");
        Span<byte> prefix = stackalloc byte[8];
        bytes.Read(prefix, 0);
        ulong headerLength = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (headerLength > (ulong)Math.Min(length - 8, SafeTensorsHeader.MaximumLength))
        {
            throw new InvalidFileException(Path,
                $"not a safetensors file, or cut short: its header should take {headerLength} bytes, of {length - 8} there and at most {SafeTensorsHeader.MaximumLength} allowed");
        }

        var header = new byte[(int)headerLength];
        bytes.Read(header, 8);
        _dataStart = 8 + header.Length;
        (List<SafeTensorsEntry> entries, Dictionary<string, string> metadata) = SafeTensorsHeader.Parse(header, length - _dataStart, Path);
        Tensors = [.. entries.Select(e => e.Tensor)];
        Metadata = metadata.AsReadOnly();
        _byName = entries.ToDictionary(e => e.Tensor.Name, StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    public string Path => _bytes.Path;

    /// <inheritdoc/>
    public string Format => "safetensors";

    /// <summary>The tensors, in the order of the header.</summary>
    public IReadOnlyList<TensorInfo> Tensors { get; }

    /// <summary>What the header's <c>__metadata__</c> holds; empty without it.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Opens a file, which stays open until disposed of.</summary>
    /// <exception cref="InvalidFileException">The file is not a valid .safetensors file.</exception>
    /// <exception cref="DeepLabException">The file is not there or cannot be read.</exception>
    public static SafeTensorsFile Open(string path)
    {
        FileBytes bytes = FileBytes.Open(path);
        try
        {
            return new SafeTensorsFile(bytes);
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    /// <summary>Reads a file that is in memory; <paramref name="name"/> stands for its path in messages.</summary>
    /// <exception cref="InvalidFileException">The bytes are not a valid .safetensors file.</exception>
    public static SafeTensorsFile Parse(ReadOnlyMemory<byte> bytes, string name) => new(FileBytes.Of(bytes, name));

    /// <summary>Whether a file that begins like this may be one: a header's length, then JSON.</summary>
    internal static bool LooksLike(ReadOnlySpan<byte> beginning) =>
        beginning.Length > 8 && beginning[8] == (byte)'{' && BinaryPrimitives.ReadUInt64LittleEndian(beginning) <= SafeTensorsHeader.MaximumLength;

    /// <summary>Finds a tensor by name.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out TensorInfo? tensor)
    {
        tensor = _byName.GetValueOrDefault(name)?.Tensor;
        return tensor is not null;
    }

    /// <summary>Finds a tensor by name.</summary>
    /// <exception cref="InvalidFileException">The file has no such tensor.</exception>
    public TensorInfo Get(string name) =>
        TryGet(name, out TensorInfo? tensor) ? tensor : throw new InvalidFileException(Path, $"has no tensor '{name}' among its {Tensors.Count}");

    /// <summary>
    /// Reads a tensor of type F32, F64, F16 or BF16 as singles: F32 bit for bit, F16 and BF16 exactly, F64 rounded to
    /// the nearest.
    /// </summary>
    /// <param name="name">The tensor's name.</param>
    /// <param name="target">Takes the elements, in the file's order; as long as the tensor has elements.</param>
    /// <exception cref="ArgumentException"><paramref name="target"/> has another length.</exception>
    /// <exception cref="InvalidFileException">The file has no such tensor, or one of another type.</exception>
    /// <exception cref="DeepLabException">The file cannot be read.</exception>
    public void ReadSingle(string name, Span<float> target)
    {
        SafeTensorsEntry entry = CheckTarget(name, target.Length);
        if (!entry.Tensor.Type.IsFloatingPoint()) throw WrongType(entry.Tensor, "F32, F64, F16 or BF16");
        _bytes.ReadSingle(entry.Tensor.Type, _dataStart + entry.Begin, target);
    }

    /// <inheritdoc/>
    public bool TryMap(string name, out ReadOnlyMemory<float> values)
    {
        values = default;
        return _byName.TryGetValue(name, out SafeTensorsEntry? entry) && entry.Tensor.Type == TensorType.F32
            && _bytes.TryMapSingle(_dataStart + entry.Begin, entry.Tensor.Count, out values);
    }

    /// <summary>Reads a tensor of type F64 or F32 as doubles, exactly.</summary>
    /// <inheritdoc cref="ReadSingle(string, Span{float})"/>
    public void ReadDouble(string name, Span<double> target)
    {
        SafeTensorsEntry entry = CheckTarget(name, target.Length);
        if (entry.Tensor.Type is not (TensorType.F64 or TensorType.F32)) throw WrongType(entry.Tensor, "F64 or F32");
        _bytes.ReadDouble(entry.Tensor.Type, _dataStart + entry.Begin, target);
    }

    /// <summary>
    /// Reads a tensor as singles into a new array, which is no larger than the file: opening it has checked that.
    /// </summary>
    /// <inheritdoc cref="ReadSingle(string, Span{float})"/>
    public float[] ReadSingle(string name)
    {
        var values = new float[ArrayLength(name)];
        ReadSingle(name, values);
        return values;
    }

    /// <summary>Reads a tensor as doubles into a new array.</summary>
    /// <inheritdoc cref="ReadDouble(string, Span{double})"/>
    public double[] ReadDouble(string name)
    {
        var values = new double[ArrayLength(name)];
        ReadDouble(name, values);
        return values;
    }

    /// <inheritdoc/>
    public void Dispose() => _bytes.Dispose();

    private int ArrayLength(string name)
    {
        TensorInfo tensor = Get(name);
        return tensor.Count <= Array.MaxLength
            ? (int)tensor.Count
            : throw new InvalidFileException(Path, $"tensor '{name}' has {tensor.Count} elements, more than an array holds");
    }

    private SafeTensorsEntry CheckTarget(string name, int length)
    {
        TensorInfo tensor = Get(name);
        return tensor.Count == length
            ? _byName[name]
            : throw new ArgumentException($"The target has {length} elements; tensor '{name}' has {tensor.Count}.", nameof(length));
    }

    private InvalidFileException WrongType(TensorInfo tensor, string expected) =>
        new(Path, $"tensor '{tensor.Name}' is of type {tensor.Type}; expected {expected}");
}
