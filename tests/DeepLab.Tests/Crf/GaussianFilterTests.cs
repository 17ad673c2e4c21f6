using DeepLab.Crf;
using Xunit;

namespace DeepLab.Tests.Crf;

/// <summary>
/// The filters alone, obtained from a single step of a field with two classes and one kernel, and what they
/// approximate.
/// </summary>
public sealed class GaussianFilterTests
{
    private static readonly DenseCrfOptions s_smoothness = new() { SmoothnessWeight = 1, AppearanceWeight = 0, SmoothnessDeviation = 1.5f, Iterations = 1 };
    private static readonly DenseCrfOptions s_appearance = new() { SmoothnessWeight = 0, AppearanceWeight = 1, AppearanceDeviation = 20, ColorDeviation = 12, Iterations = 1 };

    public static TheoryData<bool> Kernels => [false, true];

    [Theory]
    [MemberData(nameof(Kernels))]
    public void The_roots_of_the_kernels_sums_pass_unchanged(bool appearance)
    {
        // N^½ K N^½ leaves N^-½ unchanged, since N divides by K's sums. Normalized on one side only, the filter would
        // preserve constants.
        CrfCase input = CrfCase.Blocks(80, 75, 2);
        double[] sums = NewLattice(input, appearance).Sums;
        double scale = 0.8 / Math.Sqrt(sums.Max());
        double[] roots = [.. sums.Select(s => scale * Math.Sqrt(s))];
        AssertClose(roots, Filter(input, appearance, roots), 1e-5);
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Swapping_what_is_filtered_and_what_is_looked_at_reverses_the_blurs(bool appearance)
    {
        // ⟨a, Kb⟩ = ⟨K'a, b⟩, where K' blurs along the directions in reverse order: K is symmetric except at the
        // lattice's boundary.
        CrfCase input = CrfCase.Blocks(50, 40, 2);
        double[] a = Values(input, 1), b = Values(input, 2);
        ReferenceLattice lattice = NewLattice(input, appearance);
        double product = Dot(a, Filter(input, appearance, b)), norms = Math.Sqrt(Dot(a, a) * Dot(b, b));
        Assert.InRange(Math.Abs(product - Dot(lattice.Apply(a, transposed: true), b)) / norms, 0, 1e-6);
        Assert.InRange(Math.Abs(product - Dot(Filter(input, appearance, a), b)) / norms, 0, 0.01);
    }

    [Theory]
    [InlineData(false, 0.02, 0.12)]
    [InlineData(true, 0.09, 0.12)]
    public void The_filter_is_near_the_exact_Gaussian(bool appearance, double smoothBound, double roughBound)
    {
        // A smooth function and noise. The bounds are slightly above the measured error of the lattice's linear
        // interpolation.
        CrfCase input = CrfCase.Blocks(24, 20, 2);
        var exact = new ExactFilter(NewFeatures(input, appearance));
        double[] smooth = [.. Enumerable.Range(0, input.Pixels).Select(i => 0.8 * Math.Sin(i % 20 / 5.0) * Math.Cos(i / 20 / 6.0))];
        double Error(double[] values)
        {
            double[] expected = exact.Apply(values), difference = [.. Filter(input, appearance, values).Zip(expected, (f, e) => f - e)];
            return Math.Sqrt(Dot(difference, difference) / Dot(expected, expected));
        }

        Assert.InRange(Error(smooth), 0, smoothBound);
        Assert.InRange(Error(Values(input, 3)), 0, roughBound);
    }

    private static float[][] NewFeatures(CrfCase input, bool appearance) => appearance
        ? MeanFieldOracle.Features(input.Image, s_appearance.AppearanceDeviation, s_appearance.ColorDeviation)
        : MeanFieldOracle.Features(input.Image, s_smoothness.SmoothnessDeviation, null);

    private static ReferenceLattice NewLattice(CrfCase input, bool appearance) => new(NewFeatures(input, appearance));

    private static double[] Values(CrfCase input, ulong stream)
    {
        var random = new SeededRandom(5, stream);
        return [.. Enumerable.Range(0, input.Pixels).Select(_ => random.NextDouble(-0.8, 0.8))];
    }

    private static double Dot(double[] a, double[] b) => a.Zip(b, (u, v) => u * v).Sum();

    /// <summary>
    /// The library's filter: for two classes with probabilities (1 ± v) / 2, a step with weight 1 adds the filtered v
    /// to the logarithm of their ratio.
    /// </summary>
    private static double[] Filter(CrfCase input, bool appearance, double[] values)
    {
        CrfCase two = CrfCase.Of(input.Image, 2, [.. values.SelectMany(v => new[] { (float)((1 + v) / 2), (float)((1 - v) / 2) })]);
        float[] marginals = two.Infer(appearance ? s_appearance : s_smoothness);
        return [.. Enumerable.Range(0, values.Length).Select(i =>
            Math.Log((double)marginals[2 * i] / marginals[(2 * i) + 1]) - Math.Log((double)two.Probabilities[2 * i] / two.Probabilities[(2 * i) + 1]))];
    }

    private static void AssertClose(double[] expected, double[] actual, double tolerance) =>
        Assert.InRange(expected.Zip(actual, (e, a) => Math.Abs(e - a)).Max(), 0, tolerance);
}
