namespace DeepLab.Crf;

/// <summary>
/// The coordinates of a vertex of a lattice of at most five dimensions (the last of its d + 1 coordinates follows from the others), 21 bits each.
/// Steps from vertex to vertex are sums of two numbers.
/// </summary>
internal readonly record struct LatticeKey(ulong Low, ulong High)
{
    public const int MostDimensions = 5;

    /// <summary>Coordinates lie below this on either side of 0.</summary>
    public const int Limit = (1 << (Bits - 1)) - 64;

    private const int Bits = 21, LowFields = 3;
    private const int Bias = 1 << (Bits - 1);

    public static LatticeKey operator +(LatticeKey a, LatticeKey b) => new(a.Low + b.Low, a.High + b.High);

    public static LatticeKey operator -(LatticeKey a, LatticeKey b) => new(a.Low - b.Low, a.High - b.High);

    /// <summary>A step along a coordinate, or none for the last one, which is not stored.</summary>
    public static LatticeKey Step(int coordinate, int dimensions, int length)
    {
        if (coordinate >= dimensions) return default;
        return coordinate < LowFields
            ? new((ulong)((long)length << (Bits * coordinate)), 0)
            : new(0, (ulong)((long)length << (Bits * (coordinate - LowFields))));
    }

    /// <summary>The vertex with the first of these coordinates.</summary>
    public static LatticeKey From(ReadOnlySpan<int> coordinates, int dimensions)
    {
        ulong low = 0, high = 0;
        for (int i = Math.Min(dimensions, LowFields) - 1; i >= 0; i--) low = (low << Bits) | (uint)(coordinates[i] + Bias);
        for (int i = dimensions - 1; i >= LowFields; i--) high = (high << Bits) | (uint)(coordinates[i] + Bias);
        return new(low, high);
    }

    /// <summary>A number whose upper bits are well mixed.</summary>
    public ulong Mix()
    {
        ulong mixed = (Low * 0x9E3779B97F4A7C15) + (High * 0xC2B2AE3D27D4EB4F);
        return (mixed ^ (mixed >> 32)) * 0xD6E8FEB86659FD93;
    }
}
