using System.Diagnostics;
using DeepLab.Tensors;

namespace DeepLab.Backends;

/// <summary>What a pass through the layers is for.</summary>
internal enum ExecutionMode
{
    /// <summary>Forward only: each map is returned to the arena once it has been read.</summary>
    Predict,

    /// <summary>Forward and backward: what backward reads is kept.</summary>
    Train,

    /// <summary>Forward, while measuring batch norm's statistics.</summary>
    Calibrate,
}

/// <summary>
/// Which activations a training step recomputes in its backward pass instead of keeping them. Results are
/// bit-identical.
/// </summary>
public enum ActivationCheckpointing
{
    /// <summary>
    /// Those of the first two stages of networks with bottlenecks, which are large but cheap to recompute.
    /// </summary>
    EarlyStages,

    /// <summary>The output of every other residual block too: a quarter less memory, a few percent more time.</summary>
    AlternateBlocks,

    /// <summary>
    /// None, and packed kernels are kept across the images of an update: five percent less time than
    /// <see cref="EarlyStages"/>, and twice the memory for a ResNet-101 at 321×321.
    /// </summary>
    None,
}

/// <summary>How a computation uses memory.</summary>
internal sealed record ExecutionOptions
{
    /// <summary>Which activations a training step recomputes.</summary>
    public ActivationCheckpointing Checkpointing { get; init; }

    /// <summary>
    /// When packed kernels are kept for later passes; null means unchanged kernels in prediction, always in training
    /// with <see cref="ActivationCheckpointing.None"/>, otherwise never.
    /// </summary>
    public PrepackPolicy? Prepack { get; init; }
}

/// <summary>
/// One computation at a time on a device: its operations (<c>Execution.Operations.cs</c>), the arena that holds its
/// maps, its scratch memory, and the state of its layers. Code that uses layers is passed to <see cref="Run"/>, which
/// plans its memory on the first call for given sizes and only replays the plan afterwards. Not thread-safe; several
/// executions may run one network concurrently and share its packed kernels.
/// </summary>
internal abstract partial class Execution : IDisposable
{
    private readonly Dictionary<object, object> _states = new(ReferenceEqualityComparer.Instance);
    private readonly PrepackPolicy? _prepack;
    private CancellationToken _cancellation;
    private object? _program;
    private RaggedShape? _shape;
    private long _started;

    private protected Execution(Backend backend, ExecutionOptions? options)
    {
        ArgumentNullException.ThrowIfNull(backend);
        Backend = backend;
        Checkpointing = options?.Checkpointing ?? ActivationCheckpointing.EarlyStages;
        _prepack = options?.Prepack;
        Arena = new Arena(backend);
    }

    /// <summary>The device that computes.</summary>
    public Backend Backend { get; }

    /// <summary>The arena that layers rent their maps from.</summary>
    public Arena Arena { get; }

    /// <summary>Which activations a training step recomputes.</summary>
    public ActivationCheckpointing Checkpointing { get; }

    /// <summary>What the pass is for.</summary>
    public ExecutionMode Mode { get; private set; }

    /// <summary>When a pass keeps packed kernels for later ones.</summary>
    public PrepackPolicy Prepack => _prepack ?? Mode switch
    {
        ExecutionMode.Predict => PrepackPolicy.WhenReused,
        ExecutionMode.Train when Checkpointing == ActivationCheckpointing.None => PrepackPolicy.Always,
        _ => PrepackPolicy.Never,
    };

    /// <summary>
    /// Whether maps are kept for a backward pass: in training, unless a network switches it off for layers that it will
    /// run again. Each <see cref="Run"/> resets it.
    /// </summary>
    public bool KeepsMaps { get; set; }

    /// <summary>Whether memory is being planned: operations check their shapes and do nothing.</summary>
    public bool IsPlanning => Arena.IsPlanning;

    /// <summary>Where operations record their time; null to measure nothing.</summary>
    public Profile? Profile { get; set; }

    /// <summary>The memory that the maps of the planned pass need, in values.</summary>
    public long PlannedExtent => Arena.Extent;

    /// <summary>The floating-point operations of the planned pass's convolutions, computed directly.</summary>
    public double PlannedFloatingPointOperations { get; private set; }

    /// <summary>
    /// Runs code that rents from the arena. It must rent the same shapes in the same order whenever the program, mode
    /// and shape are the same; the first time, it runs twice, once to plan.
    /// </summary>
    /// <param name="program">Identifies the code: any object, compared by reference.</param>
    /// <param name="mode">What the pass is for.</param>
    /// <param name="shape">The sizes that determine all others.</param>
    /// <param name="body">The code.</param>
    /// <param name="cancellation">Checked before each operation.</param>
    /// <exception cref="OperationCanceledException">It was cancelled; the execution can run again.</exception>
    public void Run(object program, ExecutionMode mode, RaggedShape shape, Action body, CancellationToken cancellation = default)
    {
        if (!ReferenceEquals(_program, program) || Mode != mode || !shape.Equals(_shape))
        {
            _program = null;
            Plan(mode, body);
            _program = program;
            _shape = shape;
        }

        Arena.Rewind();
        KeepsMaps = mode == ExecutionMode.Train;
        _cancellation = cancellation;
        try
        {
            body();
        }
        finally
        {
            _cancellation = default;
        }
    }

    /// <summary>
    /// Plans a pass without running it: how much memory it takes, and how many floating-point operations.
    /// </summary>
    public void Plan(ExecutionMode mode, Action body)
    {
        Mode = mode;
        PlannedFloatingPointOperations = 0;
        _program = null;
        Arena.BeginPlan();
        KeepsMaps = mode == ExecutionMode.Train;
        try
        {
            body();
        }
        catch
        {
            Arena.AbandonPlan(); // otherwise later operations would do nothing, without a word
            throw;
        }

        Arena.CommitPlan();
    }

    /// <summary>Returns a map to the arena, unless backward will read it.</summary>
    public void Release(Tensor tensor)
    {
        if (!KeepsMaps) Arena.Return(tensor);
    }

    /// <summary>
    /// A layer's state in this computation, kept from its forward to its backward pass: networks are shared, so they
    /// hold no maps themselves.
    /// </summary>
    /// <typeparam name="TState">The layer's own state class.</typeparam>
    /// <param name="layer">The layer.</param>
    public TState StateOf<TState>(object layer)
        where TState : class, new()
    {
        if (_states.TryGetValue(layer, out object? state)) return (TState)state;
        var created = new TState();
        _states.Add(layer, created);
        return created;
    }

    /// <summary>Frees the arena and the scratch memory.</summary>
    public void Dispose()
    {
        Arena.Dispose();
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Begins an operation whose shapes have been checked. Cancellation is checked here.</summary>
    /// <param name="floatingPointOperations">Those of a convolution computed directly.</param>
    /// <returns>Whether to run it: false while memory is being planned.</returns>
    internal bool Begin(double floatingPointOperations = 0)
    {
        if (IsPlanning)
        {
            PlannedFloatingPointOperations += floatingPointOperations;
            return false;
        }

        _cancellation.ThrowIfCancellationRequested();
        _started = Profile is null ? 0 : Stopwatch.GetTimestamp();
        return true;
    }

    /// <summary>Ends an operation: adds it to the profile.</summary>
    internal void End(string kind, string layer = "", double floatingPointOperations = 0) =>
        Profile?.Add(kind, layer, Stopwatch.GetElapsedTime(_started).TotalSeconds, floatingPointOperations);

    /// <summary>Frees the scratch memory.</summary>
    private protected abstract void Dispose(bool disposing);
}
