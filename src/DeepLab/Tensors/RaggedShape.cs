using System.Collections.Immutable;

namespace DeepLab.Tensors;

/// <summary>
/// The shape of a ragged batch: maps of different sizes with the same channels, stored one after another as rows of
/// channels (a row is a pixel). Maps [h₀, w₀, c], [h₁, w₁, c], … make h₀·w₀ + h₁·w₁ + … rows. A parameter is one row.
/// </summary>
internal sealed class RaggedShape : IEquatable<RaggedShape>
{
    private readonly ImmutableArray<int> _firstRows;

    /// <summary>Creates the shape of maps with the same number of channels.</summary>
    /// <exception cref="ArgumentException">No map, or a side or the channels not positive.</exception>
    public RaggedShape(ImmutableArray<MapSize> maps, int channels)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(channels);
        if (maps.IsDefaultOrEmpty) throw new ArgumentException("A batch holds at least one map.", nameof(maps));
        var firstRows = ImmutableArray.CreateBuilder<int>(maps.Length);
        int rows = 0;
        foreach (MapSize map in maps)
        {
            if (map.Height <= 0 || map.Width <= 0) throw new ArgumentException($"A map of {map} has no pixels.", nameof(maps));
            firstRows.Add(rows);
            rows = checked(rows + map.Pixels);
        }

        Maps = maps;
        Channels = channels;
        Rows = rows;
        _firstRows = firstRows.MoveToImmutable();
    }

    /// <summary>The sizes of the maps, in their order in memory.</summary>
    public ImmutableArray<MapSize> Maps { get; }

    /// <summary>Values per pixel.</summary>
    public int Channels { get; }

    /// <summary>Pixels of all maps together.</summary>
    public int Rows { get; }

    /// <summary>Values of all maps together.</summary>
    public long Length => (long)Rows * Channels;

    /// <summary>The shape of one map [height, width, channels].</summary>
    public static RaggedShape Map(int height, int width, int channels) => new([new MapSize(height, width)], channels);

    /// <summary>The shape of a plain matrix [rows, columns].</summary>
    public static RaggedShape Matrix(int rows, int columns) => new([new MapSize(rows, 1)], columns);

    /// <summary>The row where a map starts.</summary>
    public int FirstRow(int map) => _firstRows[map];

    /// <summary>The same maps with another number of channels.</summary>
    public RaggedShape WithChannels(int channels) => new(Maps, channels);

    /// <inheritdoc/>
    public bool Equals(RaggedShape? other) =>
        ReferenceEquals(this, other) || (other is not null && Channels == other.Channels && Maps.AsSpan().SequenceEqual(other.Maps.AsSpan()));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as RaggedShape);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Channels, Rows, Maps.Length, Maps[0]);

    /// <inheritdoc/>
    public override string ToString() => $"[{string.Join(" + ", Maps)}, {Channels}]";
}
