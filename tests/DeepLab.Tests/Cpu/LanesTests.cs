using DeepLab.Backends.Cpu;
using DeepLab.Cpu;
using DeepLab.Tests.Oracle;
using Xunit;

namespace DeepLab.Tests.Cpu;

[Trait("Tier", "all")]
public sealed unsafe class LanesTests
{
    public static TheoryData<InstructionSet> Tiers => [.. TestBackends.Tiers];

    [Theory]
    [MemberData(nameof(Tiers))]
    public void Exponentials_are_right_to_single_precision(InstructionSet tier)
    {
        float[] arguments = [.. Enumerable.Range(0, 16_000).Select(i => (i * 0.01f) - 79.99f)], actual = Run(tier, arguments);
        for (int i = 0; i < arguments.Length; i++) Assert.InRange((actual[i] / Math.Exp(arguments[i])) - 1, -1.5e-7, 1.5e-7);
    }

    [Theory]
    [MemberData(nameof(Tiers))]
    public void Exponentials_far_below_are_zeros(InstructionSet tier)
    {
        float[] arguments = [.. Enumerable.Range(0, 64).Select(i => (float)(-81 - Math.Pow(3, i)))];
        Assert.All(Run(tier, arguments), e => Assert.Equal(0, e));
        Assert.All(Run(tier, [.. Enumerable.Repeat(-1e30f, 64)]), e => Assert.Equal(0, e));
    }

    [Theory]
    [MemberData(nameof(Tiers))]
    public void Several_vectors_are_worked_on_as_one(InstructionSet tier)
    {
        switch (tier)
        {
            case InstructionSet.Avx512:
                CheckBlocks<Simd512>();
                break;
            case InstructionSet.Avx2:
                CheckBlocks<Simd256>();
                break;
            default:
                CheckBlocks<SimdPortable>();
                break;
        }
    }

    private static void CheckBlocks<T>()
        where T : unmanaged, ILanes<T>
    {
        Check<T>(T.Width);
        Check<Lanes2<T>>(2 * T.Width);
        Check<Lanes3<T>>(3 * T.Width);
        Check<Lanes4<T>>(4 * T.Width);
    }

    private static void Check<T>(int width)
        where T : unmanaged, ILanes<T>
    {
        Assert.Equal(width, T.Width);
        float[] a = HashUniform.Values(1, width), b = HashUniform.Values(2, width), c = HashUniform.Values(3, width);
        fixed (float* pa = a, pb = b, pc = c)
        {
            T la = T.Load(pa), lb = T.Load(pb), lc = T.Load(pc);
            AssertClose(a.Select((v, i) => (v * b[i]) + c[i]), T.MultiplyAdd(la, lb, lc));
            AssertClose(a.Select((v, i) => v + b[i]), T.Add(la, lb));
            AssertClose(a.Select((v, i) => v * b[i]), T.Multiply(la, lb));
            AssertClose(a.Select((v, i) => Math.Max(v, b[i])), T.Max(la, lb));
            AssertClose(a.Select((v, i) => b[i] > 0 ? v : 0), T.WherePositive(lb, la));
            AssertClose(a.Select(v => MathF.Log(MathF.Abs(v) + 2)), T.Log(T.Add(T.Max(la, T.Multiply(la, T.Broadcast(-1))), T.Broadcast(2))));
            Assert.Equal(a.Sum(v => (double)v), T.Sum(la), 1e-5);
            for (int i = 0; i < width; i++)
            {
                pa[i] = 2 + i;
                Assert.Equal(2 + i, T.Largest(T.Load(pa)));
            }
        }
    }

    private static void AssertClose<T>(IEnumerable<float> expected, T actual)
        where T : unmanaged, ILanes<T>
    {
        var values = new float[T.Width];
        fixed (float* target = values) actual.Store(target);
        Assert.All(expected.Zip(values), pair => Assert.Equal(pair.First, pair.Second, 1e-6f));
    }

    private static float[] Run(InstructionSet tier, float[] arguments) => tier switch
    {
        InstructionSet.Avx512 => Run<Simd512>(arguments),
        InstructionSet.Avx2 => Run<Simd256>(arguments),
        _ => Run<SimdPortable>(arguments),
    };

    private static float[] Run<T>(float[] arguments)
        where T : unmanaged, ILanes<T>
    {
        var results = new float[arguments.Length];
        fixed (float* source = arguments, target = results)
        {
            for (int i = 0; i < arguments.Length; i += T.Width) Lanes.Exp(T.Load(source + i)).Store(target + i);
        }

        return results;
    }
}
