using DeepLab.Backends;
using DeepLab.Backends.Cpu;
using DeepLab.Tensors;
using DeepLab.Tests.Oracle;
using Xunit;
using Pair = DeepLab.Tests.Oracle.RandomCase.Pair;

namespace DeepLab.Tests.Backends;

/// <summary>Several convolutions of one map, taken together by the SIMD backend and one after the other by the oracle.</summary>
public sealed class AsppPropertyTests
{
    private const double Tolerance = 1e-5;

    public static TheoryData<InstructionSet> Tiers => [.. TestBackends.Tiers];

    [Theory]
    [MemberData(nameof(Tiers))]
    [Trait("Tier", "all")]
    public void Random_pyramids_equal_the_oracle(InstructionSet tier)
    {
        using var backend = new CpuBackend(2, tier);
        for (ulong stream = 0; stream < 40; stream++)
        {
            using var oracle = new DoubleBackend();
            using var random = new RandomCase(backend, oracle, 8, stream);
            int channels = random.Channels(), outputs = random.Pick(1, 2, 3, 11, 21, 33), kernel = random.Pick(3, 3, 3, 1, 5), branches = 1 + random.Random.NextInt32(5);
            ConvolutionGeometry[] geometries = [.. Enumerable.Range(0, branches).Select(_ =>
            {
                int dilation = random.Pick(1, 2, 3, 6, 12);
                return new ConvolutionGeometry(channels, outputs, kernel, 1, dilation, dilation * (kernel / 2));
            })];
            Check(random, backend, oracle, geometries, new RaggedShape(random.Maps(17), channels));
        }
    }

    [Theory]
    [MemberData(nameof(Tiers))]
    public void The_pyramid_of_DeepLab_equals_the_oracle_on_three_scales(InstructionSet tier)
    {
        using var backend = new CpuBackend(3, tier);
        using var oracle = new DoubleBackend();
        using var random = new RandomCase(backend, oracle, 9, 0);
        ConvolutionGeometry[] geometries = [.. new[] { 6, 12, 18, 24 }.Select(d => new ConvolutionGeometry(300, 21, 3, 1, d, d))];
        Check(random, backend, oracle, geometries, new RaggedShape([new(21, 29), new(16, 22), new(11, 15)], 300));
    }

    [Fact]
    public void Taps_that_read_the_same_place_are_merged_and_groups_begin_at_whole_panels()
    {
        ConvolutionGeometry[] geometries = [.. new[] { 6, 12, 18, 24 }.Select(d => new ConvolutionGeometry(2048, 21, 3, 1, d, d))];
        var (taps, groups, columns) = Describe(geometries);
        Assert.Equal(33, taps.Length);
        Assert.Equal([-24, -18, -12, -6, 0, 6, 12, 18, 24], groups.Select(g => g.OffsetY));
        Assert.Equal([3, 3, 3, 3, 9, 3, 3, 3, 3], groups.Select(g => g.TapCount));
        Assert.Equal([0, 64, 128, 192, 256, 448, 512, 576, 640], groups.Select(g => g.FirstColumn));
        Assert.Equal(704, columns);
        Assert.Equal(4, taps.Single(t => (t.OffsetY, t.OffsetX) == (0, 0)).SourceCount);
    }

    private static unsafe (AsppTap[] Taps, AsppGroup[] Groups, int Columns) Describe(ConvolutionGeometry[] geometries)
    {
        AsppTap* taps = stackalloc AsppTap[AsppTaps.Most];
        AsppGroup* groups = stackalloc AsppGroup[AsppTaps.Most];
        int* sources = stackalloc int[AsppTaps.Most];
        AsppTaps all = AsppTaps.Of(geometries, 32, taps, groups, sources);
        return (new Span<AsppTap>(taps, all.Count).ToArray(), new Span<AsppGroup>(groups, all.GroupCount).ToArray(), all.Columns);
    }

    private static void Check(RandomCase random, Backend backend, DoubleBackend oracle, ConvolutionGeometry[] geometries, RaggedShape input)
    {
        string what = $"{string.Join(", ", geometries.Select(g => g.Dilation))} of {geometries[0]} on {input}";
        RaggedShape output = geometries[0].OutputShape(input), vector = RaggedShape.Matrix(1, geometries[0].OutChannels);
        Pair x = random.Normal(input), dy = random.Normal(output), y = random.Normal(output), dx = random.Normal(input);
        Pair? mask = random.Maybe(input);
        Pair[] kernels = [.. geometries.Select(g => random.Normal(g.WeightShape))], shifts = [.. geometries.Select(_ => random.Normal(vector))];
        var keep = (PackedCopies)random.Pick(0, 1, 2);
        ConvolutionWeights[] tested = [.. kernels.Zip(shifts, (k, s) => new ConvolutionWeights(k.Tested, null, s.Tested) { Keep = keep })];
        ConvolutionWeights[] plain = [.. kernels.Zip(shifts, (k, s) => new ConvolutionWeights(k.Oracle, null, s.Oracle))];
        oracle.PyramidForward(geometries, x.Oracle, plain, y.Oracle);
        oracle.PyramidBackwardInput(geometries, dy.Oracle, plain, dx.Oracle, mask?.Oracle);
        for (int i = 0; i < (keep == PackedCopies.None ? 1 : 2); i++)
        {
            backend.PyramidForward(geometries, x.Tested, tested, y.Tested);
            y.Check(Tolerance, $"forward: {what}");
            backend.PyramidBackwardInput(geometries, dy.Tested, tested, dx.Tested, mask?.Tested);
            dx.Check(Tolerance, $"input gradient, mask {mask is not null}: {what}");
        }

        Pair[] gradients = [.. geometries.Select(g => random.Normal(g.WeightShape))], biases = [.. geometries.Select(_ => random.Normal(vector))];
        backend.PyramidBackwardWeights(geometries, x.Tested, dy.Tested, [.. gradients.Select(g => g.Tested)], [.. biases.Select(b => b.Tested)]);
        oracle.PyramidBackwardWeights(geometries, x.Oracle, dy.Oracle, [.. gradients.Select(g => g.Oracle)], [.. biases.Select(b => b.Oracle)]);
        foreach (Pair gradient in gradients) gradient.Check(Tolerance, $"weight gradient: {what}");
        foreach (Pair bias in biases) bias.Check(Tolerance, $"bias gradient: {what}");
        foreach (ConvolutionWeights weights in tested) weights.Keep = PackedCopies.None; // frees the copies
    }
}
