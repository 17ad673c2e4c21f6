namespace DeepLab.Weights.SafeTensors;

/// <summary>What a .safetensors file says of one tensor.</summary>
/// <param name="Name">The tensor's name, such as <c>Scale.conv1.weight</c>.</param>
/// <param name="Type">Its element type.</param>
/// <param name="Shape">Its sides, the slowest first; none for a scalar.</param>
/// <param name="Begin">Where its data begin, in bytes from the end of the header.</param>
/// <param name="End">Where its data end; <c>End - Begin</c> is the number of elements times their size.</param>
public sealed record TensorInfo(string Name, TensorType Type, IReadOnlyList<long> Shape, long Begin, long End)
{
    /// <summary>The number of elements.</summary>
    public long Count => (End - Begin) / Type.Size();

    /// <inheritdoc/>
    public override string ToString() => $"{Name} {Type} [{string.Join(", ", Shape)}]";
}
