using System.Numerics;

namespace DeepLab;

/// <summary>
/// A small, seeded random generator whose numbers are the same on all machines and versions of .NET (xoshiro256**,
/// Blackman and Vigna 2018, seeded by SplitMix64). Parallel work uses one generator per item, selected by
/// <c>stream</c>, so that results do not depend on the order in which items are processed.
/// </summary>
internal sealed class SeededRandom
{
    private ulong _s0, _s1, _s2, _s3;
    private double _spareGaussian = double.NaN;

    /// <summary>Creates a generator; the same arguments give the same numbers.</summary>
    /// <param name="seed">The seed of the run.</param>
    /// <param name="stream">Which of the seed's independent sequences: an item's index, for instance.</param>
    public SeededRandom(ulong seed, ulong stream = 0)
    {
        ulong state = seed + (Mix(stream + 0x9E3779B97F4A7C15) * 0xD1342543DE82EF95);
        _s0 = Mix(state += 0x9E3779B97F4A7C15);
        _s1 = Mix(state += 0x9E3779B97F4A7C15);
        _s2 = Mix(state += 0x9E3779B97F4A7C15);
        _s3 = Mix(state + 0x9E3779B97F4A7C15);
    }

    /// <summary>The next 64 random bits.</summary>
    public ulong NextUInt64()
    {
        ulong result = BitOperations.RotateLeft(_s1 * 5, 7) * 9;
        ulong t = _s1 << 17;
        _s2 ^= _s0;
        _s3 ^= _s1;
        _s1 ^= _s2;
        _s0 ^= _s3;
        _s2 ^= t;
        _s3 = BitOperations.RotateLeft(_s3, 45);
        return result;
    }

    /// <summary>A number in [0, 1), uniform, with 53 bits.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>A number in [<paramref name="minimum"/>, <paramref name="maximum"/>), uniform.</summary>
    public double NextDouble(double minimum, double maximum) => minimum + ((maximum - minimum) * NextDouble());

    /// <summary>An integer in [0, <paramref name="count"/>), uniform.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is not positive.</exception>
    public int NextInt32(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        return (int)(((UInt128)NextUInt64() * (UInt128)count) >> 64);
    }

    /// <summary>
    /// A number from the normal distribution with mean 0 and standard deviation 1 (Marsaglia's polar method).
    /// </summary>
    public double NextGaussian()
    {
        if (!double.IsNaN(_spareGaussian))
        {
            double spare = _spareGaussian;
            _spareGaussian = double.NaN;
            return spare;
        }

        while (true)
        {
            double u = NextDouble(-1, 1), v = NextDouble(-1, 1), s = (u * u) + (v * v);
            if (s is >= 1 or 0) continue;
            double factor = Math.Sqrt(-2 * Math.Log(s) / s);
            _spareGaussian = v * factor;
            return u * factor;
        }
    }

    /// <summary>Shuffles the items (Fisher–Yates).</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int j = NextInt32(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
