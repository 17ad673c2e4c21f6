using DeepLab.Backends;
using DeepLab.Backends.Cpu;
using DeepLab.Cpu;
using DeepLab.Tensors;
using DeepLab.Tests.Oracle;
using Xunit;

namespace DeepLab.Tests.Backends;

public sealed class CpuBackendTests
{
    public static TheoryData<InstructionSet> Tiers => [.. TestBackends.Tiers];

    [Fact]
    public void A_backend_says_what_computes()
    {
        using var backend = new CpuBackend(3, InstructionSet.Portable);
        Assert.Equal((3, InstructionSet.Portable), (backend.Threads, backend.InstructionSet));
        Assert.StartsWith("cpu, portable vectors of ", backend.Description);
        Assert.EndsWith(", 3 threads", backend.Description);
        Assert.Throws<ArgumentOutOfRangeException>(() => new CpuBackend(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CpuBackend(1025));
        Assert.InRange(backend.MeasurePeak(), 0.1, 1e5);
    }

    [Fact]
    public void A_disposed_backend_refuses_to_compute()
    {
        var backend = new CpuBackend(2);
        Tensor x = backend.NewTensor(RaggedShape.Map(4, 4, 3)), y = backend.NewTensor(RaggedShape.Map(4, 4, 3));
        using Execution execution = backend.CreateExecution();
        backend.Dispose();
        backend.Dispose();
        Assert.Throws<ObjectDisposedException>(() => execution.ResizeForward(x, y));
        x.Buffer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => execution.Clear(x));
    }

    [Fact]
    public void Tensors_of_another_device_are_refused()
    {
        using var backend = new CpuBackend(1);
        using Execution execution = backend.CreateExecution();
        Assert.Throws<ArgumentException>(() => execution.Clear(new Tensor(RaggedShape.Map(1, 1, 1), new DoubleBuffer(1))));
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
    public void The_wide_3x3_cases_of_the_conformance_suite_go_through_minimal_filtering() => Assert.All(
        BackendConformance.WideCases, c => Assert.True(WinogradTiles.Suit(c.Spec, c.Input), $"{c.Spec} of {c.Input}"));

    [Fact]
    public void Exact_convolutions_are_those_of_the_plain_sum()
    {
        var spec = new ConvolutionSpec(64, 64, 3, 1, 2, 2);
        RaggedShape shape = new([new(41, 41)], 64);
        var errors = new List<double>();
        foreach (bool exact in (bool[])[true, false])
        {
            using var backend = new CpuBackend(2, exactConvolutions: exact);
            using var random = new RandomCase(backend, 6, 0);
            RandomCase.Pair x = random.Normal(shape), w = random.Normal(spec.WeightShape), y = random.Normal(shape);
            (PreparedConvolution tested, PreparedConvolution oracle) = random.Prepare(spec, w, null, null);
            tested.Forward(random.Tested, x.Tested, y.Tested);
            oracle.Forward(random.Oracle, x.Oracle, y.Oracle);
            errors.Add(Compare.RelativeError(DoubleBackend.Values(y.Oracle), backend.Read(y.Tested)));
        }

        Assert.InRange(errors[0], 0, 5e-7);
        Assert.InRange(errors[1], errors[0], 5e-6);
    }

    // Partial last panels, channels beyond one unit of packing, kernels of one, nine and 49 taps, with and without
    // minimal filtering.
    [Theory]
    [MemberData(nameof(Tiers))]
    [Trait("Tier", "all")]
    public void A_mapped_kernel_gives_the_bits_of_an_uploaded_one(InstructionSet tier)
    {
        using var backend = new CpuBackend(3, tier);
        ConvolutionSpec[] specs =
        [
            new(70, 300, 1, 1, 1, 0), new(1, 1, 1, 1, 1, 0), new(3, 64, 7, 2, 1, 3), new(130, 33, 3, 2, 1, 1),
            new(64, 96, 3, 1, 2, 2), new(160, 32, 3, 1, 1, 1), new(32, 1024, 3, 1, 4, 4),
        ];
        foreach (ConvolutionSpec spec in specs)
        {
            foreach (bool scaled in (bool[])[false, true]) CheckMapped(backend, spec, scaled);
        }
    }

    [Fact]
    public void A_mapped_kernel_has_the_length_of_the_convolutions()
    {
        using var backend = new CpuBackend(1);
        var kernel = new ConvolutionKernel(backend, 3, 4, 9);
        Assert.Throws<ArgumentException>(() => kernel.Map(new float[107]));
    }

    private static void CheckMapped(CpuBackend backend, ConvolutionSpec spec, bool scaled)
    {
        using var random = new RandomCase(backend, 7, (ulong)spec.WeightShape.Length);
        RaggedShape input = new([new(17, 19), new(9, 8)], spec.InChannels), output = spec.OutputShape(input);
        RandomCase.Pair x = random.Normal(input), dy = random.Normal(output), factors = random.Normal(RaggedShape.Matrix(1, spec.OutChannels));
        float[] values = HashUniform.Values("kernel", $"{spec}", (int)spec.WeightShape.Length);
        ConvolutionKernel uploaded = new(backend, spec.InChannels, spec.OutChannels, spec.Taps), mapped = new(backend, spec.InChannels, spec.OutChannels, spec.Taps);
        uploaded.Upload(values);
        mapped.Map(values);
        var results = new List<double[]>();
        foreach (ConvolutionKernel kernel in (ConvolutionKernel[])[uploaded, mapped])
        {
            PreparedConvolution convolution = backend.Prepare(spec, new ConvolutionWeights(kernel, scaled ? factors.Tested : null, null));
            Tensor y = backend.AllocateParameter(output), dx = backend.AllocateParameter(input);
            convolution.Forward(random.Tested, x.Tested, y);
            Assert.Equal(kernel == mapped, !kernel.Mapped.IsEmpty);
            convolution.BackwardInput(random.Tested, dy.Tested, dx);
            Assert.True(kernel.Mapped.IsEmpty);
            results.Add([.. backend.Read(y), .. backend.Read(dx), .. backend.Read(kernel.Value)]);
        }

        Assert.Contains(results[0], v => v != 0);
        Assert.True(results[0].AsSpan().SequenceEqual(results[1]), $"{spec}, scaled {scaled}");
    }
}
