using DeepLab.Tensors;

namespace DeepLab.Backends.Cpu;

/// <summary>A computation on the processor: its workspace, which grows to what the largest layer needs and stays.</summary>
internal sealed unsafe partial class CpuExecution(CpuBackend backend, ExecutionOptions? options) : Execution(backend, options)
{
    /// <summary>
    /// Floats of the workspace at first, 64 MiB: enough for a ResNet's prediction. What is not written costs nothing; what grew with the layers would
    /// bring its pages anew each time.
    /// </summary>
    private const long FirstWorkspace = 1 << 24;

    private CpuBuffer _workspace = new(1), _zeros = new(1), _grids = new(1);

    /// <summary>The processor's threads and kernels.</summary>
    public CpuBackend Cpu => backend;

    /// <summary>Memory for so many floats, until the next call; an operation asks once.</summary>
    public float* Workspace(long values) => Grow(ref _workspace, values, FirstWorkspace);

    /// <summary>So many zeros, to read only.</summary>
    public float* Zeros(int values) => Grow(ref _zeros, values);

    /// <summary>The tiles of minimal filtering on some maps, until the next call.</summary>
    public WinogradTiles WinogradTilesOf(RaggedShape maps, int dilation)
    {
        long most = WinogradTiles.MostGrids(maps, dilation), floats = (most * sizeof(WinogradGrid) / sizeof(float)) + 1;
        return WinogradTiles.Of(maps, dilation, (WinogradGrid*)Grow(ref _grids, floats));
    }

    private protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        _workspace.Dispose();
        _zeros.Dispose();
        _grids.Dispose();
    }

    private static float* Grow(ref CpuBuffer buffer, long values, long least = 0)
    {
        if (buffer.Length >= values) return buffer.Pointer;
        buffer.Dispose();
        buffer = new CpuBuffer(Math.Max(values, least));
        return buffer.Pointer;
    }
}
