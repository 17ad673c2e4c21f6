using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DeepLab.Cpu;
using DeepLab.IO;
using DeepLab.Tensors;

namespace DeepLab.Backends.Cpu;

/// <summary>Floats in native memory, aligned to a cache line and zeroed.</summary>
internal sealed unsafe class CpuBuffer : DeviceBuffer
{
    private const int AlignmentBytes = 64;

    // In smaller buffers most of a huge page would be unused.
    private const int LeastHuge = 8 << 20;

    private void* _memory;
    private float* _pointer;

    public CpuBuffer(long length)
        : base(length)
    {
        nuint bytes = checked((nuint)Math.Max(length, 1) * sizeof(float));

        // The system returns large allocations zeroed: pages that are never written cost nothing.
        _memory = NativeMemory.AllocZeroed(bytes + AlignmentBytes);
        _pointer = (float*)(((nuint)_memory + AlignmentBytes - 1) & ~(nuint)(AlignmentBytes - 1));
        if (bytes >= LeastHuge) MemoryAdvice.PreferHugePages(_pointer, bytes);
        GC.AddMemoryPressure((long)bytes);
        NativeAllocations.Add();
    }

    ~CpuBuffer() => Dispose(false);

    /// <summary>The address of a tensor's values.</summary>
    /// <exception cref="ArgumentException">They are not in CPU memory.</exception>
    public static float* PointerOf(Tensor tensor) =>
        tensor.Buffer is CpuBuffer buffer && tensor.Offset + tensor.Shape.Length <= buffer.Length
            ? buffer.Pointer + tensor.Offset
            : throw new ArgumentException($"{tensor.Shape} does not lie in the CPU's memory.", nameof(tensor));

    /// <summary>The address of a buffer's first value.</summary>
    public static float* PointerIn(DeviceBuffer buffer) => ((CpuBuffer)buffer).Pointer;

    /// <summary>The address of a tensor's values, or null for no tensor.</summary>
    public static float* PointerOrNull(Tensor? tensor) => tensor is null ? null : PointerOf(tensor);

    /// <summary>
    /// Kernels hold raw pointers: a tensor that its owner no longer references must not have its memory collected
    /// before they are done.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void KeepAlive(object? a, object? b = null, object? c = null, object? d = null)
    {
    }

    public float* Pointer => _pointer is null ? throw new ObjectDisposedException(nameof(CpuBuffer)) : _pointer;

    protected override void Dispose(bool disposing)
    {
        if (_pointer is null) return;
        NativeMemory.Free(_memory);
        _pointer = null;
        GC.RemoveMemoryPressure((long)((nuint)Math.Max(Length, 1) * sizeof(float)));
    }
}
