using DeepLab.Backends;
using DeepLab.Tensors;
using DeepLab.Tests.Oracle;
using Xunit;
using Pair = DeepLab.Tests.Oracle.RandomCase.Pair;

namespace DeepLab.Tests.Backends;

// Pooling, resizing, the maximum, the loss, the optimizer and reductions.
public abstract partial class BackendConformance
{
    [Fact]
    [Trait("Tier", "all")]
    public void Max_pooling_gives_gradients_to_the_first_largest_value() => Many(10, random =>
    {
        var geometry = new PoolingGeometry(random.Pick(2, 3, 3, 3), random.Pick(1, 2, 2, 3), random.Pick(0, 1, 1));
        var input = new RaggedShape(random.Maps(12), random.Channels());
        RaggedShape output = geometry.OutputShape(input);
        Pair x = random.Tied(input), y = random.Normal(output), dy = random.Normal(output), dx = random.Normal(input);
        bool mask = random.Chance();
        random.Tested.MaxPoolForward(geometry, x.Tested, y.Tested);
        random.Oracle.MaxPoolForward(geometry, x.Oracle, y.Oracle);
        y.CheckEqual($"{geometry} of {input}");
        random.Tested.MaxPoolBackward(geometry, x.Tested, y.Tested, dy.Tested, dx.Tested, mask);
        random.Oracle.MaxPoolBackward(geometry, x.Oracle, y.Oracle, dy.Oracle, dx.Oracle, mask);
        dx.Check(1e-6, $"gradient of {geometry} of {input}, mask {mask}");
    });

    [Fact]
    [Trait("Tier", "all")]
    public void Resizing_equals_the_oracle() => Many(11, random =>
    {
        var input = new RaggedShape(random.Maps(12), random.Channels());
        var output = new RaggedShape([.. input.Maps.Select(_ => new MapSize(1 + random.Random.NextInt32(17), 1 + random.Random.NextInt32(17)))], input.Channels);
        Pair x = random.Normal(input), y = random.Normal(output), dy = random.Normal(output), dx = random.Normal(input);
        random.Tested.ResizeForward(x.Tested, y.Tested);
        random.Oracle.ResizeForward(x.Oracle, y.Oracle);
        y.Check(Tolerance, $"{input} to {output}");
        bool accumulate = random.Chance();
        random.Tested.ResizeBackward(dy.Tested, dx.Tested, accumulate);
        random.Oracle.ResizeBackward(dy.Oracle, dx.Oracle, accumulate);
        dx.Check(Tolerance, $"gradient of {input} to {output}, accumulate {accumulate}");
    });

    [Fact]
    [Trait("Tier", "all")]
    public void The_maximum_gives_gradients_to_the_first_largest_map() => Many(12, random =>
    {
        var shape = new RaggedShape(random.Maps(random.Chance(0.1) ? 50 : 9), random.Channels());
        int count = random.Pick(3, 3, 1, 2, 5);
        Pair[] inputs = [.. Enumerable.Range(0, count).Select(_ => random.Tied(shape))], gradients = [.. Enumerable.Range(0, count).Select(_ => random.Normal(shape))];
        Pair y = random.Normal(shape), dy = random.Normal(shape);
        Tensor[] tested = [.. inputs.Select(i => i.Tested)], oracle = [.. inputs.Select(i => i.Oracle)];
        random.Tested.MaximumForward(tested, y.Tested);
        random.Oracle.MaximumForward(oracle, y.Oracle);
        y.CheckEqual($"maximum of {count} of {shape}");
        random.Tested.MaximumBackward(tested, dy.Tested, [.. gradients.Select(g => g.Tested)]);
        random.Oracle.MaximumBackward(oracle, dy.Oracle, [.. gradients.Select(g => g.Oracle)]);
        foreach (Pair gradient in gradients) gradient.Check(1e-6, $"gradient of the maximum of {count} of {shape}");
    });

    [Fact]
    [Trait("Tier", "all")]
    public void The_loss_and_its_gradient_equal_the_oracle() => Many(13, random =>
    {
        var shape = new RaggedShape(random.Maps(random.Chance(0.1) ? 30 : 9), random.Channels());
        double spread = random.Pick(1, 10, 80);
        Pair scores = random.From(shape, () => spread * random.Random.NextGaussian()), gradient = random.Normal(shape);
        var labels = new byte[shape.Rows];
        for (int i = 0; i < labels.Length; i++)
            labels[i] = random.Chance(0.2) ? (byte)255 : (byte)random.Random.NextInt32(Math.Min(255, shape.Channels + 2));
        float scale = (float)random.Random.NextDouble(0.01, 1);
        bool wanted = random.Chance(0.8);
        double tested = random.Tested.Loss(scores.Tested, labels, scale, wanted ? gradient.Tested : null);
        double expected = random.Oracle.Loss(scores.Oracle, labels, scale, wanted ? gradient.Oracle : null);
        Compare.Near([expected], [tested], 1e-12, $"loss of {shape}");
        gradient.Check(1e-6, $"gradient of the loss of {shape}");
    });

    [Fact]
    [Trait("Tier", "all")]
    public void Updates_and_reductions_equal_the_oracle() => Many(14, random =>
    {
        RaggedShape shape = RaggedShape.Matrix(1 + random.Random.NextInt32(random.Chance(0.1) ? 900 : 40), random.Channels());
        Pair weights = random.Normal(shape), gradient = random.Normal(shape), velocity = random.Normal(shape);
        Compare.Near([random.Oracle.Squares(gradient.Oracle)], [random.Tested.Squares(gradient.Tested)], 1e-12, $"sum of squares of {shape}");
        var settings = new SgdSettings((float)random.Random.NextDouble(), 0.9f, 5e-4f, random.Chance() ? 1 : 0.3f);
        random.Tested.SgdUpdate(weights.Tested, gradient.Tested, velocity.Tested, settings);
        random.Oracle.SgdUpdate(weights.Oracle, gradient.Oracle, velocity.Oracle, settings);
        weights.Check(1e-6, $"updated weights {shape}");
        velocity.Check(1e-6, $"velocity {shape}");
        gradient.CheckEqual("gradient after the update");
    });

    [Fact]
    [Trait("Tier", "all")]
    public void Affine_maps_and_moments_equal_the_oracle() => Many(15, random =>
    {
        var shape = new RaggedShape(random.Maps(12), random.Chance(0.1) ? 600 : random.Channels());
        RaggedShape vector = RaggedShape.Matrix(1, shape.Channels);
        Pair x = random.Normal(shape), scale = random.Normal(vector), shift = random.Normal(vector);
        double[] sum = new double[shape.Channels], squares = new double[shape.Channels], sumToo = [.. sum], squaresToo = [.. squares];
        Array.Fill(sum, 1);
        Array.Fill(sumToo, 1);
        random.Tested.ChannelMoments(x.Tested, sum, squares);
        random.Oracle.ChannelMoments(x.Oracle, sumToo, squaresToo);
        Compare.Near(sumToo, sum, 1e-12, $"sums of {shape}");
        Compare.Near(squaresToo, squares, 1e-12, $"sums of squares of {shape}");

        Pair? shortcut = random.Maybe(shape);
        bool relu = random.Chance();
        Pair y = random.Chance() ? x : random.Normal(shape);
        random.Tested.Affine(x.Tested, scale.Tested, shift.Tested, shortcut?.Tested, relu, y.Tested);
        random.Oracle.Affine(x.Oracle, scale.Oracle, shift.Oracle, shortcut?.Oracle, relu, y.Oracle);
        y.Check(1e-6, $"affine map of {shape}");
    });
}
