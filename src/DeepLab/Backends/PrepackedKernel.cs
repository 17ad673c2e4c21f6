using DeepLab.Tensors;

namespace DeepLab.Backends;

/// <summary>When a computation keeps packed copies of kernels for later ones.</summary>
internal enum PrepackPolicy
{
    /// <summary>Never: kernels are packed into the computation's own workspace each time.</summary>
    Never,

    /// <summary>
    /// From the second time that a kernel is packed unchanged (prediction): a single photograph finishes sooner without
    /// memory for copies, which would have to be touched for the first time.
    /// </summary>
    WhenReused,

    /// <summary>
    /// Always; the memory of a changed kernel is reused for its next copy (training, where an update has several
    /// images).
    /// </summary>
    Always,
}

/// <summary>
/// A device's packed copy of a kernel for one direction of a convolution, and everything that decides when it is made,
/// shared and freed. An existing copy is read by every computation, whatever its policy; the first that wants to keep
/// one makes it while the others wait. A copy is out of date once the weights' version has changed. It is never freed
/// while it is being read.
/// </summary>
/// <param name="allocator">The source of memory.</param>
/// <param name="length">The number of values in the copy.</param>
/// <param name="pack">Packs the current weights into memory.</param>
internal sealed class PrepackedKernel(IBufferAllocator allocator, long length, Action<Execution, DeviceBuffer> pack)
{
    private const long NoVersion = -1;

    private readonly Lock _gate = new();
    private DeviceBuffer? _memory;
    private long _packedVersion = NoVersion, _usedVersion = NoVersion;
    private int _readers;

    /// <summary>The number of values in the copy.</summary>
    public long Length => length;

    /// <summary>
    /// The copy of the weights' current version, made first if the policy keeps one; it stays valid until it is
    /// released.
    /// </summary>
    /// <returns>The copy, or null: the caller then packs into memory of its own and has nothing to release.</returns>
    public DeviceBuffer? Acquire(Execution execution, long version)
    {
        lock (_gate)
        {
            if (_packedVersion != version && !TryMake(execution, version)) return null;
            _readers++;
            return _memory;
        }
    }

    /// <summary>Releases what <see cref="Acquire"/> returned.</summary>
    public void Release()
    {
        lock (_gate) _readers--;
    }

    /// <summary>Frees the copy; the next computation starts over like the first.</summary>
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

    // Remaining readers keep the memory alive; the garbage collector frees it afterwards.
    private void Forget()
    {
        if (_readers == 0) _memory?.Dispose();
        _memory = null;
        _packedVersion = NoVersion;
    }
}
