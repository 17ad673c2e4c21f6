using DeepLab.Tensors;

namespace DeepLab.Backends;

/// <summary>Which packed copies of a kernel a backend keeps.</summary>
public enum PackedCopies
{
    /// <summary>None: kernels are packed into a shared workspace at each call.</summary>
    None,

    /// <summary>
    /// Those of kernels that stay as they are, from the second time on (prediction): one photograph alone is sooner done without the memory for them, which has to be touched for
    /// the first time.
    /// </summary>
    WhileUnchanged,

    /// <summary>All, and changed kernels are packed into the same memory anew (training, where an update has several images).</summary>
    All,
}

/// <summary>A backend's packed copy of a kernel for one direction of a convolution.</summary>
public sealed class PackedKernel
{
    private DeviceBuffer? _memory;
    private bool _isPacked, _wasPacked;

    /// <summary>Looks for the copy, or for memory to make it in.</summary>
    /// <param name="keep">Whether it is kept.</param>
    /// <param name="length">Its values.</param>
    /// <param name="allocator">What gives memory.</param>
    /// <param name="isPacked">Whether the memory holds the copy; if not, the caller packs before it calls again.</param>
    /// <returns>The memory that is kept, or null for a copy that is not.</returns>
    public DeviceBuffer? Find(PackedCopies keep, long length, IBufferAllocator allocator, out bool isPacked)
    {
        ArgumentNullException.ThrowIfNull(allocator);
        bool keeps = keep == PackedCopies.All || (keep == PackedCopies.WhileUnchanged && _wasPacked);
        if (!keeps || _memory?.Length != length) Free();
        isPacked = _isPacked;
        if (keeps) _memory ??= allocator.Allocate(length);
        _isPacked = keeps;
        _wasPacked = true;
        return _memory;
    }

    /// <summary>Says that the kernel changed.</summary>
    /// <param name="keepMemory">Whether the memory stays for the next copy.</param>
    internal void Discard(bool keepMemory)
    {
        _isPacked = _wasPacked = false;
        if (!keepMemory) Free();
    }

    private void Free()
    {
        _memory?.Dispose();
        _memory = null;
        _isPacked = false;
    }
}
