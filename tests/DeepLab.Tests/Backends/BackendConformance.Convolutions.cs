using DeepLab.Backends;
using DeepLab.Tensors;
using DeepLab.Tests.Oracle;
using Xunit;
using Pair = DeepLab.Tests.Oracle.RandomCase.Pair;

namespace DeepLab.Tests.Backends;

// Convolutions and ASPP, forward and both gradients, under every prepack policy.
public abstract partial class BackendConformance
{
    [Fact]
    public void Random_convolutions_equal_the_oracle() => ManyConvolutions(1, ConvolutionCases, largestSide: 11, mostMultiplications: 3_000_000);

    [Fact]
    [Trait("Tier", "all")]
    public void A_few_random_convolutions_equal_the_oracle() => ManyConvolutions(2, Math.Min(25, ConvolutionCases), largestSide: 9, mostMultiplications: 1_000_000);

    // Rows, columns and lengths beyond one block of each (96, 256 and 256), with remainders.
    [Fact]
    public void Convolutions_of_many_blocks_and_passes_equal_the_oracle() => CheckAll(
        3,
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
        (new(70, 300, 1, 1, 1, 0), new([new(25, 31), new(2, 2)], 70)));

    // Channel counts that use Winograd's filtering, also beyond one pass of 256, on maps whose grids are not multiples
    // of a tile.
    [Fact]
    [Trait("Tier", "all")]
    public void Wide_3x3_convolutions_equal_the_oracle() => CheckAll(5, WideCases);

    [Fact]
    [Trait("Tier", "all")]
    public void Random_ASPPs_equal_the_oracle()
    {
        using Backend backend = Create();
        for (ulong stream = 0; stream < (ulong)Math.Min(40, Cases); stream++)
        {
            var prepack = (PrepackPolicy)(stream % 3);
            using var random = new RandomCase(backend, 8, stream, prepack);
            int channels = random.Channels(), outputs = random.Pick(1, 2, 3, 11, 21, 33), kernel = random.Pick(3, 3, 3, 1, 5);
            int[] dilations = [.. Enumerable.Range(0, 1 + random.Random.NextInt32(5)).Select(_ => random.Pick(1, 2, 3, 6, 12))];
            CheckAspp(random, new AsppSpec(channels, outputs, kernel, dilations), new RaggedShape(random.Maps(17), channels));
        }
    }

    [Fact]
    public void The_ASPP_of_DeepLab_equals_the_oracle_on_three_scales()
    {
        using Backend backend = Create(threads: 3);
        using var random = new RandomCase(backend, 9, 0);
        CheckAspp(random, new AsppSpec(300, 21, 3, [6, 12, 18, 24]), new RaggedShape([new(21, 29), new(16, 22), new(11, 15)], 300));
    }

    /// <summary>3×3 convolutions with many channels.</summary>
    internal static (ConvolutionSpec Spec, RaggedShape Input)[] WideCases =>
    [
        (new(32, 32, 3, 1, 1, 1), new([new(9, 13), new(4, 4), new(8, 3)], 32)),
        (new(64, 96, 3, 1, 1, 1), new([new(21, 16)], 64)),
        (new(96, 64, 3, 1, 2, 2), new([new(16, 15), new(7, 8)], 96)),
        (new(160, 32, 3, 1, 1, 1), new([new(12, 11)], 160)),
        (new(320, 64, 3, 1, 2, 2), new([new(16, 14)], 320)),
        (new(32, 320, 3, 1, 4, 4), new([new(16, 31), new(31, 15)], 32)),
    ];

    private void CheckAll(ulong seed, params (ConvolutionSpec Spec, RaggedShape Input)[] cases)
    {
        using Backend backend = Create(threads: 3);
        for (int i = 0; i < cases.Length; i++) Check(backend, seed, (ulong)i, _ => cases[i]);
    }

    private void ManyConvolutions(ulong seed, int count, int largestSide, long mostMultiplications)
    {
        using Backend backend = Create();
        ulong stream = 0;
        for (int done = 0; done < count; stream++)
        {
            if (Check(backend, seed, stream, random => Draw(random, largestSide, mostMultiplications))) done++;
        }
    }

    // Null if the random choice is invalid or too large.
    private static (ConvolutionSpec Spec, RaggedShape Input)? Draw(RandomCase random, int largestSide, long mostMultiplications)
    {
        int kernel = random.Pick(1, 1, 3, 3, 5, 7), dilation = random.Pick(1, 1, 2, 3, 4);
        int padding = random.Chance() ? dilation * (kernel / 2) : random.Random.NextInt32((dilation * kernel) + 1);
        var spec = new ConvolutionSpec(random.Channels(), random.Channels(), kernel, random.Pick(1, 1, 2, 3), dilation, padding);
        var input = new RaggedShape(random.Maps(largestSide), spec.InChannels);
        int reach = dilation * (kernel - 1);
        if (input.Maps.Any(m => Math.Min(m.Height, m.Width) + (2 * padding) <= reach)) return null;
        return (long)spec.OutputShape(input).Rows * spec.WeightShape.Length > mostMultiplications ? null : (spec, input);
    }

    private bool Check(Backend backend, ulong seed, ulong stream, Func<RandomCase, (ConvolutionSpec Spec, RaggedShape Input)?> draw)
    {
        var prepack = (PrepackPolicy)(stream % 3);
        using var random = new RandomCase(backend, seed, stream, prepack);
        if (draw(random) is not var (spec, input)) return false;
        RaggedShape output = spec.OutputShape(input), vector = RaggedShape.Matrix(1, spec.OutChannels);
        Pair x = random.Normal(input), w = random.Normal(spec.WeightShape), dy = random.Normal(output);
        Pair? scale = random.Maybe(vector), shift = random.Maybe(vector);
        (PreparedConvolution tested, PreparedConvolution oracle) = random.Prepare(spec, w, scale, shift);
        string what = $"{prepack}, {spec} of {input}";
        Forward(random, tested, oracle, x, output, what);
        BackwardInput(random, tested, oracle, dy, input, what);
        Pair dw = random.Normal(spec.WeightShape);
        Pair? bias = random.Maybe(vector);
        tested.BackwardWeights(random.Tested, x.Tested, dy.Tested, dw.Tested, bias?.Tested);
        oracle.BackwardWeights(random.Oracle, x.Oracle, dy.Oracle, dw.Oracle, bias?.Oracle);
        dw.Check(Tolerance, $"weight gradient: {what}");
        bias?.Check(Tolerance, $"bias gradient: {what}");
        if (prepack != PrepackPolicy.Never)
        {
            // With the prepacked kernel, then with one of changed weights.
            Forward(random, tested, oracle, x, output, "again: " + what);
            BackwardInput(random, tested, oracle, dy, input, "again: " + what);
            random.Change(w);
            tested.Weights.MarkChanged();
            Forward(random, tested, oracle, x, output, "changed: " + what);
            BackwardInput(random, tested, oracle, dy, input, "changed: " + what);
        }

        tested.ReleasePrepacked();
        return true;
    }

    private void BackwardInput(RandomCase random, PreparedConvolution tested, PreparedConvolution oracle, Pair dy, RaggedShape input, string what)
    {
        Pair dx = random.Normal(input);
        Pair? mask = random.Maybe(input);
        bool accumulate = random.Chance();
        tested.BackwardInput(random.Tested, dy.Tested, dx.Tested, accumulate, mask?.Tested);
        oracle.BackwardInput(random.Oracle, dy.Oracle, dx.Oracle, accumulate, mask?.Oracle);
        dx.Check(Tolerance, $"input gradient, accumulate {accumulate}, mask {mask is not null}: {what}");
    }

    private void Forward(RandomCase random, PreparedConvolution tested, PreparedConvolution oracle, Pair x, RaggedShape output, string what)
    {
        Pair y = random.Normal(output);
        Pair? shortcut = random.Maybe(output);
        bool accumulate = random.Chance(), relu = random.Chance();
        tested.Forward(random.Tested, x.Tested, y.Tested, accumulate, shortcut?.Tested, relu);
        oracle.Forward(random.Oracle, x.Oracle, y.Oracle, accumulate, shortcut?.Oracle, relu);
        y.Check(Tolerance, $"forward, accumulate {accumulate}, shortcut {shortcut is not null}, relu {relu}: {what}");
    }

    private void CheckAspp(RandomCase random, AsppSpec spec, RaggedShape input)
    {
        string what = $"{spec} on {input}";
        RaggedShape output = input.WithChannels(spec.OutChannels), vector = RaggedShape.Matrix(1, spec.OutChannels);
        Pair x = random.Normal(input), dy = random.Normal(output), y = random.Normal(output), dx = random.Normal(input);
        Pair? mask = random.Maybe(input);
        Pair[] kernels = [.. spec.Branches.Select(b => random.Normal(b.WeightShape))], shifts = [.. spec.Branches.Select(_ => random.Normal(vector))];
        (PreparedAspp tested, PreparedAspp oracle) = random.Prepare(spec, kernels, shifts);
        for (int change = 0; change < 2; change++)
        {
            oracle.Forward(random.Oracle, x.Oracle, y.Oracle);
            oracle.BackwardInput(random.Oracle, dy.Oracle, dx.Oracle, mask?.Oracle);
            for (int i = 0; i < 2; i++)
            {
                tested.Forward(random.Tested, x.Tested, y.Tested);
                y.Check(Tolerance, $"forward: {what}");
                tested.BackwardInput(random.Tested, dy.Tested, dx.Tested, mask?.Tested);
                dx.Check(Tolerance, $"input gradient, mask {mask is not null}: {what}");
            }

            // One branch changed: the prepacked kernel that holds all is stale.
            int branch = random.Random.NextInt32(kernels.Length);
            random.Change(kernels[branch]);
            tested.Weights[branch].MarkChanged();
        }

        Pair[] gradients = [.. spec.Branches.Select(b => random.Normal(b.WeightShape))], biases = [.. spec.Branches.Select(_ => random.Normal(vector))];
        tested.BackwardWeights(random.Tested, x.Tested, dy.Tested, [.. gradients.Select(g => g.Tested)], [.. biases.Select(b => b.Tested)]);
        oracle.BackwardWeights(random.Oracle, x.Oracle, dy.Oracle, [.. gradients.Select(g => g.Oracle)], [.. biases.Select(b => b.Oracle)]);
        foreach (Pair gradient in gradients) gradient.Check(Tolerance, $"weight gradient: {what}");
        foreach (Pair bias in biases) bias.Check(Tolerance, $"bias gradient: {what}");
        tested.ReleasePrepacked();
    }
}
