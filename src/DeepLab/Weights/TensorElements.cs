using DeepLab.IO;

namespace DeepLab.Weights;

/// <summary>Reads the elements of tensors from the bytes of a weights file.</summary>
internal static class TensorElements
{
    /// <summary>
    /// Reads little-endian elements that lie one after another as singles: F32 bit for bit, F16 and BF16 exactly, F64
    /// rounded to the nearest.
    /// </summary>
    /// <param name="bytes">The file.</param>
    /// <param name="type">F32, F64, F16 or BF16.</param>
    /// <param name="offset">Where the first lies. The caller has checked that all lie in the file.</param>
    /// <param name="target">Takes the elements.</param>
    public static void ReadSingle(this FileBytes bytes, TensorType type, long offset, Span<float> target)
    {
        switch (type)
        {
            case TensorType.F32:
                bytes.ReadElements(offset, target);
                break;
            case TensorType.F64:
                bytes.ReadElements<double, float>(offset, target, static v => (float)v);
                break;
            case TensorType.F16:
                bytes.ReadElements<Half, float>(offset, target, static v => (float)v);
                break;
            case TensorType.BF16:
                bytes.ReadElements<ushort, float>(offset, target, static v => BitConverter.UInt32BitsToSingle((uint)v << 16));
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type));
        }
    }

    /// <summary>Reads little-endian F64 or F32 elements that lie one after another as doubles, exactly.</summary>
    /// <inheritdoc cref="ReadSingle"/>
    public static void ReadDouble(this FileBytes bytes, TensorType type, long offset, Span<double> target)
    {
        if (type == TensorType.F64) bytes.ReadElements(offset, target);
        else if (type == TensorType.F32) bytes.ReadElements<float, double>(offset, target, static v => v);
        else throw new ArgumentOutOfRangeException(nameof(type));
    }
}
