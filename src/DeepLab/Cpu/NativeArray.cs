using System.Runtime.InteropServices;

namespace DeepLab.Cpu;

/// <summary>
/// Values in native memory, aligned to a cache line, for kernels that work on images of many sizes: the array grows to
/// what the largest image needs and keeps that size. Growing discards the contents and leaves the new values
/// uninitialized.
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

    /// <summary>Makes room for at least the given number of values.</summary>
    /// <param name="length">The number of values needed.</param>
    /// <exception cref="DeepLabException">The machine (or the container) has less memory than that.</exception>
    public void Reserve(long length)
    {
        if (length <= Length && _pointer is not null) return;

        // A size that depends on image content will likely recur slightly larger; an extra tenth avoids most later
        // growth.
        long wanted = checked(Math.Max(length, 1) + (Length > 0 ? length / 10 : 0));
        Free();
        long bytes = checked(wanted * sizeof(T));
        try
        {
            // Linux overcommits memory and kills the process once the memory is touched, so large requests are checked
            // first.
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

    /// <summary>A range of the values.</summary>
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

/// <summary>The total memory that all <see cref="NativeArray{T}"/> instances hold.</summary>
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
