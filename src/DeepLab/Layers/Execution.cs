using DeepLab.Backends;
using DeepLab.Models;
using DeepLab.Tensors;

namespace DeepLab.Layers;

/// <summary>What a pass through the layers is for.</summary>
public enum ExecutionMode
{
    /// <summary>Forward only: each map is given back once it has been read.</summary>
    Predict,

    /// <summary>Forward and backward: what backward reads is kept.</summary>
    Train,

    /// <summary>Forward, measuring batch norm's statistics on the way.</summary>
    Calibrate,
}

/// <summary>What a training step keeps for its backward pass.</summary>
public enum MemoryUse
{
    /// <summary>The maps of the first layers of networks with bottlenecks, large for the little work in them, are computed again.</summary>
    Normal,

    /// <summary>The output of every other residual block is computed again too: a quarter less memory, a few per cent more time, the same bits.</summary>
    Low,

    /// <summary>
    /// All that backward reads is kept, and from image to image of an update the packed kernels: five per cent less time than <see cref="Normal"/>, twice the memory for a ResNet-101 at 321×321,
    /// the same bits.
    /// </summary>
    High,
}

/// <summary>
/// Where layers run: a backend and the arena that holds their maps. Code that uses layers is passed to <see cref="Run"/>, which plans its memory
/// at the first call for given sizes and only replays it afterwards.
/// </summary>
public sealed class Execution : IDisposable
{
    private readonly Backend _device;
    private readonly PackedCopies? _packedCopies;
    private object? _program;
    private RaggedShape? _shape;

    /// <summary>Creates an execution on a backend, which it does not own.</summary>
    public Execution(Backend backend, MemoryUse memory = MemoryUse.Normal)
    {
        Memory = memory;
        ArgumentNullException.ThrowIfNull(backend);
        _device = backend;
        Backend = backend;
        Arena = new Arena(backend);
    }

    /// <summary>What layers call: the backend, or while memory is planned one that does nothing.</summary>
    public Backend Backend { get; private set; }

    /// <summary>The arena that layers rent their maps from.</summary>
    public Arena Arena { get; }

    /// <summary>What a training step keeps for its backward pass.</summary>
    public MemoryUse Memory { get; }

    /// <summary>What the pass is for.</summary>
    public ExecutionMode Mode { get; private set; }

    /// <summary>
    /// Which packed copies of kernels a pass leaves to the next ones; unless set, those of unchanged kernels in prediction, all in training with <see cref="MemoryUse.High"/>, else none.
    /// </summary>
    public PackedCopies PackedCopies
    {
        get => _packedCopies ?? Mode switch
        {
            ExecutionMode.Predict => PackedCopies.WhileUnchanged,
            ExecutionMode.Train when Memory == MemoryUse.High => PackedCopies.All,
            _ => PackedCopies.None,
        };
        init => _packedCopies = value;
    }

    /// <summary>
    /// Whether maps are kept for a backward pass: in training, unless a network switches it off for layers that it will run again. Each <see cref="Run"/>
    /// sets it anew.
    /// </summary>
    public bool KeepsMaps { get; set; }

    /// <summary>
    /// Runs code that rents from the arena. It must rent the same shapes in the same order whenever the program, mode and shape are the
    /// same; the first time it is run twice, once to plan.
    /// </summary>
    /// <param name="program">Names the code: any object, compared by reference.</param>
    /// <param name="mode">What the pass is for.</param>
    /// <param name="shape">The sizes that decide all others.</param>
    /// <param name="body">The code.</param>
    public void Run(object program, ExecutionMode mode, RaggedShape shape, Action body)
    {
        if (!ReferenceEquals(_program, program) || Mode != mode || !shape.Equals(_shape))
        {
            _program = null;
            Mode = mode;
            Plan(body);
            _program = program;
            _shape = shape;
        }

        Arena.Rewind();
        KeepsMaps = mode == ExecutionMode.Train;
        body();
    }

    /// <summary>Gives a map back to the arena, unless backward will read it.</summary>
    public void Release(Tensor tensor)
    {
        if (!KeepsMaps) Arena.Return(tensor);
    }

    /// <summary>Frees the arena.</summary>
    public void Dispose() => Arena.Dispose();

    private void Plan(Action body)
    {
        Backend = PlanningBackend.Instance;
        Arena.BeginPlan();
        KeepsMaps = Mode == ExecutionMode.Train;
        try
        {
            body();
        }
        finally
        {
            Backend = _device;
        }

        Arena.CommitPlan();
    }
}
