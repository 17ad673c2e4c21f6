namespace DeepLab.Tensors;

/// <summary>
/// Lays out the buffers of a step once and hands out the same ones in every later step of the same sizes. A step is
/// first <em>planned</em>: its code runs with operations that do nothing, and each rented tensor gets the first gap
/// that is free when it is rented. Once all lifetimes are known, tensors are laid out again with the largest first, if
/// that takes less memory. The plan's extent is then allocated as one buffer, and running the same code again replays
/// the plan without allocating.
/// </summary>
internal sealed class Arena(IBufferAllocator allocator) : IDisposable
{
    // A cache line of floats: rows that start on one are loaded without splits.
    private const int Alignment = 16;

    private readonly List<Tensor> _tensors = [];
    private readonly List<Life> _occupied = [];
    private readonly List<Life> _lives = [];
    private DeviceBuffer? _buffer;
    private long _extent;
    private int _next;

    /// <summary>
    /// Where a tensor lies, and when it is rented and returned, counted in rentals. A class, because code for lists of
    /// it is then compiled ahead of time.
    /// </summary>
    private sealed record Life(Tensor Tensor, long Start, long Length, int From)
    {
        public int Until { get; set; } = int.MaxValue;

        public long End => Start + Length;
    }

    /// <summary>Whether tensors are only being planned.</summary>
    public bool IsPlanning { get; private set; }

    /// <summary>The memory that the current plan needs, in values.</summary>
    public long Extent => _extent;

    /// <summary>Discards the current plan and starts another.</summary>
    public void BeginPlan()
    {
        _tensors.Clear();
        _occupied.Clear();
        _lives.Clear();
        _extent = 0;
        IsPlanning = true;
    }

    /// <summary>Ends planning without a plan; the next pass plans again.</summary>
    public void AbandonPlan()
    {
        BeginPlan();
        IsPlanning = false;
    }

    /// <summary>Ends planning and allocates what the plan needs, unless the memory already held is enough.</summary>
    public void CommitPlan()
    {
        IsPlanning = false;
        LayOutLongestFirst();
        if (_buffer is null || _buffer.Length < _extent)
        {
            _buffer?.Dispose();
            _buffer = null; // if the next line throws, nothing points to freed memory
            _buffer = allocator.Allocate(_extent);
        }

        foreach (Tensor tensor in _tensors) tensor.Place(_buffer);
    }

    /// <summary>Starts a replay of the plan.</summary>
    public void Rewind() => _next = 0;

    /// <summary>A tensor of the given shape; its values are undefined.</summary>
    /// <exception cref="InvalidOperationException">The replay differs from the plan.</exception>
    public Tensor Rent(RaggedShape shape)
    {
        if (!IsPlanning)
        {
            Tensor planned = NextPlanned();
            return planned.Shape.Equals(shape) ? planned : throw NotPlanned(shape);
        }

        long length = (shape.Length + Alignment - 1) / Alignment * Alignment;
        long start = 0;
        int index = 0;
        while (index < _occupied.Count && _occupied[index].Start - start < length) start = _occupied[index++].End;
        var tensor = new Tensor(shape, start);
        var life = new Life(tensor, start, length, _lives.Count);
        _occupied.Insert(index, life);
        _lives.Add(life);
        _extent = Math.Max(_extent, life.End);
        _tensors.Add(tensor);
        return tensor;
    }

    /// <summary>
    /// Adjacent maps of a rented tensor, in place: like <see cref="Tensor.View"/>, but created once per plan.
    /// </summary>
    /// <exception cref="InvalidOperationException">The replay differs from the plan.</exception>
    public Tensor View(Tensor tensor, int firstMap, int count)
    {
        if (!IsPlanning)
        {
            Tensor planned = NextPlanned();
            return planned.IsView(tensor, firstMap, count) ? planned : throw NotPlanned($"A view of {tensor.Shape}");
        }

        Tensor view = tensor.View(firstMap, count);
        _tensors.Add(view);
        return view;
    }

    /// <summary>Returns a rented tensor that is no longer needed; its memory is reused for later ones.</summary>
    public void Return(Tensor tensor)
    {
        if (IsPlanning) Free(tensor);
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose() => _buffer?.Dispose();

    // A separate method, because its closure would otherwise be allocated on each call of a replay.
    private void Free(Tensor tensor)
    {
        int index = _occupied.FindIndex(l => l.Tensor == tensor);
        if (index < 0) throw new InvalidOperationException($"{tensor.Shape} was returned twice.");
        _occupied[index].Until = _lives.Count;
        _occupied.RemoveAt(index);
    }

    // Places each at the lowest offset that no tensor placed before it occupies during its lifetime.
    private void LayOutLongestFirst()
    {
        var placed = new List<Life>(_lives.Count);
        long extent = 0;
        foreach (Life life in _lives.OrderByDescending(l => l.Length))
        {
            long start = 0;
            for (int i = 0; i < placed.Count && placed[i].Start < start + life.Length; i++)
            {
                if (placed[i].From < life.Until && life.From < placed[i].Until) start = Math.Max(start, placed[i].End);
            }

            int after = placed.FindIndex(l => l.Start >= start);
            placed.Insert(after < 0 ? placed.Count : after, life with { Start = start });
            extent = Math.Max(extent, start + life.Length);
            if (extent >= _extent) return;
        }

        foreach (Life life in placed) life.Tensor.MoveTo(life.Start);
        _extent = extent;
    }

    private static InvalidOperationException NotPlanned(object what) =>
        new($"{what} was not planned here: the step must be planned again when its sizes change.");

    private Tensor NextPlanned() => _next < _tensors.Count ? _tensors[_next++] : throw NotPlanned("A tensor");
}
