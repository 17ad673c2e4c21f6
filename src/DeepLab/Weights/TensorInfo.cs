namespace DeepLab.Weights;

/// <summary>What a weights file says of one array.</summary>
/// <param name="Name">Its name in the file, such as <c>Scale.conv1.weight</c>.</param>
/// <param name="Type">Its element type.</param>
/// <param name="Shape">Its sides, the slowest first; none for a scalar. The reader has checked that their product does not overflow.</param>
public sealed record TensorInfo(string Name, TensorType Type, IReadOnlyList<long> Shape)
{
    /// <summary>The number of elements.</summary>
    public long Count => Shape.Aggregate(1L, (product, side) => product * side);

    /// <inheritdoc/>
    public override string ToString() => $"{Name} {Type} [{string.Join(", ", Shape)}]";
}
