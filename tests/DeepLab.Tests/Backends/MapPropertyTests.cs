using DeepLab.Backends;
using DeepLab.Backends.Cpu;
using DeepLab.Tensors;
using DeepLab.Tests.Oracle;
using Xunit;
using Pair = DeepLab.Tests.Oracle.RandomCase.Pair;

namespace DeepLab.Tests.Backends;

/// <summary>The SIMD backend's other operations against the plain double-precision ones, on random shapes and values.</summary>
[Trait("Tier", "all")]
public sealed class MapPropertyTests
{
    private const int Cases = 100;
    private const double Tolerance = 1e-5;

    public static TheoryData<InstructionSet> Tiers => [.. TestBackends.Tiers];

    [Theory]
    [MemberData(nameof(Tiers))]
    public void Max_pooling_gives_gradients_to_the_first_largest_value(InstructionSet tier) => Many(tier, 10, (random, backend, oracle) =>
    {
        var geometry = new PoolingGeometry(random.Pick(2, 3, 3, 3), random.Pick(1, 2, 2, 3), random.Pick(0, 1, 1));
        var input = new RaggedShape(random.Maps(12), random.Channels());
        RaggedShape output = geometry.OutputShape(input);
        Pair x = random.Tied(input), y = random.Normal(output), dy = random.Normal(output), dx = random.Normal(input);
        bool mask = random.Chance();
        backend.MaxPoolForward(geometry, x.Tested, y.Tested);
        oracle.MaxPoolForward(geometry, x.Oracle, y.Oracle);
        y.CheckEqual($"{geometry} of {input}");
        backend.MaxPoolBackward(geometry, x.Tested, y.Tested, dy.Tested, dx.Tested, mask);
        oracle.MaxPoolBackward(geometry, x.Oracle, y.Oracle, dy.Oracle, dx.Oracle, mask);
        dx.Check(1e-6, $"gradient of {geometry} of {input}, mask {mask}");
    });

    [Theory]
    [MemberData(nameof(Tiers))]
    public void Resizing_equals_the_oracle(InstructionSet tier) => Many(tier, 11, (random, backend, oracle) =>
    {
        var input = new RaggedShape(random.Maps(12), random.Channels());
        var output = new RaggedShape([.. input.Maps.Select(_ => new MapSize(1 + random.Random.NextInt32(17), 1 + random.Random.NextInt32(17)))], input.Channels);
        Pair x = random.Normal(input), y = random.Normal(output), dy = random.Normal(output), dx = random.Normal(input);
        backend.ResizeForward(x.Tested, y.Tested);
        oracle.ResizeForward(x.Oracle, y.Oracle);
        y.Check(Tolerance, $"{input} to {output}");
        bool accumulate = random.Chance();
        backend.ResizeBackward(dy.Tested, dx.Tested, accumulate);
        oracle.ResizeBackward(dy.Oracle, dx.Oracle, accumulate);
        dx.Check(Tolerance, $"gradient of {input} to {output}, accumulate {accumulate}");
    });

    [Theory]
    [MemberData(nameof(Tiers))]
    public void The_maximum_gives_gradients_to_the_first_largest_map(InstructionSet tier) => Many(tier, 12, (random, backend, oracle) =>
    {
        var shape = new RaggedShape(random.Maps(random.Chance(0.1) ? 50 : 9), random.Channels());
        Pair a = random.Tied(shape), b = random.Tied(shape), c = random.Tied(shape), y = random.Normal(shape), dy = random.Normal(shape);
        Pair da = random.Normal(shape), db = random.Normal(shape), dc = random.Normal(shape);
        backend.MaximumForward(a.Tested, b.Tested, c.Tested, y.Tested);
        oracle.MaximumForward(a.Oracle, b.Oracle, c.Oracle, y.Oracle);
        y.CheckEqual($"maximum of {shape}");
        backend.MaximumBackward(a.Tested, b.Tested, c.Tested, dy.Tested, da.Tested, db.Tested, dc.Tested);
        oracle.MaximumBackward(a.Oracle, b.Oracle, c.Oracle, dy.Oracle, da.Oracle, db.Oracle, dc.Oracle);
        foreach (Pair gradient in (Pair[])[da, db, dc]) gradient.Check(1e-6, $"gradient of the maximum of {shape}");
    });

    [Theory]
    [MemberData(nameof(Tiers))]
    public void The_loss_and_its_gradient_equal_the_oracle(InstructionSet tier) => Many(tier, 13, (random, backend, oracle) =>
    {
        var shape = new RaggedShape(random.Maps(random.Chance(0.1) ? 30 : 9), random.Channels());
        double spread = random.Pick(1, 10, 80);
        Pair scores = random.From(shape, () => spread * random.Random.NextGaussian()), gradient = random.Normal(shape);
        var labels = new byte[shape.Rows];
        for (int i = 0; i < labels.Length; i++)
            labels[i] = random.Chance(0.2) ? (byte)255 : (byte)random.Random.NextInt32(Math.Min(255, shape.Channels + 2));
        float scale = (float)random.Random.NextDouble(0.01, 1);
        bool wanted = random.Chance(0.8);
        double tested = backend.SoftmaxCrossEntropy(scores.Tested, labels, scale, wanted ? gradient.Tested : null);
        double expected = oracle.SoftmaxCrossEntropy(scores.Oracle, labels, scale, wanted ? gradient.Oracle : null);
        Compare.Near([expected], [tested], 1e-12, $"loss of {shape}");
        gradient.Check(1e-6, $"gradient of the loss of {shape}");
    });

    [Theory]
    [MemberData(nameof(Tiers))]
    public void Updates_and_reductions_equal_the_oracle(InstructionSet tier) => Many(tier, 14, (random, backend, oracle) =>
    {
        RaggedShape shape = RaggedShape.Matrix(1 + random.Random.NextInt32(random.Chance(0.1) ? 900 : 40), random.Channels());
        Pair weights = random.Normal(shape), gradient = random.Normal(shape), velocity = random.Normal(shape);
        Compare.Near([oracle.SumOfSquares(gradient.Oracle)], [backend.SumOfSquares(gradient.Tested)], 1e-12, $"sum of squares of {shape}");
        var settings = new SgdSettings((float)random.Random.NextDouble(), 0.9f, 5e-4f, random.Chance() ? 1 : 0.3f);
        backend.SgdUpdate(weights.Tested, gradient.Tested, velocity.Tested, settings);
        oracle.SgdUpdate(weights.Oracle, gradient.Oracle, velocity.Oracle, settings);
        weights.Check(1e-6, $"updated weights {shape}");
        velocity.Check(1e-6, $"velocity {shape}");
        gradient.CheckEqual("gradient after the update");
    });

    [Theory]
    [MemberData(nameof(Tiers))]
    public void Affine_maps_and_moments_equal_the_oracle(InstructionSet tier) => Many(tier, 15, (random, backend, oracle) =>
    {
        var shape = new RaggedShape(random.Maps(12), random.Chance(0.1) ? 600 : random.Channels());
        RaggedShape vector = RaggedShape.Matrix(1, shape.Channels);
        Pair x = random.Normal(shape), scale = random.Normal(vector), shift = random.Normal(vector);
        double[] sum = new double[shape.Channels], squares = new double[shape.Channels], sumToo = [.. sum], squaresToo = [.. squares];
        Array.Fill(sum, 1);
        Array.Fill(sumToo, 1);
        backend.ChannelMoments(x.Tested, sum, squares);
        oracle.ChannelMoments(x.Oracle, sumToo, squaresToo);
        Compare.Near(sumToo, sum, 1e-12, $"sums of {shape}");
        Compare.Near(squaresToo, squares, 1e-12, $"sums of squares of {shape}");

        Pair? shortcut = random.Maybe(shape);
        bool relu = random.Chance();
        Pair y = random.Chance() ? x : random.Normal(shape);
        backend.Affine(x.Tested, scale.Tested, shift.Tested, shortcut?.Tested, relu, y.Tested);
        oracle.Affine(x.Oracle, scale.Oracle, shift.Oracle, shortcut?.Oracle, relu, y.Oracle);
        y.Check(1e-6, $"affine map of {shape}");
    });

    private static void Many(InstructionSet tier, ulong seed, Action<RandomCase, Backend, DoubleBackend> check)
    {
        using var backend = new CpuBackend(2, tier);
        using var oracle = new DoubleBackend();
        for (int i = 0; i < Cases; i++)
        {
            using var random = new RandomCase(backend, oracle, seed, (ulong)i);
            check(random, backend, oracle);
        }
    }
}
