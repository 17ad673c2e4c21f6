using DeepLab.Backends;
using DeepLab.Layers;
using DeepLab.Tensors;
using DeepLab.Tests.Oracle;
using Xunit;

namespace DeepLab.Tests.Layers;

/// <summary>Each layer's gradients against central differences, in double.</summary>
public sealed class FiniteDifferenceTests
{
    private const double Step = 1e-6;
    private const double Tolerance = 1e-7;

    private readonly SeededRandom _random = new(20, 0);

    [Fact]
    public void A_convolution_with_batch_norm_shortcut_and_relu_has_the_gradients_of_differences()
    {
        using var bench = new LayerBench(TestBackends.Oracle);
        var conv = new Conv(bench.Backend, "conv", new ConvolutionSpec(5, 4, 3, 2, 2, 2), "bn", relu: true);
        var input = new RaggedShape([new MapSize(6, 7), new MapSize(1, 3)], 5);
        double[] shortcut = Normal(new ConvolutionSpec(5, 4, 3, 2, 2, 2).OutputShape(input).Length);
        Check(bench, [conv], input, x => conv.Forward(bench.Execution, x, bench.Rent(new ConvolutionSpec(5, 4, 3, 2, 2, 2).OutputShape(input), shortcut)),
            dy => conv.Backward(bench.Execution, dy));
    }

    [Fact]
    public void Max_pooling_has_the_gradients_of_differences()
    {
        using var bench = new LayerBench(TestBackends.Oracle);
        var pool = new MaxPool(new PoolingGeometry(3, 2, 1));
        Check(bench, [], new RaggedShape([new MapSize(6, 7), new MapSize(1, 1)], 3), x => pool.Forward(bench.Execution, x), dy => pool.Backward(bench.Execution, dy));
    }

    [Theory]
    [InlineData(true, 2, 1)]
    [InlineData(true, 1, 4)]
    [InlineData(false, 1, 2)]
    [InlineData(true, 2, 1, true)]
    public void A_bottleneck_has_the_gradients_of_differences(bool project, int stride, int dilation, bool strideOn3x3 = false)
    {
        using var bench = new LayerBench(TestBackends.Oracle);
        Check(bench, new Bottleneck(bench.Backend, "block", project ? 6 : 12, 3, stride, dilation, project, strideOn3x3), project ? 6 : 12);
    }

    [Theory]
    [InlineData(true, 2, 1)]
    [InlineData(true, 1, 4)]
    [InlineData(false, 1, 2)]
    public void A_basic_block_has_the_gradients_of_differences(bool project, int stride, int dilation)
    {
        using var bench = new LayerBench(TestBackends.Oracle);
        Check(bench, new BasicBlock(bench.Backend, "block", project ? 4 : 6, 6, stride, dilation, project), project ? 4 : 6);
    }

    [Fact]
    public void ASPP_has_the_gradients_of_differences()
    {
        using var bench = new LayerBench(TestBackends.Oracle);
        var aspp = new Aspp(bench.Backend, "aspp", 4, 3, [1, 2, 3]);
        Check(bench, aspp.Branches, new RaggedShape([new MapSize(5, 4), new MapSize(3, 6)], 4),
            x => aspp.Forward(bench.Execution, x), dy => aspp.Backward(bench.Execution, dy), relu: false);
    }

    private void Check(LayerBench bench, ResidualBlock block, int channels) => Check(
        bench, block.Convolutions, new RaggedShape([new MapSize(5, 6), new MapSize(4, 3)], channels),
        x => block.Forward(bench.Execution, x), dy => block.Backward(bench.Execution, dy));

    // The loss is the output times fixed random numbers. Inputs are positive, like those of layers after a ReLU.
    private void Check(
        LayerBench bench, IEnumerable<Conv> convolutions, RaggedShape input, Func<Tensor, Tensor> forward, Func<Tensor, Tensor> backward, bool relu = true)
    {
        Parameter[] parameters = [.. convolutions.SelectMany(c => c.Parameters)];
        foreach (StateTensor state in convolutions.SelectMany(c => c.State))
            state.CopyFrom([.. Normal(state.Length).Select(v => (float)(state.Name.Contains("running_var") ? 1 + (v * v) : v))]);
        foreach (Parameter parameter in parameters) parameter.AllocateGradient();
        double[] x = [.. Normal((int)input.Length).Select(v => 0.1 + Math.Abs(v))], factors = [], dx = [];
        bench.Train(() =>
        {
            Tensor y = forward(bench.Rent(input, x));
            if (factors.Length == 0) factors = Normal(y.Shape.Length);
            double[] output = bench.Read(y);
            dx = bench.Read(backward(bench.Rent(y.Shape, relu ? LayerBench.Where(factors, output) : factors)));
        });

        double Loss()
        {
            double loss = 0;
            bench.Train(() => loss = bench.Read(forward(bench.Rent(input, x))).Zip(factors, (v, f) => v * f).Sum());
            return loss;
        }

        Compare.Near(Differences(() => x, Loss), dx, Tolerance, "gradient of the input");
        foreach (Parameter parameter in parameters)
        {
            double[] gradient = bench.Read(parameter.Gradient!);
            Assert.Contains(gradient, v => v != 0);
            double[] differences = Differences(() => DoubleBackend.Values(parameter.Value), Loss);
            Compare.Near(differences, gradient, Tolerance, $"gradient of {parameter.Name}");
        }
    }

    private delegate Span<double> ValuesOf();

    private static double[] Differences(ValuesOf values, Func<double> loss)
    {
        var differences = new double[values().Length];
        for (int i = 0; i < differences.Length; i++)
        {
            double value = values()[i];
            values()[i] = value + Step;
            double above = loss();
            values()[i] = value - Step;
            differences[i] = (above - loss()) / (2 * Step);
            values()[i] = value;
        }

        return differences;
    }

    private double[] Normal(long count) => [.. Enumerable.Range(0, (int)count).Select(_ => _random.NextGaussian())];
}
