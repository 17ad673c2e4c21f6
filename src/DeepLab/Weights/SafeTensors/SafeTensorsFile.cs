using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace DeepLab.Weights.SafeTensors;

/// <summary>
/// Reads a .safetensors file: 8 bytes of header length, a JSON header, then the tensors' data end to end, little-endian.
/// Only the header is held in memory; tensors are read one at a time, into the caller's memory. Methods may be called
/// from several threads at once.
/// </summary>
public sealed class SafeTensorsFile : IDisposable
{
    private const int ChunkBytes = 1 << 20;

    private readonly string _path;
    private readonly SafeFileHandle? _file;
    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly long _dataStart;
    private readonly Dictionary<string, TensorInfo> _byName;

    private SafeTensorsFile(string path, SafeFileHandle? file, ReadOnlyMemory<byte> bytes)
    {
        _path = path;
        _file = file;
        _bytes = bytes;
        long length = file is null ? bytes.Length : RandomAccess.GetLength(file);
        if (length < 8)
            throw new InvalidFileException(path, $"not a safetensors file: it has {length} bytes, and its header's length alone takes 8");
        Span<byte> prefix = stackalloc byte[8];
        ReadExactly(prefix, 0);
        ulong headerLength = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (headerLength > (ulong)Math.Min(length - 8, SafeTensorsHeader.MaximumLength))
        {
            throw new InvalidFileException(path,
                $"not a safetensors file, or cut short: its header should take {headerLength} bytes, of {length - 8} there and at most {SafeTensorsHeader.MaximumLength} allowed");
        }

        var header = new byte[(int)headerLength];
        ReadExactly(header, 8);
        _dataStart = 8 + header.Length;
        (List<TensorInfo> tensors, Dictionary<string, string> metadata) = SafeTensorsHeader.Parse(header, length - _dataStart, path);
        Tensors = tensors.AsReadOnly();
        Metadata = metadata.AsReadOnly();
        _byName = tensors.ToDictionary(t => t.Name, StringComparer.Ordinal);
    }

    /// <summary>The tensors, in the order of the header.</summary>
    public IReadOnlyList<TensorInfo> Tensors { get; }

    /// <summary>What the header's <c>__metadata__</c> holds; empty without it.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Opens a file, which stays open until disposed of.</summary>
    /// <exception cref="InvalidFileException">The file is no valid .safetensors file.</exception>
    /// <exception cref="DeepLabException">The file is not there or cannot be read.</exception>
    public static SafeTensorsFile Open(string path)
    {
        SafeFileHandle? file = null;
        try
        {
            file = File.OpenHandle(path);
            return new SafeTensorsFile(path, file, default);
        }
        catch (Exception e)
        {
            file?.Dispose();
            if (e is IOException or UnauthorizedAccessException or NotSupportedException)
                throw new DeepLabException($"{path}: cannot be read: {e.Message}", e);
            throw;
        }
    }

    /// <summary>Reads a file that is in memory; <paramref name="name"/> stands for its path in messages.</summary>
    /// <exception cref="InvalidFileException">The bytes are no valid .safetensors file.</exception>
    public static SafeTensorsFile Parse(ReadOnlyMemory<byte> bytes, string name) => new(name, null, bytes);

    /// <summary>Finds a tensor by name.</summary>
    public bool TryGet(string name, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out TensorInfo? tensor) => _byName.TryGetValue(name, out tensor);

    /// <summary>Finds a tensor by name.</summary>
    /// <exception cref="InvalidFileException">The file has no such tensor.</exception>
    public TensorInfo Get(string name) =>
        TryGet(name, out TensorInfo? tensor) ? tensor : throw new InvalidFileException(_path, $"has no tensor '{name}' among its {Tensors.Count}");

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
        TensorInfo tensor = CheckTarget(name, target.Length);
        switch (tensor.Type)
        {
            case TensorType.F32:
                ReadRaw(tensor, target);
                break;
            case TensorType.F64:
                Convert<double, float>(tensor, target, static v => (float)v);
                break;
            case TensorType.F16:
                Convert<Half, float>(tensor, target, static v => (float)v);
                break;
            case TensorType.BF16:
                Convert<ushort, float>(tensor, target, static v => BitConverter.UInt32BitsToSingle((uint)v << 16));
                break;
            default:
                throw WrongType(tensor, "F32, F64, F16 or BF16");
        }
    }

    /// <summary>Reads a tensor of type F64 or F32 as doubles, exactly.</summary>
    /// <inheritdoc cref="ReadSingle(string, Span{float})"/>
    public void ReadDouble(string name, Span<double> target)
    {
        TensorInfo tensor = CheckTarget(name, target.Length);
        if (tensor.Type == TensorType.F64)
            ReadRaw(tensor, target);
        else if (tensor.Type == TensorType.F32)
            Convert<float, double>(tensor, target, static v => v);
        else
            throw WrongType(tensor, "F64 or F32");
    }

    /// <summary>Reads a tensor as singles into a new array; the file holds as many elements, or it would not have opened.</summary>
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
    public void Dispose() => _file?.Dispose();

    private int ArrayLength(string name)
    {
        TensorInfo tensor = Get(name);
        return tensor.Count <= Array.MaxLength
            ? (int)tensor.Count
            : throw new InvalidFileException(_path, $"tensor '{name}' has {tensor.Count} elements, more than an array holds");
    }

    private TensorInfo CheckTarget(string name, int length)
    {
        TensorInfo tensor = Get(name);
        return tensor.Count == length
            ? tensor
            : throw new ArgumentException($"The target has {length} elements; tensor '{name}' has {tensor.Count}.", nameof(length));
    }

    private InvalidFileException WrongType(TensorInfo tensor, string expected) =>
        new(_path, $"tensor '{tensor.Name}' is of type {tensor.Type}; expected {expected}");

    private void ReadRaw<T>(TensorInfo tensor, Span<T> target)
        where T : unmanaged
    {
        // A span of bytes ends at 2 GB, so that long tensors are read in parts.
        const int Part = 1 << 27;
        for (int start = 0; start < target.Length; start += Part)
        {
            Span<T> part = target.Slice(start, Math.Min(Part, target.Length - start));
            Span<byte> bytes = MemoryMarshal.AsBytes(part);
            ReadExactly(bytes, _dataStart + tensor.Begin + ((long)start * tensor.Type.Size()));
            ToLittleEndian(bytes, tensor.Type.Size());
        }
    }

    private void Convert<TSource, TTarget>(TensorInfo tensor, Span<TTarget> target, Func<TSource, TTarget> convert)
        where TSource : unmanaged
    {
        int size = tensor.Type.Size(), step = ChunkBytes / size;
        byte[] buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(ChunkBytes, tensor.End - tensor.Begin));
        try
        {
            for (int start = 0; start < target.Length; start += step)
            {
                int count = Math.Min(step, target.Length - start);
                Span<byte> bytes = buffer.AsSpan(0, count * size);
                ReadExactly(bytes, _dataStart + tensor.Begin + ((long)start * size));
                ToLittleEndian(bytes, size);
                ReadOnlySpan<TSource> source = MemoryMarshal.Cast<byte, TSource>(bytes);
                for (int i = 0; i < count; i++)
                    target[start + i] = convert(source[i]);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Puts elements in the file's order of bytes, or back: nothing to do but on the rare big-endian machine.</summary>
    internal static void ToLittleEndian(Span<byte> bytes, int size)
    {
        if (BitConverter.IsLittleEndian) return;
        for (int i = 0; i < bytes.Length; i += size)
            bytes.Slice(i, size).Reverse();
    }

    private void ReadExactly(Span<byte> target, long offset)
    {
        if (_file is null)
        {
            _bytes.Span.Slice((int)offset, target.Length).CopyTo(target);
            return;
        }

        try
        {
            while (target.Length > 0)
            {
                int read = RandomAccess.Read(_file, target, offset);
                if (read == 0) throw new InvalidFileException(_path, $"ended at byte {offset} while being read: it was cut short after it was opened");
                target = target[read..];
                offset += read;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DeepLabException($"{_path}: cannot be read: {e.Message}", e);
        }
    }
}
