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

    // In smaller buffers a huge page would mostly lie idle.
    private const int LeastHuge = 8 << 20;

    private void* _memory;
    private float* _pointer;

    public CpuBuffer(long length)
        : base(length)
    {
        nuint bytes = checked((nuint)Math.Max(length, 1) * sizeof(float));

        // Large memory comes from the system as zeros: what is never written costs nothing.
        _memory = NativeMemory.AllocZeroed(bytes + AlignmentBytes);
        _pointer = (float*)(((nuint)_memory + AlignmentBytes - 1) & ~(nuint)(AlignmentBytes - 1));
        if (bytes >= LeastHuge) MemoryAdvice.PreferHugePages(_pointer, bytes);
        GC.AddMemoryPressure((long)bytes);
        NativeAllocations.Add();
    }

    ~CpuBuffer() => Dispose(false);

    /// <summary>Where a tensor's values lie.</summary>
    /// <exception cref="ArgumentException">They do not lie in the CPU's memory.</exception>
    public static float* PointerOf(Tensor tensor) =>
        tensor.Buffer is CpuBuffer buffer && tensor.Offset + tensor.Shape.Length <= buffer.Length
            ? buffer.Pointer + tensor.Offset
            : throw new ArgumentException($"{tensor.Shape} does not lie in the CPU's memory.", nameof(tensor));

    /// <summary>Where a buffer's first value lies.</summary>
    public static float* PointerIn(DeviceBuffer buffer) => ((CpuBuffer)buffer).Pointer;

    /// <summary>Where a tensor's values lie, or null for no tensor.</summary>
    public static float* PointerOrNull(Tensor? tensor) => tensor is null ? null : PointerOf(tensor);

    /// <summary>Kernels hold raw pointers: a tensor that its owner has already forgotten must not lose its memory to the collector before they are done.</summary>
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
