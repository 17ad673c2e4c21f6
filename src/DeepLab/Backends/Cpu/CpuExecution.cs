using DeepLab.Tensors;

namespace DeepLab.Backends.Cpu;

/// <summary>
/// A computation on the CPU, with a workspace that grows to what the largest layer needs and is kept.
/// </summary>
internal sealed unsafe partial class CpuExecution(CpuBackend backend, ExecutionOptions? options) : Execution(backend, options)
{
    /// <summary>
    /// The initial workspace in floats (64 MiB): enough for a ResNet's prediction. Untouched pages cost nothing;
    /// growing the workspace layer by layer would fault its pages in again each time.
    /// </summary>
    private const long FirstWorkspace = 1 << 24;

    private CpuBuffer? _workspace, _zeros, _grids;

    /// <summary>The CPU's threads and kernels.</summary>
    public CpuBackend Cpu => backend;

    /// <summary>
    /// Memory for the given number of floats, valid until the next call; an operation calls this once.
    /// </summary>
    public float* Workspace(long values) => Grow(ref _workspace, values, FirstWorkspace);

    /// <summary>The given number of zeros, read-only.</summary>
    public float* Zeros(int values) => Grow(ref _zeros, values);

    /// <summary>The Winograd tiles of some maps, valid until the next call.</summary>
    public WinogradTiles WinogradTilesOf(RaggedShape maps, int dilation)
    {
        long most = WinogradTiles.MostGrids(maps, dilation), floats = (most * sizeof(WinogradGrid) / sizeof(float)) + 1;
        return WinogradTiles.Of(maps, dilation, (WinogradGrid*)Grow(ref _grids, floats));
    }

    private protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        _workspace?.Dispose();
        _zeros?.Dispose();
        _grids?.Dispose();
    }

    private float* Grow(ref CpuBuffer? buffer, long values, long least = 0)
    {
        if (buffer is not null && buffer.Length >= values) return buffer.Pointer;
        buffer?.Dispose();
        buffer = null; // if the next line throws, nothing points to freed memory
        buffer = (CpuBuffer)backend.Allocate(Math.Max(values, least));
        return buffer.Pointer;
    }
}
