using System.Runtime.CompilerServices;

namespace DeepLab.Cpu;

/// <summary>A group of floats processed side by side: one vector, or several.</summary>
internal unsafe interface ILanes<TSelf>
    where TSelf : unmanaged, ILanes<TSelf>
{
    /// <summary>The number of floats.</summary>
    static abstract int Width { get; }

    static abstract TSelf Load(float* source);

    static abstract TSelf Broadcast(float value);

    /// <summary>a · b + c.</summary>
    static abstract TSelf MultiplyAdd(TSelf a, TSelf b, TSelf c);

    static abstract TSelf Add(TSelf a, TSelf b);

    static abstract TSelf Multiply(TSelf a, TSelf b);

    /// <summary>The larger value of each pair; neither may be NaN.</summary>
    static abstract TSelf Max(TSelf a, TSelf b);

    /// <summary>a where the mask is positive, else 0.</summary>
    static abstract TSelf WherePositive(TSelf mask, TSelf a);

    /// <summary>a · 2^n, where n is the integer in the lowest bits of <paramref name="exponent"/>.</summary>
    static abstract TSelf AddExponent(TSelf a, TSelf exponent);

    static abstract TSelf Log(TSelf a);

    /// <summary>The sum of all lanes.</summary>
    static abstract float Sum(TSelf a);

    /// <summary>The largest of all lanes; none may be NaN.</summary>
    static abstract float Largest(TSelf a);

    void Store(float* target);
}

/// <summary>Functions of lanes, composed of the basic ones.</summary>
internal static class Lanes
{
    /// <summary>e^a with a relative error of 1e-7, for a up to 80; 0 below −80.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Exp<T>(T a)
        where T : unmanaged, ILanes<T>
    {
        // a = n ln 2 + r with an integer n; adding 1.5 · 2^23 rounds to it and leaves it in the lowest bits. ln 2 is
        // split in two parts, such that n times the first is exact. e^r = 1 + r + r² q(r), with a minimax polynomial q
        // for |r| ≤ ln 2 / 2.
        T shifted = T.MultiplyAdd(a, T.Broadcast(1.44269504f), T.Broadcast(12582912f));
        T n = T.Add(shifted, T.Broadcast(-12582912f));
        T r = T.MultiplyAdd(n, T.Broadcast(-0.693359375f), a);
        r = T.MultiplyAdd(n, T.Broadcast(2.12194440e-4f), r);
        T q = T.MultiplyAdd(r, T.Broadcast(0.00138145976f), T.Broadcast(0.00836871658f));
        q = T.MultiplyAdd(q, r, T.Broadcast(0.0416683890f));
        q = T.MultiplyAdd(q, r, T.Broadcast(0.166665211f));
        q = T.MultiplyAdd(q, r, T.Broadcast(0.499999940f));
        T result = T.Add(T.MultiplyAdd(T.Multiply(q, r), r, r), T.Broadcast(1));
        return T.WherePositive(T.Add(a, T.Broadcast(80)), T.AddExponent(result, shifted));
    }
}

/// <summary>Two vectors as one: a row of classes that fits in them stays in registers.</summary>
internal readonly unsafe struct Lanes2<T>(T a, T b) : ILanes<Lanes2<T>>
    where T : unmanaged, ILanes<T>
{
    private readonly T _a = a;
    private readonly T _b = b;

    public static int Width => 2 * T.Width;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes2<T> Load(float* source) => new(T.Load(source), T.Load(source + T.Width));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes2<T> Broadcast(float value) => new(T.Broadcast(value), T.Broadcast(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes2<T> MultiplyAdd(Lanes2<T> a, Lanes2<T> b, Lanes2<T> c) =>
        new(T.MultiplyAdd(a._a, b._a, c._a), T.MultiplyAdd(a._b, b._b, c._b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes2<T> Add(Lanes2<T> a, Lanes2<T> b) => new(T.Add(a._a, b._a), T.Add(a._b, b._b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes2<T> Multiply(Lanes2<T> a, Lanes2<T> b) => new(T.Multiply(a._a, b._a), T.Multiply(a._b, b._b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes2<T> Max(Lanes2<T> a, Lanes2<T> b) => new(T.Max(a._a, b._a), T.Max(a._b, b._b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes2<T> WherePositive(Lanes2<T> mask, Lanes2<T> a) => new(T.WherePositive(mask._a, a._a), T.WherePositive(mask._b, a._b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes2<T> AddExponent(Lanes2<T> a, Lanes2<T> exponent) => new(T.AddExponent(a._a, exponent._a), T.AddExponent(a._b, exponent._b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes2<T> Log(Lanes2<T> a) => new(T.Log(a._a), T.Log(a._b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Lanes2<T> a) => T.Sum(T.Add(a._a, a._b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Largest(Lanes2<T> a) => T.Largest(T.Max(a._a, a._b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(float* target)
    {
        _a.Store(target);
        _b.Store(target + T.Width);
    }
}

/// <summary>Three vectors as one: a row of classes that fits in them stays in registers.</summary>
internal readonly unsafe struct Lanes3<T>(T a, T b, T c) : ILanes<Lanes3<T>>
    where T : unmanaged, ILanes<T>
{
    private readonly T _a = a;
    private readonly T _b = b;
    private readonly T _c = c;

    public static int Width => 3 * T.Width;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes3<T> Load(float* source) => new(T.Load(source), T.Load(source + T.Width), T.Load(source + (2 * T.Width)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes3<T> Broadcast(float value) => new(T.Broadcast(value), T.Broadcast(value), T.Broadcast(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes3<T> MultiplyAdd(Lanes3<T> a, Lanes3<T> b, Lanes3<T> c) =>
        new(T.MultiplyAdd(a._a, b._a, c._a), T.MultiplyAdd(a._b, b._b, c._b), T.MultiplyAdd(a._c, b._c, c._c));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes3<T> Add(Lanes3<T> a, Lanes3<T> b) => new(T.Add(a._a, b._a), T.Add(a._b, b._b), T.Add(a._c, b._c));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes3<T> Multiply(Lanes3<T> a, Lanes3<T> b) => new(T.Multiply(a._a, b._a), T.Multiply(a._b, b._b), T.Multiply(a._c, b._c));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes3<T> Max(Lanes3<T> a, Lanes3<T> b) => new(T.Max(a._a, b._a), T.Max(a._b, b._b), T.Max(a._c, b._c));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes3<T> WherePositive(Lanes3<T> mask, Lanes3<T> a) => new(T.WherePositive(mask._a, a._a), T.WherePositive(mask._b, a._b), T.WherePositive(mask._c, a._c));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes3<T> AddExponent(Lanes3<T> a, Lanes3<T> exponent) => new(T.AddExponent(a._a, exponent._a), T.AddExponent(a._b, exponent._b), T.AddExponent(a._c, exponent._c));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes3<T> Log(Lanes3<T> a) => new(T.Log(a._a), T.Log(a._b), T.Log(a._c));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Lanes3<T> a) => T.Sum(T.Add(T.Add(a._a, a._b), a._c));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Largest(Lanes3<T> a) => T.Largest(T.Max(T.Max(a._a, a._b), a._c));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(float* target)
    {
        _a.Store(target);
        _b.Store(target + T.Width);
        _c.Store(target + (2 * T.Width));
    }
}

/// <summary>Four vectors as one: a row of classes that fits in them stays in registers.</summary>
internal readonly unsafe struct Lanes4<T>(T a, T b, T c, T d) : ILanes<Lanes4<T>>
    where T : unmanaged, ILanes<T>
{
    private readonly T _a = a;
    private readonly T _b = b;
    private readonly T _c = c;
    private readonly T _d = d;

    public static int Width => 4 * T.Width;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4<T> Load(float* source) => new(T.Load(source), T.Load(source + T.Width), T.Load(source + (2 * T.Width)), T.Load(source + (3 * T.Width)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4<T> Broadcast(float value) => new(T.Broadcast(value), T.Broadcast(value), T.Broadcast(value), T.Broadcast(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4<T> MultiplyAdd(Lanes4<T> a, Lanes4<T> b, Lanes4<T> c) =>
        new(T.MultiplyAdd(a._a, b._a, c._a), T.MultiplyAdd(a._b, b._b, c._b), T.MultiplyAdd(a._c, b._c, c._c), T.MultiplyAdd(a._d, b._d, c._d));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4<T> Add(Lanes4<T> a, Lanes4<T> b) => new(T.Add(a._a, b._a), T.Add(a._b, b._b), T.Add(a._c, b._c), T.Add(a._d, b._d));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4<T> Multiply(Lanes4<T> a, Lanes4<T> b) => new(T.Multiply(a._a, b._a), T.Multiply(a._b, b._b), T.Multiply(a._c, b._c), T.Multiply(a._d, b._d));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4<T> Max(Lanes4<T> a, Lanes4<T> b) => new(T.Max(a._a, b._a), T.Max(a._b, b._b), T.Max(a._c, b._c), T.Max(a._d, b._d));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4<T> WherePositive(Lanes4<T> mask, Lanes4<T> a) => new(T.WherePositive(mask._a, a._a), T.WherePositive(mask._b, a._b), T.WherePositive(mask._c, a._c), T.WherePositive(mask._d, a._d));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4<T> AddExponent(Lanes4<T> a, Lanes4<T> exponent) => new(T.AddExponent(a._a, exponent._a), T.AddExponent(a._b, exponent._b), T.AddExponent(a._c, exponent._c), T.AddExponent(a._d, exponent._d));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4<T> Log(Lanes4<T> a) => new(T.Log(a._a), T.Log(a._b), T.Log(a._c), T.Log(a._d));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Lanes4<T> a) => T.Sum(T.Add(T.Add(a._a, a._b), T.Add(a._c, a._d)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Largest(Lanes4<T> a) => T.Largest(T.Max(T.Max(a._a, a._b), T.Max(a._c, a._d)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(float* target)
    {
        _a.Store(target);
        _b.Store(target + T.Width);
        _c.Store(target + (2 * T.Width));
        _d.Store(target + (3 * T.Width));
    }
}
