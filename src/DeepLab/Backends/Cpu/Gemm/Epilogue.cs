using System.Numerics;
using System.Runtime.CompilerServices;
using DeepLab.Cpu;

namespace DeepLab.Backends.Cpu;

/// <summary>What is applied to a finished block of a product as it is stored, row by row.</summary>
internal unsafe struct Epilogue
{
    /// <summary>Where rows of the result start.</summary>
    public float* Target;

    /// <summary>Columns of the result, the shortcut and the mask.</summary>
    public int Columns;

    /// <summary>One summand per column, or null.</summary>
    public float* Shift;

    /// <summary>A matrix to add, or null.</summary>
    public float* Shortcut;

    /// <summary>A matrix; the result is 0 where it is not positive. May be null.</summary>
    public float* Mask;

    /// <summary>The matrix that is combined with the result, or null.</summary>
    public readonly float* Other => Shortcut is not null ? Shortcut : Mask;

    /// <summary>Whether to add the target's existing values.</summary>
    public bool Accumulate;

    /// <summary>Whether to clamp negative values to 0.</summary>
    public bool Relu;

    /// <summary>Finishes a whole tile: rows of two vectors, <see cref="GemmBlocking.BlockColumns"/> apart.</summary>
    public readonly void StoreTile<TSimd>(float* block, int* targetRows, int firstColumn)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        int width = TSimd.Width;
        TSimd shift0 = TSimd.Zero, shift1 = shift0;
        if (Shift is not null)
        {
            shift0 = TSimd.Load(Shift + firstColumn);
            shift1 = TSimd.Load(Shift + firstColumn + width);
        }

        for (int row = 0; row < TSimd.TileRows; row++, block += GemmBlocking.BlockColumns)
        {
            long at = ((long)targetRows[row] * Columns) + firstColumn;
            Finish(TSimd.Add(TSimd.Load(block), shift0), at);
            Finish(TSimd.Add(TSimd.Load(block + width), shift1), at + width);
        }
    }

    /// <summary>Finishes one row's columns [first, first + count).</summary>
    public readonly void Store(float* block, long targetRow, int first, int count)
    {
        long at = (targetRow * Columns) + first;
        float* target = Target + at;
        float* shift = Shift is null ? null : Shift + first;
        float* shortcut = Shortcut is null ? null : Shortcut + at;
        float* mask = Mask is null ? null : Mask + at;
        int i = 0;
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> value = Vector.Load(block + i);
            if (shift is not null) value += Vector.Load(shift + i);
            if (Accumulate) value += Vector.Load(target + i);
            if (shortcut is not null) value += Vector.Load(shortcut + i);
            if (Relu) value = Vector.ConditionalSelect(Vector.LessThan(value, Vector<float>.Zero), Vector<float>.Zero, value);
            if (mask is not null) value = Vector.ConditionalSelect(Vector.GreaterThan(Vector.Load(mask + i), Vector<float>.Zero), value, Vector<float>.Zero);
            Vector.Store(value, target + i);
        }

        for (; i < count; i++)
        {
            float value = block[i];
            if (shift is not null) value += shift[i];
            if (Accumulate) value += target[i];
            if (shortcut is not null) value += shortcut[i];
            if (Relu) value = value < 0 ? 0 : value; // NaN stays NaN: the loss must show it
            if (mask is not null) value = mask[i] > 0 ? value : 0;
            target[i] = value;
        }
    }

    /// <summary>
    /// Finishes a vector of one row, to which the shift was already added; <paramref name="at"/> is its position in the
    /// target.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Finish<TSimd>(TSimd value, long at)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        if (Accumulate) value = TSimd.Add(value, TSimd.Load(Target + at));
        if (Shortcut is not null) value = TSimd.Add(value, TSimd.Load(Shortcut + at));
        if (Relu) value = TSimd.Rectify(value);
        if (Mask is not null) value = TSimd.WherePositive(TSimd.Load(Mask + at), value);
        value.Store(Target + at);
    }
}
