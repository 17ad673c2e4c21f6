using DeepLab.Tensors;

namespace DeepLab.Backends;

/// <summary>When a computation leaves packed copies of kernels to those that follow it.</summary>
internal enum PrepackPolicy
{
    /// <summary>Never: kernels are packed into the computation's own workspace each time.</summary>
    Never,

    /// <summary>
    /// From the second time on that a kernel is packed unchanged (prediction): one photograph alone is sooner done without the memory for copies, which has to be touched for the first time.
    /// </summary>
    WhenReused,

    /// <summary>Always; the memory of a kernel that changed is used for its next copy (training, where an update has several images).</summary>
    Always,
}

/// <summary>
/// A device's packed copy of a kernel for one direction of a convolution, and all that decides when it is made, shared and freed. A copy that is there is read by every computation, whatever its policy;
/// the first that wants to keep one makes it while the others wait. A copy is out of date once the weights' version has changed. It is never freed while somebody reads it.
/// </summary>
/// <param name="allocator">What gives memory.</param>
/// <param name="length">Values of the copy.</param>
/// <param name="pack">Packs the present weights into memory.</param>
internal sealed class PrepackedKernel(IBufferAllocator allocator, long length, Action<Execution, DeviceBuffer> pack)
{
    private const long NoVersion = -1;

    private readonly Lock _gate = new();
    private DeviceBuffer? _memory;
    private long _packedVersion = NoVersion, _usedVersion = NoVersion;
    private int _readers;

    /// <summary>Values of the copy.</summary>
    public long Length => length;

    /// <summary>The copy of the weights' present version, made first where the policy keeps one; it stays until it is released.</summary>
    /// <returns>The copy, or none: the caller then packs into memory of its own, and has nothing to release.</returns>
    public DeviceBuffer? Acquire(Execution execution, long version)
    {
        lock (_gate)
        {
            if (_packedVersion != version && !TryMake(execution, version)) return null;
            _readers++;
            return _memory;
        }
    }

    /// <summary>Says that what <see cref="Acquire"/> gave is read no more.</summary>
    public void Release()
    {
        lock (_gate) _readers--;
    }

    /// <summary>Frees the copy; the next computation starts as the first did.</summary>
    public void Free()
    {
        lock (_gate)
        {
            Forget();
            _usedVersion = NoVersion;
        }
    }

    private bool TryMake(Execution execution, long version)
    {
        PrepackPolicy policy = execution.Prepack;
        bool keep = policy == PrepackPolicy.Always || (policy == PrepackPolicy.WhenReused && _usedVersion == version);
        _usedVersion = version;
        if (!keep || _readers > 0) Forget();
        if (!keep) return false;
        _packedVersion = NoVersion;
        _memory ??= allocator.Allocate(length);
        pack(execution, _memory);
        _packedVersion = version;
        return true;
    }

    // Whoever still reads holds on to the memory, and the collector frees it afterwards.
    private void Forget()
    {
        if (_readers == 0) _memory?.Dispose();
        _memory = null;
        _packedVersion = NoVersion;
    }
}
