using DeepLab.Backends;
using DeepLab.Layers;
using DeepLab.Reports;
using DeepLab.Tensors;
using DeepLab.Tests.Oracle;
using Xunit;

namespace DeepLab.Tests.Layers;

/// <summary>
/// Layers, forward and backward, against PyTorch in double (tests/reference/make_golden.py), on every backend of the
/// process.
/// </summary>
[Trait("Tier", "all")]
public sealed class LayerGoldenTests
{
    public static TheoryData<string, string> ConvolutionCases => Cases("convolutions");

    public static TheoryData<string, string> BlockCases => Cases("blocks");

    [Theory]
    [MemberData(nameof(ConvolutionCases))]
    public void Convolutions_equal_the_reference(string backend, string name)
    {
        var golden = new GoldenCase("convolutions", name);
        if (golden.Kind == "aspp") Aspp(backend, golden);
        else Convolution(backend, golden);
    }

    [Theory]
    [MemberData(nameof(BlockCases))]
    public void Residual_blocks_equal_the_reference(string backend, string name)
    {
        var golden = new GoldenCase("blocks", name);
        using var bench = new LayerBench(backend);
        int channels = golden.Sides("x")[1], planes = golden.Number("planes"), stride = golden.Number("stride"), dilation = golden.Number("dilation");
        bool project = golden.Flag("projection");
        ResidualBlock block = golden.Kind == "bottleneck"
            ? new Bottleneck(bench.Backend, "block", channels, planes, stride, dilation, project)
            : new BasicBlock(bench.Backend, "block", channels, planes, stride, dilation, project);
        foreach (Conv conv in block.Convolutions)
        {
            golden.Fill(conv, Within(conv.Weight), Within(conv.BatchNorm!.Gamma)[..^".weight".Length]);
            conv.Weight.AllocateGradient();
        }

        bench.Train(() =>
        {
            Tensor x = bench.Rent(golden.Shape("x"), golden.Maps("x"));
            Tensor y = block.Forward(bench.Execution, x);
            double[] output = bench.Read(y);
            Check(bench, golden, golden.ExpectedMaps("y", "y"), output, "y");
            Tensor dy = bench.Rent(golden.Shape("y"), LayerBench.Where(golden.OutputGradient(), output));
            Tensor dx = block.Backward(bench.Execution, dy);

            // A block's input comes from a ReLU, whose gradient the block also applies.
            double[] expected = LayerBench.Where(golden.ExpectedMaps("grad.x", "x"), golden.Maps("x"));
            Check(bench, golden, expected, bench.Read(dx), "grad.x");
        });
        foreach (Conv conv in block.Convolutions)
            Check(bench, golden, golden.Expected("grad." + Within(conv.Weight)), bench.Gradient(conv.Weight), conv.Weight.Name);
    }

    internal static TheoryData<string, string> Cases(string file)
    {
        var data = new TheoryData<string, string>();
        foreach (string backend in TestBackends.Names)
        {
            foreach (string name in GoldenCase.NamesIn(file)) data.Add(backend, name);
        }

        return data;
    }

    internal static void Check(LayerBench bench, GoldenCase golden, double[] expected, double[] actual, string what)
    {
        if (bench.Execution.Arena.IsPlanning) return;
        Compare.Near(expected, actual, bench.Backend is DoubleBackend ? 1e-10 : 1e-5, $"{golden.Name} {what}");
    }

    private static void Convolution(string backend, GoldenCase golden)
    {
        using var bench = new LayerBench(backend);
        int[] sides = golden.Sides("w");
        var geometry = new ConvolutionSpec(sides[1], sides[0], sides[2], golden.Number("stride"), golden.Number("dilation"), golden.Number("padding"));
        bool fused = golden.Kind == "fused";
        var conv = new Conv(bench.Backend, "conv", geometry, fused ? "bn" : null, relu: fused);
        golden.Fill(conv, "w", fused ? "bn" : null);
        foreach (Parameter parameter in conv.Parameters) parameter.AllocateGradient();
        bench.Train(() =>
        {
            Tensor x = bench.Rent(golden.Shape("x"), golden.Maps("x"));
            Tensor? shortcut = golden.Has("s") ? bench.Rent(golden.Shape("s"), golden.Maps("s")) : null;
            Tensor y = conv.Forward(bench.Execution, x, shortcut);
            double[] output = bench.Read(y);
            Check(bench, golden, golden.ExpectedMaps("y", "y"), output, "y");

            double[] gradient = fused ? LayerBench.Where(golden.OutputGradient(), output) : golden.OutputGradient();
            if (shortcut is not null) Check(bench, golden, golden.ExpectedMaps("grad.s", "s"), gradient, "grad.s");
            Tensor dy = bench.Rent(golden.Shape("y"), gradient);
            conv.BackwardWeights(bench.Execution, dy);
            Tensor dx = bench.Execution.Arena.Rent(x.Shape);
            conv.BackwardInput(bench.Execution, dy, dx, accumulate: false, mask: false);
            Check(bench, golden, golden.ExpectedMaps("grad.x", "x"), bench.Read(dx), "grad.x");
        });
        Check(bench, golden, golden.Expected("grad.w"), bench.Gradient(conv.Weight), "grad.w");
    }

    private static void Aspp(string backend, GoldenCase golden)
    {
        using var bench = new LayerBench(backend);
        var aspp = new Aspp(bench.Backend, "aspp", golden.Sides("x")[1], golden.Sides("w0")[0], golden.Numbers("dilations"));
        for (int i = 0; i < aspp.Branches.Count; i++)
        {
            golden.Fill(aspp.Branches[i], $"w{i}", null, $"b{i}");
            foreach (Parameter parameter in aspp.Branches[i].Parameters) parameter.AllocateGradient();
        }

        bench.Train(() =>
        {
            Tensor x = bench.Rent(golden.Shape("x"), golden.Maps("x"));
            Check(bench, golden, golden.ExpectedMaps("y", "y"), bench.Read(aspp.Forward(bench.Execution, x)), "y");
            Tensor dy = bench.Rent(golden.Shape("y"), golden.OutputGradient());
            double[] expected = LayerBench.Where(golden.ExpectedMaps("grad.x", "x"), golden.Maps("x"));
            Check(bench, golden, expected, bench.Read(aspp.Backward(bench.Execution, dy)), "grad.x");
        });
        for (int i = 0; i < aspp.Branches.Count; i++)
        {
            Check(bench, golden, golden.Expected($"grad.w{i}"), bench.Gradient(aspp.Branches[i].Weight), $"grad.w{i}");
            Check(bench, golden, golden.Expected($"grad.b{i}"), bench.Gradient(aspp.Branches[i].Bias!), $"grad.b{i}");
        }
    }

    // A tensor's name within its block.
    private static string Within(StateTensor tensor) => tensor.Name["block.".Length..];
}
