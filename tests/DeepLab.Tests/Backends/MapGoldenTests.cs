using DeepLab.Backends;
using DeepLab.Layers;
using DeepLab.Tensors;
using DeepLab.Tests.Layers;
using DeepLab.Tests.Oracle;
using Xunit;

namespace DeepLab.Tests.Backends;

/// <summary>
/// Pooling, resizing, the maximum and the loss against PyTorch in double, on every backend of the process.
/// </summary>
[Trait("Tier", "all")]
public sealed class MapGoldenTests
{
    public static TheoryData<string, string> Cases => LayerGoldenTests.Cases("maps");

    [Theory]
    [MemberData(nameof(Cases))]
    public void Maps_equal_the_reference(string backend, string name)
    {
        var golden = new GoldenCase("maps", name);
        using var bench = new LayerBench(backend);
        switch (golden.Kind)
        {
            case "maxpool":
                MaxPool(bench, golden);
                break;
            case "resize":
                Resize(bench, golden);
                break;
            case "maximum":
                Maximum(bench, golden);
                break;
            default:
                Assert.Equal("loss", golden.Kind);
                Loss(bench, golden);
                break;
        }
    }

    private static void MaxPool(LayerBench bench, GoldenCase golden)
    {
        var geometry = new PoolingGeometry(golden.Number("kernel"), golden.Number("stride"), golden.Number("padding"));
        Backend backend = bench.Backend;
        Tensor x = bench.NewTensor(golden.Shape("x"), golden.Maps("x"));
        Tensor y = bench.NewTensor(geometry.OutputShape(x.Shape)), dx = bench.NewTensor(x.Shape);
        bench.Execution.MaxPoolForward(geometry, x, y);
        LayerGoldenTests.Check(bench, golden, golden.ExpectedMaps("y", "y"), backend.Read(y), "y");
        bench.Execution.MaxPoolBackward(geometry, x, y, bench.NewTensor(y.Shape, golden.OutputGradient()), dx, mask: false);
        LayerGoldenTests.Check(bench, golden, golden.ExpectedMaps("grad.x", "x"), backend.Read(dx), "grad.x");
    }

    private static void Resize(LayerBench bench, GoldenCase golden)
    {
        Backend backend = bench.Backend;
        Tensor x = bench.NewTensor(golden.Shape("x"), golden.Maps("x"));
        Tensor y = bench.NewTensor(golden.Shape("y")), dx = bench.NewTensor(x.Shape);
        bench.Execution.ResizeForward(x, y);
        LayerGoldenTests.Check(bench, golden, golden.ExpectedMaps("y", "y"), backend.Read(y), "y");
        bench.Execution.ResizeBackward(bench.NewTensor(y.Shape, golden.OutputGradient()), dx, accumulate: false);
        LayerGoldenTests.Check(bench, golden, golden.ExpectedMaps("grad.x", "x"), backend.Read(dx), "grad.x");
    }

    private static void Maximum(LayerBench bench, GoldenCase golden)
    {
        Backend backend = bench.Backend;
        string[] names = ["x0", "x1", "x2"];
        Tensor[] x = [.. names.Select(n => bench.NewTensor(golden.Shape(n), golden.Maps(n)))];
        Tensor[] dx = [.. x.Select(t => bench.NewTensor(t.Shape))];
        Tensor y = bench.NewTensor(x[0].Shape);
        bench.Execution.MaximumForward(x, y);
        LayerGoldenTests.Check(bench, golden, golden.ExpectedMaps("y", "y"), backend.Read(y), "y");
        bench.Execution.MaximumBackward(x, bench.NewTensor(y.Shape, golden.OutputGradient()), dx);
        for (int i = 0; i < 3; i++)
            LayerGoldenTests.Check(bench, golden, golden.ExpectedMaps($"grad.x{i}", "x0"), backend.Read(dx[i]), $"grad.x{i}");
    }

    private static void Loss(LayerBench bench, GoldenCase golden)
    {
        Backend backend = bench.Backend;
        Tensor scores = bench.NewTensor(golden.Shape("x"), golden.Maps("x", golden.Number("scale")));
        Tensor gradient = bench.NewTensor(scores.Shape);
        byte[] labels = [.. golden.Expected("label").Select(v => (byte)v)];
        int counted = labels.Count(l => l < scores.Shape.Channels);
        double share = 1.0 / Math.Max(counted, 1);
        double loss = share * bench.Execution.Loss(scores, labels, 1, gradient);
        LayerGoldenTests.Check(bench, golden, golden.Expected("y"), [loss], "y");
        double[] actual = [.. backend.Read(gradient).Select(v => v * share)];
        LayerGoldenTests.Check(bench, golden, golden.ExpectedMaps("grad.x", "x"), actual, "grad.x");
    }
}
