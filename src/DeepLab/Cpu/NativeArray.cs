using System.Runtime.InteropServices;

namespace DeepLab.Cpu;

/// <summary>
/// Values in native memory, aligned to a cache line, for kernels that work on images of many sizes: it grows to what the largest one needs and keeps
/// that. Growing loses what it held, and what it then holds is not set.
/// </summary>
internal sealed unsafe class NativeArray<T> : IDisposable
    where T : unmanaged
{
    private const int AlignmentBytes = 64;
    private const long LargeBytes = 1L << 30;
    private T* _pointer;
    private long _bytes;

    ~NativeArray() => Free();

    public T* Pointer => _pointer;

    public long Length { get; private set; }

    /// <summary>Makes room for as many values.</summary>
    /// <param name="length">Values that are needed.</param>
    /// <exception cref="DeepLabException">The machine (or the container) has less memory than that.</exception>
    public void Reserve(long length)
    {
        if (length <= Length && _pointer is not null) return;

        // A size that follows the content of images is met again a little larger; a tenth more saves most of the later growing.
        long wanted = checked(Math.Max(length, 1) + (Length > 0 ? length / 10 : 0));
        Free();
        long bytes = checked(wanted * sizeof(T));
        try
        {
            // Linux promises memory that it does not have and ends the process once it is touched, so large wishes are compared first.
            long all = NativeArrays.Bytes + bytes;
            if (all >= LargeBytes && all > GC.GetGCMemoryInfo().TotalAvailableMemoryBytes) throw new OutOfMemoryException();
            _pointer = (T*)NativeMemory.AlignedAlloc((nuint)bytes, AlignmentBytes);
        }
        catch (OutOfMemoryException e)
        {
            throw new DeepLabException(
                $"{(NativeArrays.Bytes + bytes) >> 20} MiB of memory are needed for this image and these classes, more than there is: use a smaller image", e);
        }

        (Length, _bytes) = (wanted, bytes);
        NativeArrays.Add(bytes);
    }

    /// <summary>One of the values.</summary>
    public ref T this[long index] => ref Slice(index, 1)[0];

    /// <summary>Some of the values.</summary>
    public Span<T> Slice(long first, int count)
    {
        if (first < 0 || count < 0 || first + count > Length)
            throw new ArgumentOutOfRangeException(nameof(first), $"{count} values at {first} of {Length}.");
        return new Span<T>(_pointer + first, count);
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (_pointer is null) return;
        NativeMemory.AlignedFree(_pointer);
        NativeArrays.Remove(_bytes);
        _pointer = null;
        (Length, _bytes) = (0, 0);
    }
}

/// <summary>What all <see cref="NativeArray{T}"/> hold together.</summary>
internal static class NativeArrays
{
    private static long s_bytes;

    public static long Bytes => Volatile.Read(ref s_bytes);

    public static void Add(long bytes)
    {
        Interlocked.Add(ref s_bytes, bytes);
        GC.AddMemoryPressure(bytes);
        NativeAllocations.Add();
    }

    public static void Remove(long bytes)
    {
        Interlocked.Add(ref s_bytes, -bytes);
        GC.RemoveMemoryPressure(bytes);
    }
}
