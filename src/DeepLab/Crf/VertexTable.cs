using System.Numerics;
using System.Runtime.CompilerServices;

namespace DeepLab.Crf;

/// <summary>
/// Numbers vertices in the order in which they are met: a hash table with open addressing that keeps its memory when
/// cleared.
/// </summary>
internal sealed class VertexTable
{
    private const int Smallest = 1 << 10;

    private LatticeKey[] _keys = new LatticeKey[Smallest / 2];
    private int[] _slots = new int[Smallest];     // a vertex's number + 1, or 0 where there is none
    private int _shift = 64 - BitOperations.Log2(Smallest);

    /// <summary>The vertices by number.</summary>
    public ReadOnlySpan<LatticeKey> Keys => _keys.AsSpan(0, Count);

    public int Count { get; private set; }

    public void Clear()
    {
        Count = 0;
        Array.Clear(_slots);
    }

    /// <summary>The number of a vertex; a new one gets the next number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int Add(LatticeKey key)
    {
        int slot = Slot(key);
        if (_slots[slot] > 0) return _slots[slot] - 1;
        if (Count == _keys.Length)
        {
            Grow();
            slot = Slot(key);
        }

        _keys[Count] = key;
        _slots[slot] = ++Count;
        return Count - 1;
    }

    /// <summary>The number of a vertex, or <paramref name="otherwise"/> if it is not there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int Find(LatticeKey key, int otherwise)
    {
        int found = _slots[Slot(key)];
        return found > 0 ? found - 1 : otherwise;
    }

    /// <summary>The slot that holds the vertex, or the empty one where it belongs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Slot(LatticeKey key)
    {
        int[] slots = _slots;
        int slot = (int)(key.Mix() >> _shift);
        while (slots[slot] > 0 && _keys[slots[slot] - 1] != key) slot = (slot + 1) & (slots.Length - 1);
        return slot;
    }

    private void Grow()
    {
        if (_slots.Length > Array.MaxLength / 2) throw new OutOfMemoryException();
        Array.Resize(ref _keys, _slots.Length);
        _slots = new int[_slots.Length * 2];
        _shift--;
        for (int i = 0; i < Count; i++) _slots[Slot(_keys[i])] = i + 1;
    }
}

/// <summary>
/// The coordinates of a vertex of a lattice of at most five dimensions, 21 bits each; the last of the d + 1 coordinates
/// follows from the others. A step from vertex to vertex is an addition of two integers.
/// </summary>
internal readonly record struct LatticeKey(ulong Low, ulong High)
{
    public const int MostDimensions = 5;

    /// <summary>The absolute value of a coordinate is at most this.</summary>
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
