namespace DeepLab.Tensors;

/// <summary>Height and width of a map, in pixels.</summary>
/// <param name="Height">Rows of pixels, at least 1.</param>
/// <param name="Width">Pixels per row, at least 1.</param>
public readonly record struct MapSize(int Height, int Width)
{
    /// <summary>The number of pixels.</summary>
    public int Pixels => checked(Height * Width);

    /// <inheritdoc/>
    public override string ToString() => $"{Height}×{Width}";
}
