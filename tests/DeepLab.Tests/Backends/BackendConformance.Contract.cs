using DeepLab.Backends;
using DeepLab.Tensors;
using DeepLab.Tests.Oracle;
using Xunit;

namespace DeepLab.Tests.Backends;

// What callers rely on besides the numbers: checks, cancellation, planning, uploads, several computations at once.
public abstract partial class BackendConformance
{
    [Fact]
    public void Tensors_that_do_not_fit_are_refused()
    {
        using Backend backend = Create(threads: 1);
        using Execution execution = backend.CreateExecution();
        var spec = new ConvolutionSpec(3, 4, 3, 1, 1, 1);
        Tensor x = backend.NewTensor(RaggedShape.Map(5, 6, 3)), y = backend.NewTensor(RaggedShape.Map(5, 6, 4));
        Tensor small = backend.NewTensor(RaggedShape.Map(4, 6, 4)), kernel = backend.NewTensor(spec.WeightShape);
        PreparedConvolution convolution = backend.Prepare(spec, new ConvolutionWeights(kernel, null, null));
        convolution.Forward(execution, x, y);
        using ScalarBuffer scalars = backend.AllocateScalars(1);
        using LabelBuffer labels = backend.AllocateLabels(29);
        Action[] wrong =
        [
            () => convolution.Forward(execution, y, x),
            () => convolution.Forward(execution, x, small),
            () => convolution.Forward(execution, x, y, shortcut: small),
            () => backend.Prepare(spec, new ConvolutionWeights(x, null, null)),
            () => backend.Prepare(spec, new ConvolutionWeights(kernel, x, null)),
            () => convolution.BackwardInput(execution, y, x, mask: y),
            () => convolution.BackwardWeights(execution, x, y, x),
            () => convolution.BackwardWeights(execution, x, y, kernel, x),
            () => execution.MaxPoolForward(new PoolingGeometry(3, 2, 1), x, x),
            () => execution.ResizeForward(x, y),
            () => execution.MaximumForward([y, y, small], y),
            () => execution.MaximumBackward([y, y], y, [y]),
            () => execution.SoftmaxCrossEntropy(y, labels, 0, 1, null, scalars, 0),
            () => execution.SgdUpdate(y, y, small, default),
            () => execution.Upload(new float[3], x),
            () => execution.Download(x, new float[3]),
            () => backend.UploadKernel(new float[5], 3, kernel),
            () => backend.UploadKernel(new float[108], 5, kernel),
        ];
        foreach (Action action in wrong) Assert.Throws<ArgumentException>(action);
        Assert.Throws<ArgumentOutOfRangeException>(() => execution.SumOfSquares(x, scalars, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => execution.Upload(new byte[30], labels));
    }

    [Fact]
    public void Shapes_are_checked_while_memory_is_planned_and_nothing_else_happens()
    {
        using Backend backend = Create(threads: 1);
        using Execution execution = backend.CreateExecution();
        var spec = new ConvolutionSpec(3, 4, 3, 1, 1, 1);
        PreparedConvolution convolution = backend.Prepare(spec, new ConvolutionWeights(backend.NewTensor(spec.WeightShape), null, null));
        RaggedShape shape = RaggedShape.Map(5, 6, 3);
        execution.Plan(ExecutionMode.Predict, () => convolution.Forward(execution, execution.Arena.Rent(shape), execution.Arena.Rent(spec.OutputShape(shape))));
        Assert.Equal(2.0 * 9 * 3 * 4 * 30, execution.PlannedFloatingPointOperations);
        Assert.Throws<ArgumentException>(() => execution.Plan(ExecutionMode.Predict, () => convolution.Forward(execution, execution.Arena.Rent(shape), execution.Arena.Rent(shape))));

        // A plan that failed is over: operations do what they say again.
        Tensor x = backend.NewTensor(shape, [.. Enumerable.Repeat(1.0, 90)]);
        execution.Clear(x);
        Assert.DoesNotContain(backend.Read(x), v => v != 0);
    }

    [Fact]
    public void A_cancelled_pass_ends_before_its_next_operation_and_can_run_again()
    {
        using Backend backend = Create(threads: 1);
        using Execution execution = backend.CreateExecution();
        RaggedShape shape = RaggedShape.Map(2, 2, 1);
        using var cancellation = new CancellationTokenSource();
        int done = 0;
        void Body()
        {
            Tensor x = execution.Arena.Rent(shape);
            execution.Upload([1, 2, 3, 4], x);
            if (execution.IsPlanning) return;
            cancellation.Cancel();
            done++;
            execution.Clear(x);
            done++;
        }

        Assert.Throws<OperationCanceledException>(() => execution.Run(this, ExecutionMode.Predict, shape, Body, cancellation.Token));
        Assert.Equal(1, done);
        execution.Run(this, ExecutionMode.Predict, shape, Body);
        Assert.Equal(3, done);
    }

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(5, 3, 49)]
    [InlineData(17, 33, 9)]
    [InlineData(64, 16, 1)]
    [InlineData(2, 40, 4)]
    public void Kernels_are_turned_from_the_order_of_files(int outChannels, int inChannels, int taps)
    {
        using Backend backend = Create();
        float[] values = [.. Enumerable.Range(0, outChannels * inChannels * taps).Select(i => (float)i)];
        Tensor kernel = backend.NewTensor(RaggedShape.Matrix(taps * inChannels, outChannels));
        backend.UploadKernel(values, inChannels, kernel);
        double[] turned = backend.Read(kernel);
        for (int n = 0; n < values.Length; n++)
        {
            (int o, int i, int tap) = (n / (inChannels * taps), n / taps % inChannels, n % taps);
            Assert.Equal(n, turned[(((tap * inChannels) + i) * outChannels) + o]);
        }
    }

    [Fact]
    public void Values_that_are_not_numbers_reach_the_loss()
    {
        using Backend backend = Create();
        using Execution execution = backend.CreateExecution();
        var spec = new ConvolutionSpec(2, 3, 3, 1, 1, 1);
        Tensor x = backend.NewTensor(RaggedShape.Map(5, 5, 2), [double.NaN, .. new double[49]]), kernel = backend.NewTensor(spec.WeightShape);
        Tensor y = backend.NewTensor(RaggedShape.Map(5, 5, 3)), pooled = backend.NewTensor(RaggedShape.Map(3, 3, 3));
        backend.Prepare(spec, new ConvolutionWeights(kernel, null, null)).Forward(execution, x, y, relu: true);
        execution.MaxPoolForward(new PoolingGeometry(3, 2, 1), y, pooled);
        Assert.True(double.IsNaN(execution.Loss(pooled, new byte[9], 1, null)));
    }

    // Some keep packed kernels and some do not; each must find the right one.
    [Fact]
    public async Task Several_executions_share_a_convolution_at_once()
    {
        using Backend backend = Create();
        var spec = new ConvolutionSpec(32, 48, 3, 1, 2, 2);
        RaggedShape[] shapes = [RaggedShape.Map(16, 17, 32), RaggedShape.Map(9, 12, 32)];
        using var random = new RandomCase(backend, 16, 0);
        RandomCase.Pair w = random.Normal(spec.WeightShape);
        (PreparedConvolution convolution, PreparedConvolution _) = random.Prepare(spec, w, null, null);
        double[][] inputs = [.. shapes.Select(s => Enumerable.Range(0, (int)s.Length).Select(_ => random.Random.NextGaussian()).ToArray())];
        double[][] expected = [.. shapes.Select((s, i) => Forward(s, inputs[i], PrepackPolicy.Never))];
        Task[] tasks = [.. Enumerable.Range(0, 6).Select(t => Task.Run(() =>
        {
            for (int n = 0; n < 30; n++)
            {
                int shape = (t + n) % 2;
                Assert.Equal(expected[shape], Forward(shapes[shape], inputs[shape], (PrepackPolicy)((t + (n / 3)) % 3)));
                if (n % 7 == t) convolution.ReleasePrepacked();
            }
        }))];
        await Task.WhenAll(tasks);

        double[] Forward(RaggedShape shape, double[] values, PrepackPolicy prepack)
        {
            using Execution execution = backend.CreateExecution(new ExecutionOptions { Prepack = prepack });
            Tensor x = backend.NewTensor(shape, values), y = backend.NewTensor(spec.OutputShape(shape));
            convolution.Forward(execution, x, y);
            convolution.Forward(execution, x, y);
            double[] result = backend.Read(y);
            x.Buffer.Dispose();
            y.Buffer.Dispose();
            return result;
        }
    }
}
