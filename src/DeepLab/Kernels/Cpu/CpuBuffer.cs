using System.Runtime.InteropServices;
using DeepLab.Tensors;

namespace DeepLab.Kernels.Cpu;

/// <summary>Floats in native memory, aligned to a cache line and zeroed.</summary>
internal sealed unsafe class CpuBuffer : DeviceBuffer
{
    private const int AlignmentBytes = 64;
    private static long s_allocations;
    private float* _pointer;

    public CpuBuffer(long length)
        : base(length)
    {
        nuint bytes = checked((nuint)Math.Max(length, 1) * sizeof(float));
        _pointer = (float*)NativeMemory.AlignedAlloc(bytes, AlignmentBytes);
        NativeMemory.Clear(_pointer, bytes);
        GC.AddMemoryPressure((long)bytes);
        CountAllocation();
    }

    /// <summary>Buffers that this process has allocated so far: a step in its steady state allocates none.</summary>
    public static long Allocations => Volatile.Read(ref s_allocations);

    /// <summary>Adds one to <see cref="Allocations"/>.</summary>
    public static void CountAllocation() => Interlocked.Increment(ref s_allocations);

    ~CpuBuffer() => Dispose(false);

    public float* Pointer => _pointer is null ? throw new ObjectDisposedException(nameof(CpuBuffer)) : _pointer;

    protected override void Dispose(bool disposing)
    {
        if (_pointer is null) return;
        NativeMemory.AlignedFree(_pointer);
        _pointer = null;
        GC.RemoveMemoryPressure((long)((nuint)Math.Max(Length, 1) * sizeof(float)));
    }
}
