using System.Numerics;
using System.Runtime.CompilerServices;

namespace DeepLab.Crf;

/// <summary>Numbers vertices in the order in which they are met: a hash table with open addressing that keeps its memory.</summary>
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

    /// <summary>The number of a vertex, the next one if it is new.</summary>
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

    /// <summary>The number of a vertex, or another one if it is not there.</summary>
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
