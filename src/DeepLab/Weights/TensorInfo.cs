namespace DeepLab.Weights;

/// <summary>A tensor without its values.</summary>
/// <param name="Name">Its name, such as <c>Scale.conv1.weight</c>.</param>
/// <param name="Type">Its element type.</param>
/// <param name="Shape">Its sides, the slowest first; none for a scalar. Their product does not overflow.</param>
public record TensorInfo(string Name, TensorType Type, IReadOnlyList<long> Shape)
{
    /// <summary>The number of elements.</summary>
    public long Count => Shape.Aggregate(1L, (product, side) => product * side);

    /// <inheritdoc/>
    public sealed override string ToString() => $"{Name} {Type} [{string.Join(", ", Shape)}]";
}
