namespace DeepLab.Data;

/// <summary>
/// The order in which training meets the images of a list: every epoch is the whole list in a new random order,
/// without end. Any position can be asked for at any time and from any thread.
/// </summary>
internal sealed class EpochOrder
{
    /// <summary>
    /// Keeps the shuffles apart from the samples' own random numbers, which use the small streams of the same seed.
    /// </summary>
    private const ulong FirstStream = 1UL << 63;

    // Workers near an epoch's end ask for this one and the next, so two orders are kept.
    private readonly Order?[] _recent = new Order?[2];
    private readonly ulong _seed;
    private readonly bool _shuffle;

    /// <summary>Creates the order.</summary>
    /// <param name="count">How many images the list has, at least 1.</param>
    /// <param name="seed">The seed of the run.</param>
    /// <param name="shuffle">False to go through the list as it stands.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is not positive.</exception>
    public EpochOrder(int count, ulong seed, bool shuffle = true)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        Count = count;
        _seed = seed;
        _shuffle = shuffle;
    }

    /// <summary>How many images an epoch has.</summary>
    public int Count { get; }

    /// <summary>The index in the list of the image at a position of the endless order.</summary>
    /// <param name="position">From 0; epoch <c>position / Count</c>.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="position"/> is negative.</exception>
    public int this[long position]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(position);
            (long epoch, long place) = Math.DivRem(position, Count);
            return _shuffle ? OrderOf(epoch).Indices[place] : (int)place;
        }
    }

    private Order OrderOf(long epoch)
    {
        ref Order? recent = ref _recent[epoch & 1];
        Order? order = Volatile.Read(ref recent);
        if (order?.Epoch == epoch) return order;
        var indices = new int[Count];
        for (int i = 0; i < indices.Length; i++) indices[i] = i;
        new SeededRandom(_seed, FirstStream | (ulong)epoch).Shuffle(indices.AsSpan());
        order = new Order(epoch, indices);
        Volatile.Write(ref recent, order);
        return order;
    }

    private sealed record Order(long Epoch, int[] Indices);
}
