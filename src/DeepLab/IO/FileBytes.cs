using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace DeepLab.IO;

/// <summary>
/// The bytes of a file that is read at any place: a file on disk, or one in memory. Failures come as
/// <see cref="DeepLabException"/> with the file's name. Methods may be called from several threads at once.
/// </summary>
internal sealed class FileBytes : IDisposable
{
    private const int ChunkBytes = 1 << 18;

    private readonly SafeFileHandle? _file;
    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly Lazy<FileMapping?> _mapping;

    private FileBytes(string path, SafeFileHandle? file, ReadOnlyMemory<byte> bytes)
    {
        Path = path;
        _file = file;
        _bytes = bytes;
        Length = file is null ? bytes.Length : RandomAccess.GetLength(file);
        _mapping = new Lazy<FileMapping?>(() => file is null ? null : FileMapping.Of(file, Length));
    }

    /// <summary>The file, as it was named.</summary>
    public string Path { get; }

    /// <summary>Its length in bytes when it was opened.</summary>
    public long Length { get; }

    /// <summary>Opens a file, which stays open until disposed of.</summary>
    /// <exception cref="DeepLabException">The file is not there or cannot be read.</exception>
    public static FileBytes Open(string path)
    {
        SafeFileHandle? file = null;
        try
        {
            file = File.OpenHandle(path);
            return new FileBytes(path, file, default);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            file?.Dispose();
            throw new DeepLabException($"{path}: cannot be read: {e.Message}", e);
        }
    }

    /// <summary>A file that is in memory; <paramref name="name"/> stands for its path in messages.</summary>
    public static FileBytes Of(ReadOnlyMemory<byte> bytes, string name) => new(name, null, bytes);

    /// <summary>Reads bytes. The caller has checked that they lie in the file.</summary>
    public void Read(Span<byte> target, long offset)
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
                if (read == 0) throw new InvalidFileException(Path, $"ended at byte {offset} while being read: it was cut short after it was opened");
                target = target[read..];
                offset += read;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DeepLabException($"{Path}: cannot be read: {e.Message}", e);
        }
    }

    /// <summary>
    /// Gives singles that lie one after another in place, where the file can be mapped and the machine has its order of
    /// bytes.
    /// </summary>
    /// <param name="offset">Where the first lies. The caller has checked that all lie in the file.</param>
    /// <param name="count">How many.</param>
    /// <param name="values">The elements; they change, or end the process, if the file does.</param>
    public bool TryMapSingle(long offset, long count, out ReadOnlyMemory<float> values)
    {
        values = default;
        if (count is 0 or > int.MaxValue || offset % sizeof(float) != 0 || _mapping.Value is not FileMapping mapping) return false;
        values = mapping.Singles(offset, (int)count);
        return true;
    }

    /// <summary>Reads little-endian elements that lie one after another.</summary>
    /// <param name="offset">Where the first lies. The caller has checked that all lie in the file.</param>
    /// <param name="target">Takes the elements.</param>
    public void ReadElements<T>(long offset, Span<T> target)
        where T : unmanaged
    {
        // A span of bytes ends at 2 GB, so that long arrays are read in parts.
        const int Part = 1 << 27;
        for (int start = 0; start < target.Length; start += Part)
        {
            Span<byte> bytes = MemoryMarshal.AsBytes(target.Slice(start, Math.Min(Part, target.Length - start)));
            Read(bytes, offset + ((long)start * Unsafe.SizeOf<T>()));
            ToLittleEndian(bytes, Unsafe.SizeOf<T>());
        }
    }

    /// <summary>Reads little-endian elements of one type as elements of another.</summary>
    /// <param name="offset">Where the first lies. The caller has checked that all lie in the file.</param>
    /// <param name="target">Takes the elements.</param>
    /// <param name="convert">Makes one element of another.</param>
    public void ReadElements<TSource, TTarget>(long offset, Span<TTarget> target, Func<TSource, TTarget> convert)
        where TSource : unmanaged
    {
        int step = ChunkBytes / Unsafe.SizeOf<TSource>();
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Math.Min(ChunkBytes, target.Length * Unsafe.SizeOf<TSource>()));
        try
        {
            for (int start = 0; start < target.Length; start += step)
            {
                int count = Math.Min(step, target.Length - start);
                Span<byte> bytes = buffer.AsSpan(0, count * Unsafe.SizeOf<TSource>());
                Read(bytes, offset + ((long)start * Unsafe.SizeOf<TSource>()));
                ToLittleEndian(bytes, Unsafe.SizeOf<TSource>());
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

    /// <inheritdoc/>
    public void Dispose() => _file?.Dispose();

    /// <summary>
    /// Puts elements in the file's order of bytes, or back: nothing to do but on the rare big-endian machine.
    /// </summary>
    public static void ToLittleEndian(Span<byte> bytes, int size)
    {
        if (BitConverter.IsLittleEndian) return;
        for (int i = 0; i < bytes.Length; i += size)
            bytes.Slice(i, size).Reverse();
    }

    /// <summary>Writes singles one after another, little-endian.</summary>
    public static void WriteSingle(Stream stream, ReadOnlySpan<float> data)
    {
        const int Part = 1 << 20;
        byte[]? swapped = BitConverter.IsLittleEndian ? null : new byte[Part * sizeof(float)];
        for (int start = 0; start < data.Length; start += Part)
        {
            ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(data.Slice(start, Math.Min(Part, data.Length - start)));
            if (swapped is not null)
            {
                bytes.CopyTo(swapped);
                ToLittleEndian(swapped.AsSpan(0, bytes.Length), sizeof(float));
                bytes = swapped.AsSpan(0, bytes.Length);
            }

            stream.Write(bytes);
        }
    }
}
