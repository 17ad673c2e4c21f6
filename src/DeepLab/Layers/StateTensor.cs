namespace DeepLab.Layers;

/// <summary>
/// A named array in a network's weights file, in PyTorch's shape: a convolution's weights are [out, in, height, width].
/// </summary>
internal abstract class StateTensor(string name, params int[] shape)
{
    /// <summary>The name in weights files: <c>Scale.layer1.0.conv1.weight</c>.</summary>
    public string Name { get; } = name;

    /// <summary>The shape in weights files.</summary>
    public IReadOnlyList<int> Shape { get; } = shape;

    /// <summary>The number of values.</summary>
    public int Length { get; } = checked(shape.Aggregate(1, (product, side) => product * side));

    /// <summary>Copies the values out, in the order of <see cref="Shape"/>.</summary>
    /// <exception cref="ArgumentException">The span does not hold <see cref="Length"/> values.</exception>
    public void CopyTo(Span<float> target)
    {
        RequireLength(target.Length);
        Read(target);
    }

    /// <summary>Sets the values, in the order of <see cref="Shape"/>.</summary>
    /// <exception cref="ArgumentException">The span does not hold <see cref="Length"/> values.</exception>
    public void CopyFrom(ReadOnlySpan<float> source)
    {
        RequireLength(source.Length);
        Write(source);
    }

    /// <summary>The values, in the order of <see cref="Shape"/>.</summary>
    public float[] ToArray()
    {
        var values = new float[Length];
        Read(values);
        return values;
    }

    /// <summary>Copies the values out; the length has been checked.</summary>
    protected abstract void Read(Span<float> target);

    /// <summary>Sets the values; the length has been checked.</summary>
    protected abstract void Write(ReadOnlySpan<float> source);

    private void RequireLength(int length)
    {
        if (length != Length) throw new ArgumentException($"{Name} has {Length} values, not {length}.");
    }
}
