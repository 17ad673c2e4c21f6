namespace DeepLab.Backends.Cpu;

/// <summary>
/// A packed kernel while an operation reads it: either the cached copy, or the execution's workspace, into which the
/// operation then packs.
/// </summary>
internal readonly unsafe ref struct PackedReader
{
    private readonly PrepackedKernel _copy;
    private readonly CpuBuffer? _kept;

    public PackedReader(PrepackedKernel copy, Execution execution, long version, float* workspace)
    {
        _copy = copy;
        _kept = (CpuBuffer?)copy.Acquire(execution, version);
        Pointer = _kept is null ? workspace : _kept.Pointer;
    }

    /// <summary>The packed kernel.</summary>
    public float* Pointer { get; }

    /// <summary>Whether it is the execution's workspace, which has not been filled yet.</summary>
    public bool IsWorkspace => _kept is null;

    public void Dispose()
    {
        if (_kept is null) return;
        _copy.Release();
        GC.KeepAlive(_kept);
    }
}
