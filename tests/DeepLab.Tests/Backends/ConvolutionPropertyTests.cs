using DeepLab.Backends;
using DeepLab.Backends.Cpu;
using DeepLab.Tensors;
using DeepLab.Tests.Oracle;
using Xunit;
using Pair = DeepLab.Tests.Oracle.RandomCase.Pair;

namespace DeepLab.Tests.Backends;

/// <summary>Convolutions of the SIMD backend against the plain double-precision ones, on random shapes and options.</summary>
public sealed class ConvolutionPropertyTests
{
    private const double Tolerance = 1e-5;

    public static TheoryData<InstructionSet> Tiers => [.. TestBackends.Tiers];

    [Theory]
    [MemberData(nameof(Tiers))]
    public void Random_convolutions_equal_the_oracle(InstructionSet tier) => Many(tier, 1, 300, largestSide: 11, mostMultiplications: 3_000_000);

    [Theory]
    [MemberData(nameof(Tiers))]
    [Trait("Tier", "all")]
    public void A_few_random_convolutions_equal_the_oracle(InstructionSet tier) => Many(tier, 2, 25, largestSide: 9, mostMultiplications: 1_000_000);

    // Rows, columns and lengths beyond one block of each (96, 256 and 256), with rests.
    [Theory]
    [MemberData(nameof(Tiers))]
    public void Convolutions_of_many_blocks_and_passes_equal_the_oracle(InstructionSet tier)
    {
        using var backend = new CpuBackend(3, tier);
        (ConvolutionGeometry Geometry, RaggedShape Input)[] cases =
        [
            (new(65, 33, 3, 1, 2, 2), new([new(11, 9), new(7, 13), new(1, 1)], 65)),
            (new(300, 270, 1, 1, 1, 0), new([new(10, 11)], 300)),
            (new(17, 520, 1, 2, 1, 0), new([new(21, 19), new(3, 2)], 17)),
            (new(520, 17, 3, 1, 4, 4), new([new(5, 6), new(4, 7)], 520)),
            (new(8, 5, 7, 2, 1, 3), new([new(33, 47)], 8)),
            (new(3, 64, 7, 2, 1, 3), new([new(65, 49), new(49, 37), new(33, 25)], 3)),
            (new(5, 3, 1, 1, 1, 0), new([new(61, 53)], 5)),
            (new(2, 21, 3, 3, 1, 0), new([new(64, 71), new(3, 3)], 2)),
            (new(512, 33, 1, 1, 1, 0), new([new(16, 16), new(16, 16)], 512)),
            (new(300, 70, 1, 1, 1, 0), new([new(23, 29), new(13, 11)], 300)),
            (new(70, 300, 1, 1, 1, 0), new([new(25, 31), new(2, 2)], 70)),
        ];
        for (int i = 0; i < cases.Length; i++)
        {
            using var oracle = new DoubleBackend();
            using var random = new RandomCase(backend, oracle, 3, (ulong)i);
            Check(random, backend, oracle, cases[i].Geometry, cases[i].Input);
        }
    }

    // Channels that Winograd's filtering takes, beyond one pass of 256 too, on maps whose grids are no multiple of a tile.
    [Theory]
    [MemberData(nameof(Tiers))]
    [Trait("Tier", "all")]
    public void Convolutions_by_minimal_filtering_equal_the_oracle(InstructionSet tier)
    {
        using var backend = new CpuBackend(3, tier);
        (ConvolutionGeometry Geometry, RaggedShape Input)[] cases =
        [
            (new(32, 32, 3, 1, 1, 1), new([new(9, 13), new(4, 4), new(8, 3)], 32)),
            (new(64, 96, 3, 1, 1, 1), new([new(21, 16)], 64)),
            (new(96, 64, 3, 1, 2, 2), new([new(16, 15), new(7, 8)], 96)),
            (new(160, 32, 3, 1, 1, 1), new([new(12, 11)], 160)),
            (new(320, 64, 3, 1, 2, 2), new([new(16, 14)], 320)),
            (new(32, 320, 3, 1, 4, 4), new([new(16, 31), new(31, 15)], 32)),
        ];
        for (int i = 0; i < cases.Length; i++)
        {
            Assert.True(WinogradTiles.Suit(cases[i].Geometry, cases[i].Input), $"{cases[i].Geometry} of {cases[i].Input}");
            using var oracle = new DoubleBackend();
            using var random = new RandomCase(backend, oracle, 5, (ulong)i);
            Check(random, backend, oracle, cases[i].Geometry, cases[i].Input);
        }
    }

    [Fact]
    public void Exact_convolutions_are_those_of_the_plain_sum()
    {
        var geometry = new ConvolutionGeometry(64, 64, 3, 1, 2, 2);
        RaggedShape shape = new([new(41, 41)], 64);
        using var oracle = new DoubleBackend();
        var errors = new List<double>();
        foreach (bool exact in (bool[])[true, false])
        {
            using var backend = new CpuBackend(2, exactConvolutions: exact);
            using var random = new RandomCase(backend, oracle, 6, 0);
            Pair x = random.Normal(shape), w = random.Normal(geometry.WeightShape), y = random.Normal(shape);
            backend.ConvolutionForward(geometry, x.Tested, new ConvolutionWeights(w.Tested, null, null), y.Tested, false, null, false);
            oracle.ConvolutionForward(geometry, x.Oracle, new ConvolutionWeights(w.Oracle, null, null), y.Oracle, false, null, false);
            double[] expected = DoubleBackend.Values(y.Oracle).ToArray(), actual = backend.Read(y.Tested);
            errors.Add(Math.Sqrt(expected.Zip(actual, (e, a) => (e - a) * (e - a)).Sum() / expected.Sum(e => e * e)));
        }

        Assert.InRange(errors[0], 0, 5e-7);
        Assert.InRange(errors[1], errors[0], 5e-6);
    }

    // Last panels that are not full, channels beyond a unit of the packing, kernels of one, nine and 49 taps, by minimal filtering and not.
    [Theory]
    [MemberData(nameof(Tiers))]
    [Trait("Tier", "all")]
    public void A_mapped_kernel_gives_the_bits_of_an_uploaded_one(InstructionSet tier)
    {
        using var backend = new CpuBackend(3, tier);
        ConvolutionGeometry[] geometries =
        [
            new(70, 300, 1, 1, 1, 0), new(1, 1, 1, 1, 1, 0), new(3, 64, 7, 2, 1, 3), new(130, 33, 3, 2, 1, 1),
            new(64, 96, 3, 1, 2, 2), new(160, 32, 3, 1, 1, 1), new(32, 1024, 3, 1, 4, 4),
        ];
        foreach (ConvolutionGeometry geometry in geometries)
        {
            foreach (bool scaled in (bool[])[false, true])
            {
                using var oracle = new DoubleBackend();
                using var random = new RandomCase(backend, oracle, 7, (ulong)geometry.WeightShape.Length);
                RaggedShape input = new([new(17, 19), new(9, 8)], geometry.InChannels), output = geometry.OutputShape(input);
                Pair x = random.Normal(input), dy = random.Normal(output), factors = random.Normal(RaggedShape.Matrix(1, geometry.OutChannels));
                float[] values = HashUniform.Values("kernel", $"{geometry}", (int)geometry.WeightShape.Length);
                ConvolutionKernel uploaded = new(backend, geometry.InChannels, geometry.OutChannels, geometry.Taps), mapped = new(backend, geometry.InChannels, geometry.OutChannels, geometry.Taps);
                uploaded.Upload(values);
                mapped.Map(values);
                var results = new List<double[]>();
                foreach (ConvolutionKernel kernel in (ConvolutionKernel[])[uploaded, mapped])
                {
                    var weights = new ConvolutionWeights(kernel, scaled ? factors.Tested : null, null);
                    Tensor y = backend.AllocateParameter(output), dx = backend.AllocateParameter(input);
                    backend.ConvolutionForward(geometry, x.Tested, weights, y, false, null, false);
                    Assert.Equal(kernel == mapped, !kernel.Mapped.IsEmpty);
                    backend.ConvolutionBackwardInput(geometry, dy.Tested, weights, dx, false, null);
                    Assert.True(kernel.Mapped.IsEmpty);
                    results.Add([.. backend.Read(y), .. backend.Read(dx), .. backend.Read(kernel.Value)]);
                }

                Assert.Contains(results[0], v => v != 0);
                Assert.True(results[0].AsSpan().SequenceEqual(results[1]), $"{geometry}, scaled {scaled}");
            }
        }
    }

    [Fact]
    public void A_mapped_kernel_has_the_length_of_the_convolutions()
    {
        using var backend = new CpuBackend(1);
        var kernel = new ConvolutionKernel(backend, 3, 4, 9);
        Assert.Throws<ArgumentException>(() => kernel.Map(new float[107]));
    }

    private static void Many(InstructionSet tier, ulong seed, int count, int largestSide, long mostMultiplications)
    {
        using var backend = new CpuBackend(2, tier);
        using var oracle = new DoubleBackend();
        ulong stream = 0;
        for (int done = 0; done < count; stream++)
        {
            using var random = new RandomCase(backend, oracle, seed, stream);
            (ConvolutionGeometry geometry, RaggedShape input) = Draw(random, largestSide);
            int reach = geometry.Dilation * (geometry.KernelSize - 1);
            if (input.Maps.Any(m => Math.Min(m.Height, m.Width) + (2 * geometry.Padding) <= reach)) continue;
            if ((long)geometry.OutputShape(input).Rows * geometry.WeightShape.Length > mostMultiplications) continue;
            Check(random, backend, oracle, geometry, input);
            done++;
        }
    }

    private static (ConvolutionGeometry Geometry, RaggedShape Input) Draw(RandomCase random, int largestSide)
    {
        int kernel = random.Pick(1, 1, 3, 3, 5, 7), dilation = random.Pick(1, 1, 2, 3, 4);
        int padding = random.Chance() ? dilation * (kernel / 2) : random.Random.NextInt32((dilation * kernel) + 1);
        var geometry = new ConvolutionGeometry(random.Channels(), random.Channels(), kernel, random.Pick(1, 1, 2, 3), dilation, padding);
        return (geometry, new RaggedShape(random.Maps(largestSide), geometry.InChannels));
    }

    private static void Check(RandomCase random, Backend backend, DoubleBackend oracle, ConvolutionGeometry geometry, RaggedShape input)
    {
        string what = $"{geometry} of {input}";
        RaggedShape output = geometry.OutputShape(input), vector = RaggedShape.Matrix(1, geometry.OutChannels);
        Pair x = random.Normal(input), w = random.Normal(geometry.WeightShape), dy = random.Normal(output);
        Pair? scale = random.Maybe(vector), shift = random.Maybe(vector);
        var weights = new ConvolutionWeights(w.Tested, scale?.Tested, shift?.Tested) { Keep = (PackedCopies)random.Pick(0, 1, 2) };
        var plain = new ConvolutionWeights(w.Oracle, scale?.Oracle, shift?.Oracle);
        what = $"copies {weights.Keep}, {what}";
        Forward(random, backend, oracle, geometry, x, output, weights, plain, what);
        BackwardInput(random, backend, oracle, geometry, dy, input, weights, plain, what);

        Pair dw = random.Normal(geometry.WeightShape);
        Pair? bias = random.Maybe(vector);
        backend.ConvolutionBackwardWeights(geometry, x.Tested, dy.Tested, scale?.Tested, dw.Tested, bias?.Tested);
        oracle.ConvolutionBackwardWeights(geometry, x.Oracle, dy.Oracle, scale?.Oracle, dw.Oracle, bias?.Oracle);
        dw.Check(Tolerance, $"weight gradient: {what}");
        bias?.Check(Tolerance, $"bias gradient: {what}");
        if (weights.Keep != PackedCopies.None)
        {
            Forward(random, backend, oracle, geometry, x, output, weights, plain, "again: " + what);
            BackwardInput(random, backend, oracle, geometry, dy, input, weights, plain, "again: " + what);
            Change(random, backend, oracle, w);
            weights.Discard();
            Forward(random, backend, oracle, geometry, x, output, weights, plain, "changed: " + what);
            BackwardInput(random, backend, oracle, geometry, dy, input, weights, plain, "changed: " + what);
        }

        weights.Keep = PackedCopies.None; // frees the copies
    }

    // w = the new values, exactly on both.
    private static void Change(RandomCase random, Backend backend, DoubleBackend oracle, Pair w)
    {
        Pair values = random.Normal(w.Tested.Shape);
        var copied = new float[w.Tested.Shape.Length];
        backend.Download(values.Tested, copied);
        backend.Upload(copied, w.Tested);
        oracle.Upload(copied, w.Oracle);
    }

    private static void BackwardInput(
        RandomCase random, Backend backend, DoubleBackend oracle, ConvolutionGeometry geometry, Pair dy, RaggedShape input,
        ConvolutionWeights weights, ConvolutionWeights plain, string what)
    {
        Pair dx = random.Normal(input);
        Pair? mask = random.Maybe(input);
        bool accumulate = random.Chance();
        backend.ConvolutionBackwardInput(geometry, dy.Tested, weights, dx.Tested, accumulate, mask?.Tested);
        oracle.ConvolutionBackwardInput(geometry, dy.Oracle, plain, dx.Oracle, accumulate, mask?.Oracle);
        dx.Check(Tolerance, $"input gradient, accumulate {accumulate}, mask {mask is not null}: {what}");
    }

    private static void Forward(
        RandomCase random, Backend backend, DoubleBackend oracle, ConvolutionGeometry geometry, Pair x, RaggedShape output,
        ConvolutionWeights weights, ConvolutionWeights plain, string what)
    {
        Pair y = random.Normal(output);
        Pair? shortcut = random.Maybe(output);
        bool accumulate = random.Chance(), relu = random.Chance();
        backend.ConvolutionForward(geometry, x.Tested, weights, y.Tested, accumulate, shortcut?.Tested, relu);
        oracle.ConvolutionForward(geometry, x.Oracle, plain, y.Oracle, accumulate, shortcut?.Oracle, relu);
        y.Check(Tolerance, $"forward, accumulate {accumulate}, shortcut {shortcut is not null}, relu {relu}: {what}");
    }
}
