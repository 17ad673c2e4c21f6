using System.Text;
using DeepLab.Reports;

namespace DeepLab.Tests;

/// <summary>
/// Numbers that the tests and <c>tests/reference/make_golden.py</c> both generate from a name, so that golden
/// files need not store inputs. The script's header documents the scheme; the two must agree bit for bit.
/// </summary>
internal static class HashUniform
{
    private const double TwoTo23 = 1 << 23;

    /// <summary>64-bit FNV-1a of the UTF-8 bytes of <c>case.name</c>.</summary>
    public static ulong Seed(string caseName, string name)
    {
        ulong hash = 0xCBF29CE484222325;
        foreach (byte b in Encoding.UTF8.GetBytes($"{caseName}.{name}"))
            hash = (hash ^ b) * 0x100000001B3;
        return hash;
    }

    /// <summary>
    /// The first <paramref name="count"/> numbers of SplitMix64 started at <paramref name="seed"/>: top 24 bits, scaled
    /// to [-1, 1).
    /// </summary>
    public static float[] Values(ulong seed, int count)
    {
        var values = new float[count];
        for (int i = 0; i < count; i++)
            values[i] = (float)((Bits(seed, i) / TwoTo23) - 1);
        return values;
    }

    /// <summary>
    /// The tensor <paramref name="name"/> of a case, each number passed through <paramref name="transform"/> in double,
    /// then rounded.
    /// </summary>
    public static float[] Values(string caseName, string name, int count, Func<double, double>? transform = null)
    {
        float[] values = Values(Seed(caseName, name), count);
        if (transform is not null)
        {
            for (int i = 0; i < count; i++)
                values[i] = (float)transform(values[i]);
        }

        return values;
    }

    /// <summary>A label image [height, width]: a random class, or 255, for each block of 8 by 8 pixels.</summary>
    public static byte[] Labels(string caseName, string name, int height, int width, int classes)
    {
        ulong seed = Seed(caseName, name);
        int columns = (width + 7) / 8;
        var labels = new byte[height * width];
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                uint k = Bits(seed, ((y / 8) * columns) + (x / 8));
                labels[(y * width) + x] = k % 10 == 0 ? (byte)255 : (byte)(k / 10 % (uint)classes);
            }
        }

        return labels;
    }

    /// <summary>The flat indices of a tensor of <paramref name="count"/> elements that golden files store.</summary>
    public static long[] SampleIndices(long count)
    {
        long samples = Math.Min(256, count);
        var indices = new long[samples];
        for (long i = 1; i < samples; i++)
            indices[i] = i * (count - 1) / (samples - 1);
        return indices;
    }

    private static uint Bits(ulong seed, int index)
    {
        ulong z = seed + ((ulong)(index + 1) * 0x9E3779B97F4A7C15);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return (uint)((z ^ (z >> 31)) >> 40);
    }
}
