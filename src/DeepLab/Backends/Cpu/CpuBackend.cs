using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DeepLab.Cpu;
using DeepLab.Models;
using DeepLab.Tensors;

namespace DeepLab.Backends.Cpu;

/// <summary>The instruction sets that the CPU kernels are compiled for.</summary>
public enum InstructionSet
{
    /// <summary>.NET's portable vectors.</summary>
    Portable,

    /// <summary>AVX2 with fused multiply-add: 8 floats.</summary>
    Avx2,

    /// <summary>AVX-512: 16 floats.</summary>
    Avx512,
}

/// <summary>
/// The operations in managed SIMD code, float32, on any number of threads. One operation runs at a time: callers on several threads need a backend each. It packs weights into a workspace of its own and keeps
/// scratch memory a thread; both grow to what the largest layer needs and stay.
/// </summary>
public sealed unsafe partial class CpuBackend : Backend
{
    /// <summary>Rows of an elementwise operation that make a unit, at least.</summary>
    private const int UnitValues = 1 << 14;

    /// <summary>
    /// Floats of the workspace at first, 64 MiB: enough for a ResNet's prediction. What is not written costs nothing; what grew with the layers would
    /// bring its pages anew each time.
    /// </summary>
    private const long FirstWorkspace = 1 << 24;

    private readonly bool _exactConvolutions;
    private readonly WorkerPool _pool;
    private readonly CpuBuffer[] _scratchMemory;
    private WorkerScratch* _scratch;
    private CpuBuffer _workspace = new(1);
    private CpuBuffer _zeros = new(1);

    /// <summary>Starts the backend's threads.</summary>
    /// <param name="threads">Threads that compute, the caller's among them; 0 for one a processor.</param>
    /// <param name="tier">The instruction set, or null for the widest that the machine has.</param>
    /// <param name="exactConvolutions">
    /// Whether to sum all 3×3 convolutions tap by tap instead of by Winograd's minimal filtering, which is faster and rounds some ten times as much.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">Threads are negative or over 1024.</exception>
    /// <exception cref="NotSupportedException">The machine lacks the tier.</exception>
    public CpuBackend(int threads = 0, InstructionSet? tier = null, bool exactConvolutions = false)
    {
        _exactConvolutions = exactConvolutions;
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(threads, 1024);
        Tier = tier ?? BestTier;
        if (Tier > BestTier) throw new NotSupportedException($"This processor (or this process) has no {Tier}; the widest is {BestTier}.");
        _pool = WorkerPool.Rent(threads);
        _scratchMemory = new CpuBuffer[_pool.Threads];
        _scratch = (WorkerScratch*)NativeMemory.AllocZeroed((nuint)(_pool.Threads * sizeof(WorkerScratch)));
        for (int i = 0; i < _pool.Threads; i++) AllocateScratch(i);
    }

    /// <summary>The widest instruction set that this process may use.</summary>
    public static InstructionSet BestTier => Simd512.IsSupported ? InstructionSet.Avx512 : Simd256.IsSupported ? InstructionSet.Avx2 : InstructionSet.Portable;

    /// <summary>The instruction set in use.</summary>
    public InstructionSet Tier { get; }

    /// <summary>Threads that compute.</summary>
    public int Threads => _pool.Threads;

    /// <inheritdoc/>
    public override string Description => $"cpu, {Tier switch
    {
        InstructionSet.Avx512 => "AVX-512",
        InstructionSet.Avx2 => "AVX2",
        _ => $"portable vectors of {Vector<float>.Count}",
    }}, {Threads} thread{(Threads == 1 ? "" : "s")}";

    /// <inheritdoc/>
    /// <exception cref="DeepLabException">The machine (or the container) has less memory than that.</exception>
    public override DeviceBuffer Allocate(long length)
    {
        // Linux promises memory that it does not have and ends the process once it is touched, so large wishes are compared first.
        const long large = 1L << 28;
        long bytes = length * sizeof(float), there = length < large ? long.MaxValue : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        try
        {
            if (bytes <= there) return new CpuBuffer(length);
        }
        catch (OutOfMemoryException)
        {
            // The same to the user: too much was wanted.
        }

        throw new DeepLabException($"{bytes >> 20} MiB of memory are needed for this network and these image sizes, more than there is: use smaller images");
    }

    /// <inheritdoc/>
    public override void Upload(ReadOnlySpan<float> source, Tensor target)
    {
        if (source.Length != target.Shape.Length) throw new ArgumentException($"{source.Length} values do not make {target.Shape}.", nameof(source));
        source.CopyTo(new Span<float>(Pointer(target), source.Length));
        KeepAlive(target);
    }

    /// <inheritdoc/>
    public override void UploadKernel(ReadOnlySpan<float> source, int inChannels, Tensor target)
    {
        int taps = CheckKernel(source, inChannels, target);
        fixed (float* pointer = source)
        {
            var body = new KernelUpload { Source = pointer, Target = Pointer(target), OutChannels = target.Shape.Channels, InChannels = inChannels, Taps = taps };
            _pool.Run(ref body, UnitsOf(inChannels, KernelUpload.UnitChannels));
        }

        KeepAlive(target);
    }

    /// <inheritdoc/>
    public override void Download(Tensor source, Span<float> target)
    {
        if (target.Length != source.Shape.Length) throw new ArgumentException($"{source.Shape} does not fit {target.Length} values.", nameof(target));
        new ReadOnlySpan<float>(Pointer(source), target.Length).CopyTo(target);
        KeepAlive(source);
    }

    /// <inheritdoc/>
    public override void Clear(Tensor target)
    {
        NativeMemory.Clear(Pointer(target), checked((nuint)target.Shape.Length * sizeof(float)));
        KeepAlive(target);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (!disposing || _scratch is null) return;
        _pool.Dispose();
        foreach (CpuBuffer buffer in _scratchMemory) buffer.Dispose();
        NativeMemory.Free(_scratch);
        _scratch = null;
        _workspace.Dispose();
        _zeros.Dispose();
        _grids.Dispose();
    }

    private static float* Pointer(Tensor tensor) =>
        tensor.Buffer is CpuBuffer buffer && tensor.Offset + tensor.Shape.Length <= buffer.Length
            ? buffer.Pointer + tensor.Offset
            : throw new ArgumentException($"{tensor.Shape} does not lie in the CPU's memory.", nameof(tensor));

    // Kernels hold raw pointers: a tensor that its owner has already forgotten must not lose its memory to the collector before they are done.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void KeepAlive(object? a, object? b = null, object? c = null, object? d = null, object? e = null, object? f = null, object? g = null)
    {
    }

    private static float* PointerOrNull(Tensor? tensor) => tensor is null ? null : Pointer(tensor);

    private static void Require(bool condition, string problem, Tensor a, Tensor b)
    {
        if (!condition) throw new ArgumentException($"{problem}: {a.Shape} and {b.Shape}.");
    }

    private static void RequireSame(Tensor a, Tensor? b)
    {
        if (b is not null) Require(a.Shape.Equals(b.Shape), "The shapes differ", a, b);
    }

    private static void RequireChannels(Tensor? vector, int channels)
    {
        if (vector is not null && vector.Shape.Length != channels)
            throw new ArgumentException($"{vector.Shape} is not a value a channel for {channels} channels.");
    }

    private static int UnitsOf(long values, int unit) => checked((int)((values + unit - 1) / unit));

    private float* Workspace(long values) => Grow(ref _workspace, values, FirstWorkspace);

    private float* Zeros(int values) => Grow(ref _zeros, values);

    private static float* Grow(ref CpuBuffer buffer, long values, long least = 0)
    {
        if (buffer.Length >= values) return buffer.Pointer;
        buffer.Dispose();
        buffer = new CpuBuffer(Math.Max(values, least));
        return buffer.Pointer;
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
