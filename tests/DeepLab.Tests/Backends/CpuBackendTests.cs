using DeepLab.Backends;
using DeepLab.Backends.Cpu;
using DeepLab.Tensors;
using DeepLab.Tests.Oracle;
using Xunit;

namespace DeepLab.Tests.Backends;

public sealed class CpuBackendTests
{
    [Fact]
    public void A_backend_says_what_computes()
    {
        using var backend = new CpuBackend(3, InstructionSet.Portable);
        Assert.Equal((3, InstructionSet.Portable), (backend.Threads, backend.Tier));
        Assert.StartsWith("cpu, portable vectors of ", backend.Description);
        Assert.EndsWith(", 3 threads", backend.Description);
        Assert.Throws<ArgumentOutOfRangeException>(() => new CpuBackend(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CpuBackend(1025));
    }

    [Fact]
    public void A_disposed_backend_refuses_to_compute()
    {
        var backend = new CpuBackend(2);
        Tensor x = backend.NewTensor(RaggedShape.Map(4, 4, 3)), y = backend.NewTensor(RaggedShape.Map(4, 4, 3));
        backend.Dispose();
        backend.Dispose();
        Assert.Throws<ObjectDisposedException>(() => backend.ResizeForward(x, y));
        x.Buffer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => backend.Clear(x));
    }

    [Fact]
    public void Tensors_that_do_not_fit_are_refused()
    {
        using var backend = new CpuBackend(1);
        var geometry = new ConvolutionGeometry(3, 4, 3, 1, 1, 1);
        Tensor x = backend.NewTensor(RaggedShape.Map(5, 6, 3)), y = backend.NewTensor(RaggedShape.Map(5, 6, 4));
        Tensor small = backend.NewTensor(RaggedShape.Map(4, 6, 4)), kernel = backend.NewTensor(geometry.WeightShape);
        var weights = new ConvolutionWeights(kernel, null, null);
        backend.ConvolutionForward(geometry, x, weights, y, false, null, false);
        Assert.Throws<ArgumentException>(() => backend.ConvolutionForward(geometry, y, weights, x, false, null, false));
        Assert.Throws<ArgumentException>(() => backend.ConvolutionForward(geometry, x, weights, small, false, null, false));
        Assert.Throws<ArgumentException>(() => backend.ConvolutionForward(geometry, x, weights, y, false, small, false));
        Assert.Throws<ArgumentException>(() => backend.ConvolutionForward(geometry, x, new ConvolutionWeights(x, null, null), y, false, null, false));
        Assert.Throws<ArgumentException>(() => backend.ConvolutionForward(geometry, x, new ConvolutionWeights(kernel, x, null), y, false, null, false));
        Assert.Throws<ArgumentException>(() => backend.ConvolutionBackwardInput(geometry, y, weights, x, false, y));
        Assert.Throws<ArgumentException>(() => backend.ConvolutionBackwardWeights(geometry, x, y, null, kernel, x));
        Assert.Throws<ArgumentException>(() => backend.MaxPoolForward(new PoolingGeometry(3, 2, 1), x, x));
        Assert.Throws<ArgumentException>(() => backend.ResizeForward(x, y));
        Assert.Throws<ArgumentException>(() => backend.MaximumForward(y, y, small, y));
        Assert.Throws<ArgumentException>(() => backend.SoftmaxCrossEntropy(y, new byte[29], 1, null));
        Assert.Throws<ArgumentException>(() => backend.SgdUpdate(y, y, small, default));
        Assert.Throws<ArgumentException>(() => backend.Upload(new float[3], x));
        Assert.Throws<ArgumentException>(() => backend.Download(x, new float[3]));
        Assert.Throws<ArgumentException>(() => backend.Clear(new Tensor(RaggedShape.Map(1, 1, 1), new DoubleBuffer(1))));
    }

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(5, 3, 49)]
    [InlineData(17, 33, 9)]
    [InlineData(64, 16, 1)]
    [InlineData(2, 40, 4)]
    public void Kernels_are_turned_from_the_order_of_files(int outChannels, int inChannels, int taps)
    {
        using var backend = new CpuBackend(2);
        using var plain = new DoubleBackend();
        float[] values = [.. Enumerable.Range(0, outChannels * inChannels * taps).Select(i => (float)i)];
        foreach (Backend tested in (Backend[])[backend, plain])
        {
            Tensor kernel = tested.NewTensor(RaggedShape.Matrix(taps * inChannels, outChannels));
            tested.UploadKernel(values, inChannels, kernel);
            double[] turned = tested.Read(kernel);
            for (int n = 0; n < values.Length; n++)
            {
                (int o, int i, int tap) = (n / (inChannels * taps), n / taps % inChannels, n % taps);
                Assert.Equal(n, turned[(((tap * inChannels) + i) * outChannels) + o]);
            }

            Assert.Throws<ArgumentException>(() => tested.UploadKernel(values.AsSpan(1), inChannels, kernel));
            Assert.Throws<ArgumentException>(() => tested.UploadKernel(values, (taps * inChannels) + 1, kernel));
        }
    }

    [Fact]
    public void Parameters_share_buffers_and_not_values()
    {
        using var backend = new CpuBackend(1);
        Tensor[] tensors = [.. Enumerable.Range(1, 40).Select(n => backend.AllocateParameter(RaggedShape.Matrix(n, 31 * n)))];
        Tensor large = backend.AllocateParameter(RaggedShape.Matrix(1 << 12, 1 << 12));
        for (int n = 0; n < tensors.Length; n++)
        {
            Assert.Equal(0, tensors[n].Offset % 16);
            Assert.DoesNotContain(backend.Read(tensors[n]), v => v != 0);
            backend.Write(tensors[n], [.. Enumerable.Repeat((double)n, (int)tensors[n].Shape.Length)]);
        }

        for (int n = 0; n < tensors.Length; n++) Assert.DoesNotContain(backend.Read(tensors[n]), v => v != n);
        Assert.Same(tensors[0].Buffer, tensors[^1].Buffer);
        Assert.NotSame(tensors[0].Buffer, large.Buffer);
    }

    [Fact]
    public void Values_that_are_not_numbers_reach_the_loss()
    {
        using var backend = new CpuBackend(2);
        var geometry = new ConvolutionGeometry(2, 3, 3, 1, 1, 1);
        Tensor x = backend.NewTensor(RaggedShape.Map(5, 5, 2), [double.NaN, .. new double[49]]), kernel = backend.NewTensor(geometry.WeightShape);
        Tensor y = backend.NewTensor(RaggedShape.Map(5, 5, 3)), pooled = backend.NewTensor(RaggedShape.Map(3, 3, 3));
        backend.ConvolutionForward(geometry, x, new ConvolutionWeights(kernel, null, null), y, false, null, relu: true);
        backend.MaxPoolForward(new PoolingGeometry(3, 2, 1), y, pooled);
        Assert.True(double.IsNaN(backend.SoftmaxCrossEntropy(pooled, new byte[9], 1, null)));
    }
}
