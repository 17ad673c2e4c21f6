namespace DeepLab.Weights;

/// <summary>The element types of arrays in weights files, by the names that .safetensors files use.</summary>
public enum TensorType
{
    /// <summary>True or false, a byte each.</summary>
    Bool,

    /// <summary>Unsigned integers of 8 bits.</summary>
    U8,

    /// <summary>Signed integers of 8 bits.</summary>
    I8,

    /// <summary>8-bit floating point with 5 bits of exponent.</summary>
    F8E5M2,

    /// <summary>8-bit floating point with 4 bits of exponent.</summary>
    F8E4M3,

    /// <summary>Signed integers of 16 bits.</summary>
    I16,

    /// <summary>Unsigned integers of 16 bits.</summary>
    U16,

    /// <summary>IEEE half precision.</summary>
    F16,

    /// <summary>bfloat16: the upper half of a single.</summary>
    BF16,

    /// <summary>Signed integers of 32 bits.</summary>
    I32,

    /// <summary>Unsigned integers of 32 bits.</summary>
    U32,

    /// <summary>IEEE single precision.</summary>
    F32,

    /// <summary>IEEE double precision.</summary>
    F64,

    /// <summary>Signed integers of 64 bits.</summary>
    I64,

    /// <summary>Unsigned integers of 64 bits.</summary>
    U64,
}

internal static class TensorTypes
{
    public static bool TryParse(string? name, out TensorType type)
    {
        (type, bool known) = name switch
        {
            "BOOL" => (TensorType.Bool, true),
            "U8" => (TensorType.U8, true),
            "I8" => (TensorType.I8, true),
            "F8_E5M2" => (TensorType.F8E5M2, true),
            "F8_E4M3" => (TensorType.F8E4M3, true),
            "I16" => (TensorType.I16, true),
            "U16" => (TensorType.U16, true),
            "F16" => (TensorType.F16, true),
            "BF16" => (TensorType.BF16, true),
            "I32" => (TensorType.I32, true),
            "U32" => (TensorType.U32, true),
            "F32" => (TensorType.F32, true),
            "F64" => (TensorType.F64, true),
            "I64" => (TensorType.I64, true),
            "U64" => (TensorType.U64, true),
            _ => (default, false),
        };
        return known;
    }

    /// <summary>The size of an element in bytes.</summary>
    public static int Size(this TensorType type) => type switch
    {
        TensorType.Bool or TensorType.U8 or TensorType.I8 or TensorType.F8E5M2 or TensorType.F8E4M3 => 1,
        TensorType.I16 or TensorType.U16 or TensorType.F16 or TensorType.BF16 => 2,
        TensorType.I32 or TensorType.U32 or TensorType.F32 => 4,
        _ => 8,
    };

    /// <summary>Whether elements can be read as singles.</summary>
    public static bool IsFloatingPoint(this TensorType type) => type is TensorType.F32 or TensorType.F64 or TensorType.F16 or TensorType.BF16;
}
