using System.Numerics;

namespace DeepLab.Kernels.Cpu;

/// <summary>What happens to a finished block of a product on its way to memory, row by row.</summary>
internal unsafe struct Epilogue
{
    /// <summary>Where rows of the result start.</summary>
    public float* Target;

    /// <summary>Columns of the result, and of the shortcut and the mask.</summary>
    public int Columns;

    /// <summary>A summand a column, or null.</summary>
    public float* Shift;

    /// <summary>A matrix to add, or null.</summary>
    public float* Shortcut;

    /// <summary>A matrix; where it is not positive the result is 0. Or null.</summary>
    public float* Mask;

    /// <summary>Whether to add what the target holds.</summary>
    public bool Accumulate;

    /// <summary>Whether to clip below at 0.</summary>
    public bool Relu;

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
            if (Relu) value = value < 0 ? 0 : value; // a NaN stays one: the loss must show it
            if (mask is not null) value = mask[i] > 0 ? value : 0;
            target[i] = value;
        }
    }
}
