using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DeepLab.Cpu;

/// <summary>
/// A vector of floats of one instruction-set tier, and the tile of a product that its registers hold. Kernels are
/// written once, generic over it; the JIT compiles them separately for each tier, with the numbers below as constants.
/// </summary>
internal unsafe interface ISimd<TSelf> : ILanes<TSelf>
    where TSelf : unmanaged, ISimd<TSelf>
{
    /// <summary>
    /// Rows of a tile: 8, 6 or 4. A tile is this many rows by two vectors, so that the sums, one row's factor and two
    /// vectors of weights fit in the registers.
    /// </summary>
    static abstract int TileRows { get; }

    static abstract TSelf Zero { get; }

    static abstract TSelf Subtract(TSelf a, TSelf b);

    /// <summary>sum += a · b.</summary>
    static abstract void Accumulate(ref TSelf sum, TSelf a, TSelf b);

    /// <summary>0 where a is negative, else a; NaN stays NaN, so that the loss shows it.</summary>
    static abstract TSelf Rectify(TSelf a);
}

/// <summary>AVX-512: 16 floats, 32 registers.</summary>
internal unsafe struct Simd512(Vector512<float> value) : ISimd<Simd512>
{
    private Vector512<float> _value = value;

    public static bool IsSupported => Vector512.IsHardwareAccelerated && Avx512F.IsSupported;

    public static int Width => 16;

    public static int TileRows => 8;

    public static Simd512 Zero => new(Vector512<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Load(float* source) => new(Vector512.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Broadcast(float value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 MultiplyAdd(Simd512 a, Simd512 b, Simd512 c) => new(Avx512F.FusedMultiplyAdd(a._value, b._value, c._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Accumulate(ref Simd512 sum, Simd512 a, Simd512 b) => sum._value = Avx512F.FusedMultiplyAdd(a._value, b._value, sum._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Add(Simd512 a, Simd512 b) => new(a._value + b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Subtract(Simd512 a, Simd512 b) => new(a._value - b._value);

    // The instruction returns its second operand if either operand is NaN.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Rectify(Simd512 a) => new(Avx512F.Max(Vector512<float>.Zero, a._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 WherePositive(Simd512 mask, Simd512 a) =>
        new(Vector512.ConditionalSelect(Vector512.GreaterThan(mask._value, Vector512<float>.Zero), a._value, Vector512<float>.Zero));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Multiply(Simd512 a, Simd512 b) => new(a._value * b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Max(Simd512 a, Simd512 b) => new(Vector512.MaxNative(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 AddExponent(Simd512 a, Simd512 exponent) => new((a._value.AsInt32() + (exponent._value.AsInt32() << 23)).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Log(Simd512 a) => new(Vector512.Log(a._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Simd512 a) => Vector512.Sum(a._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Largest(Simd512 a) => Simd256.Largest(new(Vector256.MaxNative(a._value.GetLower(), a._value.GetUpper())));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Store(float* target) => _value.Store(target);
}

/// <summary>AVX2 with fused multiply-add: 8 floats, 16 registers.</summary>
internal unsafe struct Simd256(Vector256<float> value) : ISimd<Simd256>
{
    private Vector256<float> _value = value;

    public static bool IsSupported => Avx2.IsSupported && Fma.IsSupported;

    public static int Width => 8;

    public static int TileRows => 6;

    public static Simd256 Zero => new(Vector256<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Load(float* source) => new(Vector256.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Broadcast(float value) => new(Vector256.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 MultiplyAdd(Simd256 a, Simd256 b, Simd256 c) => new(Fma.MultiplyAdd(a._value, b._value, c._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Accumulate(ref Simd256 sum, Simd256 a, Simd256 b) => sum._value = Fma.MultiplyAdd(a._value, b._value, sum._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Add(Simd256 a, Simd256 b) => new(a._value + b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Subtract(Simd256 a, Simd256 b) => new(a._value - b._value);

    // The instruction returns its second operand if either operand is NaN.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Rectify(Simd256 a) => new(Avx.Max(Vector256<float>.Zero, a._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 WherePositive(Simd256 mask, Simd256 a) =>
        new(Vector256.ConditionalSelect(Vector256.GreaterThan(mask._value, Vector256<float>.Zero), a._value, Vector256<float>.Zero));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Multiply(Simd256 a, Simd256 b) => new(a._value * b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Max(Simd256 a, Simd256 b) => new(Vector256.MaxNative(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 AddExponent(Simd256 a, Simd256 exponent) => new((a._value.AsInt32() + (exponent._value.AsInt32() << 23)).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Log(Simd256 a) => new(Vector256.Log(a._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Simd256 a) => Vector256.Sum(a._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Largest(Simd256 a)
    {
        Vector128<float> four = Vector128.MaxNative(a._value.GetLower(), a._value.GetUpper());
        Vector128<float> two = Vector128.MaxNative(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        return Vector128.MaxNative(two, Vector128.Shuffle(two, Vector128.Create(1, 0, 3, 2))).ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Store(float* target) => _value.Store(target);
}

/// <summary>.NET's portable vector, at whatever width the machine has.</summary>
internal unsafe struct SimdPortable(Vector<float> value) : ISimd<SimdPortable>
{
    private Vector<float> _value = value;

    public static int Width => Vector<float>.Count;

    public static int TileRows => 4;

    public static SimdPortable Zero => new(Vector<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SimdPortable Load(float* source) => new(Vector.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SimdPortable Broadcast(float value) => new(new Vector<float>(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SimdPortable MultiplyAdd(SimdPortable a, SimdPortable b, SimdPortable c) =>
        new(Vector.MultiplyAddEstimate(a._value, b._value, c._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Accumulate(ref SimdPortable sum, SimdPortable a, SimdPortable b) => sum._value = Vector.MultiplyAddEstimate(a._value, b._value, sum._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SimdPortable Add(SimdPortable a, SimdPortable b) => new(a._value + b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SimdPortable Subtract(SimdPortable a, SimdPortable b) => new(a._value - b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SimdPortable Rectify(SimdPortable a) =>
        new(Vector.ConditionalSelect(Vector.LessThan(a._value, Vector<float>.Zero), Vector<float>.Zero, a._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SimdPortable WherePositive(SimdPortable mask, SimdPortable a) =>
        new(Vector.ConditionalSelect(Vector.GreaterThan(mask._value, Vector<float>.Zero), a._value, Vector<float>.Zero));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SimdPortable Multiply(SimdPortable a, SimdPortable b) => new(a._value * b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SimdPortable Max(SimdPortable a, SimdPortable b) => new(Vector.MaxNative(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SimdPortable AddExponent(SimdPortable a, SimdPortable exponent) => new(Vector.AsVectorSingle(Vector.AsVectorInt32(a._value) + (Vector.AsVectorInt32(exponent._value) << 23)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SimdPortable Log(SimdPortable a) => new(Vector.Log(a._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(SimdPortable a) => Vector.Sum(a._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Largest(SimdPortable a)
    {
        float largest = a._value[0];
        for (int i = 1; i < Width; i++) largest = MathF.Max(largest, a._value[i]);
        return largest;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Store(float* target) => Vector.Store(_value, target);
}
