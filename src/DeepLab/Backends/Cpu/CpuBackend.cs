using System.Runtime.InteropServices;
using DeepLab.Cpu;
using DeepLab.Tensors;

namespace DeepLab.Backends.Cpu;

/// <summary>
/// The CPU: kernels in managed SIMD code, float32, on any number of threads. All computations share the threads and
/// their scratch memory; operations of several computations take turns.
/// </summary>
internal sealed unsafe class CpuBackend : Backend
{
    private readonly Lock _computing = new();
    private readonly WorkerPool _pool;
    private readonly CpuKernels _kernels;
    private readonly CpuBuffer?[] _scratchMemory;
    private WorkerScratch* _scratch;

    /// <summary>Starts the backend's threads.</summary>
    /// <param name="threads">The number of compute threads, including the caller's; 0 for one per processor.</param>
    /// <param name="instructionSet">The kernels' instruction set, or null for the widest that the process may
    /// use.</param>
    /// <param name="exactConvolutions">Whether to sum all 3×3 convolutions tap by tap.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number of threads is negative or over 1024.</exception>
    /// <exception cref="DeepLabException">The process does not support the instruction set.</exception>
    public CpuBackend(int threads = 0, InstructionSet? instructionSet = null, bool exactConvolutions = false)
        : base(Device.Cpu)
    {
        InstructionSet = InstructionSets.Resolve(instructionSet);
        ExactConvolutions = exactConvolutions;
        _kernels = CpuKernels.Of(InstructionSet);
        _pool = WorkerPool.Rent(threads);
        _scratchMemory = new CpuBuffer?[_pool.Threads];
        _scratch = (WorkerScratch*)NativeMemory.AllocZeroed((nuint)(_pool.Threads * sizeof(WorkerScratch)));
        try
        {
            for (int i = 0; i < _pool.Threads; i++) AllocateScratch(i);
        }
        catch
        {
            Dispose(true);
            throw;
        }
    }

    /// <summary>The instruction set in use.</summary>
    public InstructionSet InstructionSet { get; }

    /// <summary>Whether 3×3 convolutions are summed tap by tap.</summary>
    public bool ExactConvolutions { get; }

    /// <summary>The number of compute threads.</summary>
    public int Threads => _pool.Threads;

    /// <inheritdoc/>
    public override string Description => $"cpu, {InstructionSet.Describe()}, {Threads} thread{(Threads == 1 ? "" : "s")}";

    /// <summary>Scratch memory of each thread, which an operation's units use while they run.</summary>
    public WorkerScratch* Scratch => _scratch;

    /// <inheritdoc/>
    public override double MeasurePeak() => _kernels.MeasurePeak(_pool);

    /// <summary>
    /// Runs an operation's units on the threads. Operations of several computations run one after another because they
    /// share scratch memory.
    /// </summary>
    public void Run<TBody>(ref TBody body, int units)
        where TBody : unmanaged, IParallelBody
    {
        lock (_computing) _pool.Run(ref body, units);
    }

    internal override InstructionSet? CpuInstructionSet => InstructionSet;

    internal override DeviceBuffer Allocate(long length)
    {
        // Linux overcommits memory and kills the process once the memory is touched, so large requests are checked
        // first.
        const long large = 1L << 28;
        long bytes = length * sizeof(float), there = length < large ? long.MaxValue : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        try
        {
            if (bytes <= there) return new CpuBuffer(length);
        }
        catch (OutOfMemoryException)
        {
            // The same to the user: the request was too large.
        }

        throw new DeepLabException($"{bytes >> 20} MiB of memory are needed for this network and these image sizes, more than there is: use smaller images");
    }

    internal override LabelBuffer AllocateLabels(int length) => new CpuLabels(length);

    internal override ScalarBuffer AllocateScalars(int length) => new CpuScalars(length);

    internal override Execution CreateExecution(ExecutionOptions? options = null) => new CpuExecution(this, options);

    private protected override PreparedConvolution PrepareCore(in ConvolutionSpec spec, ConvolutionWeights weights, string name) => _kernels.Prepare(this, spec, weights, name);

    private protected override PreparedAspp PrepareCore(AsppSpec spec, IReadOnlyList<ConvolutionWeights> weights, string name) =>
        AsppTaps.Suit(spec) ? _kernels.Prepare(this, spec, weights, name) : base.PrepareCore(spec, weights, name);

    private protected override void UploadCore(ReadOnlySpan<float> source, Tensor target)
    {
        source.CopyTo(new Span<float>(CpuBuffer.PointerOf(target), source.Length));
        GC.KeepAlive(target);
    }

    private protected override void UploadKernelCore(ReadOnlySpan<float> source, int inChannels, int taps, Tensor target)
    {
        fixed (float* pointer = source)
        {
            var body = new KernelUpload { Source = pointer, Target = CpuBuffer.PointerOf(target), OutChannels = target.Shape.Channels, InChannels = inChannels, Taps = taps };
            Run(ref body, WorkerPool.UnitsOf(inChannels, KernelUpload.UnitChannels));
        }

        GC.KeepAlive(target);
    }

    private protected override void DownloadCore(Tensor source, Span<float> target)
    {
        new ReadOnlySpan<float>(CpuBuffer.PointerOf(source), target.Length).CopyTo(target);
        GC.KeepAlive(source);
    }

    private protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        lock (_computing)
        {
            // Not amid an operation of another thread, which reads the scratch memory.
            if (_scratch is null) return;
            _pool.Dispose();
            foreach (CpuBuffer? buffer in _scratchMemory) buffer?.Dispose();
            NativeMemory.Free(_scratch);
            _scratch = null;
        }
    }

    private void AllocateScratch(int worker)
    {
        int left = Math.Max(GemmBlocking.BlockRows * RowPanel.Stride, 2 * GemmBlocking.GradientBlockRows * GemmBlocking.Steps);
        const int right = GemmBlocking.Steps * GemmBlocking.BlockColumns, block = GemmBlocking.GradientBlockRows * GemmBlocking.BlockColumns;
        int origins = GemmBlocking.Steps * sizeof(RowOrigin) / sizeof(float), pixels = GemmBlocking.Steps * sizeof(float*) / sizeof(float);
        var memory = new CpuBuffer(left + right + block + origins + pixels + GemmBlocking.BlockRows);
        float* at = memory.Pointer;
        _scratchMemory[worker] = memory;
        _scratch[worker] = new WorkerScratch
        {
            Left = at,
            Right = at + left,
            Block = at + left + right,
            Origins = (RowOrigin*)(at + left + right + block),
            Pixels = (float**)(at + left + right + block + origins),
            Targets = (int*)(at + left + right + block + origins + pixels),
        };
    }
}
