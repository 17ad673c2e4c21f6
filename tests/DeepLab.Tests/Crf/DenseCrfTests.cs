using DeepLab.Backends.Cpu;
using DeepLab.Cpu;
using DeepLab.Crf;
using DeepLab.Imaging;
using DeepLab.Tests.Oracle;
using Xunit;

namespace DeepLab.Tests.Crf;

public sealed class DenseCrfTests
{
    public static TheoryData<InstructionSet> Tiers => [.. TestBackends.Tiers];

    [Trait("Tier", "all")]
    [Theory]
    [InlineData(1, 1, 3)]
    [InlineData(1, 40, 2)]
    [InlineData(40, 1, 5)]
    [InlineData(20, 30, 1)]
    [InlineData(20, 31, 8)]
    [InlineData(17, 19, 9)]
    [InlineData(17, 19, 21)]
    [InlineData(11, 13, 32)]
    [InlineData(11, 13, 33)]
    [InlineData(9, 7, 64)]
    [InlineData(9, 7, 65)]
    [InlineData(6, 5, 255)]
    [InlineData(66, 69, 4)]
    public void Marginals_are_those_of_a_plain_lattice_in_double(int height, int width, int classes)
    {
        CrfCase input = CrfCase.Blocks(height, width, classes);
        var options = new DenseCrfOptions { Iterations = 5 };
        AssertClose(MeanFieldOracle.Infer(input, options, f => new ReferenceLattice(f)), input.Infer(options), 2e-5);
    }

    [Theory]
    [InlineData(3f, 3.2f, 0f, 67f, 3f)]
    [InlineData(3f, 3.3f, 0f, 67f, 3f)]
    [InlineData(2f, 12f, 5f, 4f, 20f)]
    [InlineData(1f, 0.4f, 5f, 3f, 10f)]
    [InlineData(0f, 1f, 10f, 30f, 8f)]
    [InlineData(0.5f, 2f, 1f, 1f, 1f)]
    [InlineData(0f, 1f, 0f, 67f, 3f)]
    public void Every_option_means_what_it_says(float smoothnessWeight, float smoothnessDeviation, float appearanceWeight, float appearanceDeviation, float colorDeviation)
    {
        // Two tiles per side, so that the smoothness kernel's tiles depend on each other.
        CrfCase input = CrfCase.Blocks(66, 90, 3);
        var options = new DenseCrfOptions
        {
            Iterations = 3,
            SmoothnessWeight = smoothnessWeight,
            SmoothnessDeviation = smoothnessDeviation,
            AppearanceWeight = appearanceWeight,
            AppearanceDeviation = appearanceDeviation,
            ColorDeviation = colorDeviation,
        };
        AssertClose(MeanFieldOracle.Infer(input, options, f => new ReferenceLattice(f)), input.Infer(options), 2e-5);
    }

    [Trait("Tier", "all")]
    [Theory]
    [MemberData(nameof(Tiers))]
    public void Marginals_add_up_to_one(InstructionSet tier)
    {
        CrfCase input = CrfCase.Blocks(33, 47, 21);
        float[] marginals = input.Infer(tier: tier);
        for (int first = 0; first < marginals.Length; first += 21)
        {
            Assert.InRange(marginals.Skip(first).Take(21).Sum(m => (double)m), 1 - 1e-6, 1 + 1e-6);
            Assert.All(marginals.Skip(first).Take(21), m => Assert.InRange(m, 0, 1 + 1e-6f));
        }
    }

    [Theory]
    [MemberData(nameof(Tiers))]
    public void The_same_bits_come_from_any_number_of_threads(InstructionSet tier)
    {
        CrfCase input = CrfCase.Blocks(140, 150, 6);
        float[] expected = input.Infer(threads: 1, tier: tier);
        foreach (int threads in (int[])[2, 3, 7])
            Assert.True(expected.AsSpan().SequenceEqual(input.Infer(threads: threads, tier: tier)), $"1 and {threads} threads differ");
    }

    [Theory]
    [MemberData(nameof(Tiers))]
    public void Permuted_classes_have_permuted_marginals(InstructionSet tier)
    {
        CrfCase input = CrfCase.Blocks(30, 40, 7);
        int[] order = [4, 2, 6, 0, 1, 5, 3];
        float[] Permuted(float[] values) => [.. Enumerable.Range(0, values.Length).Select(i => values[(i / 7 * 7) + order[i % 7]])];
        float[] expected = Permuted(input.Infer(tier: tier)), actual = CrfCase.Of(input.Image, 7, Permuted(input.Probabilities)).Infer(tier: tier);
        AssertClose([.. expected.Select(v => (double)v)], actual, 1e-5);
    }

    [Fact]
    public void Certain_probabilities_stay_certain()
    {
        const int Classes = 4;
        CrfCase random = CrfCase.Blocks(40, 40, Classes);
        var probabilities = new float[random.Probabilities.Length];
        for (int pixel = 0; pixel < random.Pixels; pixel++) probabilities[(pixel * Classes) + (pixel / 40 / 20 * 2) + (pixel % 40 / 20)] = 1;
        float[] marginals = CrfCase.Of(random.Image, Classes, probabilities).Infer();
        Assert.All(marginals.Zip(probabilities), pair => Assert.InRange(pair.First, pair.Second - 0.01f, pair.Second + 0.01f));
    }

    [Fact]
    public void Without_steps_or_kernels_the_probabilities_stay_but_for_the_least()
    {
        CrfCase input = CrfCase.Blocks(5, 6, 3);
        input.Probabilities[0] = 0;
        double[] clipped = [.. input.Probabilities.Select(p => Math.Max(p, 1e-3))];
        double[] expected = [.. clipped.Select((p, i) => p / clipped.Skip(i / 3 * 3).Take(3).Sum())];
        AssertClose(expected, input.Infer(new DenseCrfOptions { Iterations = 0, MinimumProbability = 1e-3f }), 1e-6);
        AssertClose(expected, input.Infer(new DenseCrfOptions { SmoothnessWeight = 0, AppearanceWeight = 0, MinimumProbability = 1e-3f }), 1e-6);
    }

    [Fact]
    public void Kernels_of_the_largest_weight_give_numbers()
    {
        float[] marginals = CrfCase.Blocks(30, 30, 5).Infer(new DenseCrfOptions { SmoothnessWeight = 1e4f, AppearanceWeight = 1e4f });
        Assert.All(marginals, m => Assert.InRange(m, 0, 1 + 1e-6f));
    }

    [Fact]
    public void What_was_inferred_before_leaves_no_trace()
    {
        CrfCase[] cases = [CrfCase.Blocks(70, 30, 21, 1), CrfCase.Blocks(30, 70, 21, 2), CrfCase.Blocks(70, 30, 21, 3), CrfCase.Blocks(5, 5, 2, 4), CrfCase.Blocks(100, 90, 3, 5)];
        using var crf = new DenseCrf(threads: 2);
        foreach (CrfCase input in cases.Concat(cases)) Assert.Equal(input.Infer(), input.Infer(crf));
    }

    [Fact]
    public void Fields_on_several_threads_at_once_leave_each_other_alone()
    {
        CrfCase[] cases = [.. Enumerable.Range(1, 4).Select(i => CrfCase.Blocks(60 + (10 * i), 80 - (10 * i), 2 + i, (ulong)i))];
        float[][] expected = [.. cases.Select(c => c.Infer(threads: 1))];
        var actual = new float[cases.Length][][];
        Parallel.For(0, cases.Length, new ParallelOptions { MaxDegreeOfParallelism = cases.Length }, i =>
        {
            using var crf = new DenseCrf(threads: 3);
            actual[i] = [.. Enumerable.Range(0, 3).Select(_ => cases[i].Infer(crf))];
        });
        for (int i = 0; i < cases.Length; i++) Assert.All(actual[i], marginals => Assert.Equal(expected[i], marginals));
    }

    [Fact]
    public void Marginals_may_take_the_place_of_the_probabilities()
    {
        CrfCase input = CrfCase.Blocks(20, 20, 5);
        float[] expected = input.Infer(), memory = [.. input.Probabilities];
        using var crf = new DenseCrf(threads: 2);
        crf.Infer(memory, 5, input.Image, memory);
        Assert.Equal(expected, memory);
    }

    [Theory]
    [InlineData(float.NaN, "NaN")]
    [InlineData(-0.5f, "-0.5")]
    [InlineData(7.25f, "7.25")]
    [InlineData(float.PositiveInfinity, "Infinity")]
    public void What_is_no_probability_is_refused_with_its_place(float value, string text)
    {
        CrfCase input = CrfCase.Blocks(9, 8, 5);
        input.Probabilities[(((4 * 8) + 6) * 5) + 2] = value;
        DeepLabException e = Assert.Throws<DeepLabException>(() => input.Infer());
        Assert.Equal($"the probability of class 2 at row 4, column 6 is {text}; expected 0 to 1 (scores become probabilities by softmax)", e.Message);
    }

    [Fact]
    public void Rounding_errors_are_probabilities()
    {
        CrfCase input = CrfCase.Blocks(3, 3, 2);
        (input.Probabilities[0], input.Probabilities[1]) = (1.000001f, -0f);
        Assert.True(input.Infer()[0] > 0.9f);
    }

    [Fact]
    public void Sizes_that_do_not_fit_are_refused()
    {
        using var crf = new DenseCrf(threads: 1);
        var image = new RgbImage(3, 4);
        Assert.StartsWith(
            "23 probabilities for an image of 3×4 and 2 classes; 24 were expected",
            Assert.Throws<ArgumentException>(() => crf.Infer(new float[23], 2, image, new float[24])).Message);
        Assert.StartsWith(
            "room for 25 marginals of an image of 3×4 and 2 classes; 24 were expected",
            Assert.Throws<ArgumentException>(() => crf.Infer(new float[24], 2, image, new float[25])).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => crf.Infer([], 0, image, []));
        Assert.Throws<ArgumentOutOfRangeException>(() => crf.Infer([], int.MaxValue, image, []));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DenseCrf(threads: -1));
    }

    [Fact]
    public void Options_out_of_their_range_are_refused()
    {
        (DenseCrfOptions Options, string Problem)[] cases =
        [
            (new() { Iterations = -1 }, "number of iterations is -1; expected 0 to 1000"),
            (new() { SmoothnessWeight = -1 }, "smoothness weight is -1; expected 0 to 10000"),
            (new() { SmoothnessDeviation = 0 }, "smoothness deviation (σxy) is 0; expected 0.01 to 1000000"),
            (new() { AppearanceWeight = float.NaN }, "appearance weight is NaN; expected 0 to 10000"),
            (new() { AppearanceDeviation = float.PositiveInfinity }, "appearance deviation (σxy) is Infinity; expected 0.01 to 1000000"),
            (new() { ColorDeviation = -3 }, "colour deviation (σrgb) is -3; expected 0.01 to 1000000"),
            (new() { MinimumProbability = 0 }, "minimum probability is 0; expected 1E-45 to 0.1"),
        ];
        foreach ((DenseCrfOptions options, string problem) in cases)
            Assert.Equal("the CRF's " + problem, Assert.Throws<DeepLabException>(() => new DenseCrf(options)).Message);
    }

    [Fact]
    public void A_kernel_that_is_too_narrow_for_the_image_is_refused()
    {
        CrfCase input = CrfCase.Blocks(1, 4000, 2);
        DeepLabException e = Assert.Throws<DeepLabException>(() => input.Infer(new DenseCrfOptions { SmoothnessDeviation = 0.01f }));
        Assert.Equal("a CRF kernel with σxy 0.01 is too narrow for an image of 1×4000: use a larger deviation", e.Message);
        e = Assert.Throws<DeepLabException>(() => input.Infer(new DenseCrfOptions { AppearanceDeviation = 0.02f }));
        Assert.Equal("a CRF kernel with σxy 0.02 is too narrow for an image of 1×4000: use a larger deviation", e.Message);
        Assert.All(input.Infer(new DenseCrfOptions { SmoothnessDeviation = 0.1f, ColorDeviation = 0.01f }), m => Assert.InRange(m, 0, 1 + 1e-6f));
    }

    [Fact]
    public void A_field_that_was_disposed_of_is_refused()
    {
        var crf = new DenseCrf(threads: 2);
        crf.Dispose();
        crf.Dispose();
        Assert.Throws<ObjectDisposedException>(() => crf.Infer(new float[2], 2, new RgbImage(1, 1), new float[2]));
    }

    internal static void AssertClose(double[] expected, float[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.InRange(expected.Zip(actual, (e, a) => Math.Abs(e - a)).Max(), 0, tolerance);
    }
}
