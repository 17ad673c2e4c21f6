namespace DeepLab.Tensors;

/// <summary>
/// A ragged batch of maps in a device's memory: a shape and an offset in a buffer. It does not own its memory; an
/// <see cref="Arena"/> or a parameter does.
/// </summary>
internal sealed class Tensor
{
    private readonly Tensor? _parent;
    private long _offset;
    private DeviceBuffer? _buffer;

    /// <summary>Creates a tensor at an offset in a buffer.</summary>
    /// <exception cref="ArgumentException">The buffer ends before the tensor does.</exception>
    public Tensor(RaggedShape shape, DeviceBuffer buffer, long offset = 0)
        : this(shape, offset)
    {
        ArgumentNullException.ThrowIfNull(buffer);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        if (offset + shape.Length > buffer.Length)
            throw new ArgumentException($"{shape} at {offset} does not fit a buffer of {buffer.Length} values.", nameof(buffer));
        _buffer = buffer;
    }

    /// <summary>Creates a tensor whose buffer an arena assigns later, when its plan is laid out.</summary>
    internal Tensor(RaggedShape shape, long offset)
    {
        Shape = shape;
        _offset = offset;
    }

    private Tensor(RaggedShape shape, Tensor parent, long offset)
        : this(shape, offset) => _parent = parent;

    /// <summary>The maps and channels.</summary>
    public RaggedShape Shape { get; }

    /// <summary>The memory that holds the values.</summary>
    /// <exception cref="InvalidOperationException">The arena has only planned the tensor.</exception>
    public DeviceBuffer Buffer =>
        _parent?.Buffer ?? _buffer ?? throw new InvalidOperationException("The tensor is planned but has no memory yet.");

    /// <summary>The offset of the first value in the buffer.</summary>
    public long Offset => (_parent?.Offset ?? 0) + _offset;

    /// <summary>Adjacent maps of this batch, in place.</summary>
    public Tensor View(int firstMap, int count) =>
        new(new RaggedShape(Shape.Maps.Slice(firstMap, count), Shape.Channels), this, (long)Shape.FirstRow(firstMap) * Shape.Channels);

    /// <summary>Whether this is the <see cref="View"/> of the given tensor and maps.</summary>
    internal bool IsView(Tensor parent, int firstMap, int count) =>
        ReferenceEquals(_parent, parent) && Shape.Maps.Length == count && firstMap + count <= parent.Shape.Maps.Length
        && _offset == (long)parent.Shape.FirstRow(firstMap) * Shape.Channels;

    internal void Place(DeviceBuffer buffer) => _buffer = buffer;

    /// <summary>Moves a planned tensor and its views.</summary>
    internal void MoveTo(long offset) => _offset = offset;
}
