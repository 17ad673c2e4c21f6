using DeepLab.Backends;
using DeepLab.Backends.Cpu;
using DeepLab.Cpu;
using DeepLab.Crf;
using DeepLab.Imaging;
using DeepLab.Inference;
using DeepLab.Layers;
using DeepLab.Models;
using DeepLab.Tensors;
using DeepLab.Tests.Crf;
using DeepLab.Tests.Data;
using Xunit;

namespace DeepLab.Tests.Models;

/// <summary>Tests that count allocations of the whole process: nothing else may run at the same time.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

[Collection(nameof(Alone))]
public sealed class AllocationTests
{
    [Theory]
    [InlineData(ActivationCheckpointing.EarlyStages)]
    [InlineData(ActivationCheckpointing.None)]
    public void Training_steps_after_the_first_allocate_nothing(ActivationCheckpointing checkpointing)
    {
        using var backend = new CpuBackend(2);
        using NetworkBench step = NewStep(backend, checkpointing);
        AssertAllocatesNothing(() =>
        {
            step.Run();
            step.Update(1e-3f);
        });
        Assert.True(double.IsFinite(step.TotalLoss));
    }

    [Fact]
    public void Predictions_after_the_second_allocate_nothing()
    {
        using var backend = new CpuBackend(2);
        using NetworkBench step = NewStep(backend);
        AssertAllocatesNothing(step.RunForward);
    }

    [Theory]
    [InlineData(2, false)]
    [InlineData(11, false)]
    [InlineData(12, true)]
    [InlineData(int.MaxValue, true)]
    public void Packed_kernels_are_kept_for_many_images_only(int expectedImages, bool areKept)
    {
        using var backend = new CpuBackend(2);
        DeepLabResNet network = NetworkBench.NewNetwork(backend, 18, 21);
        using var predictor = new Predictor(network, expectedImages);
        RgbImage image = TinyDataset.RandomImage(40, 30, 1);
        float[] first = predictor.Scores(image).Values;
        long buffers = NativeAllocations.Count;
        float[] second = predictor.Scores(image).Values;

        // One per convolution, except that the ASPP's four branches share one.
        int kernels = network.Parameters.Count(p => p.Shape.Count == 4) - 3;
        Assert.Equal(areKept ? kernels : 0, NativeAllocations.Count - buffers);
        Assert.Equal(first, second);
    }

    [Fact]
    public void Packed_kernels_are_made_anew_after_they_were_released()
    {
        using var backend = new CpuBackend(2);
        using NetworkBench step = NewStep(backend, ActivationCheckpointing.None);
        step.Run();
        step.Run();
        long buffers = NativeAllocations.Count;
        step.Run();
        Assert.Equal(0, NativeAllocations.Count - buffers);
        step.Network.ReleasePrepacked();
        step.Run();

        // One per convolution, except that the ASPP's four share one. The same for gradients, except two of stride 2
        // and the stem, which have none.
        int kernels = step.Network.Parameters.Count(p => p.Shape.Count == 4) - 3;
        Assert.Equal(kernels + kernels - 2 - 1, NativeAllocations.Count - buffers);
    }

    [Fact]
    public void A_dense_CRF_allocates_nothing_for_further_images_of_a_size()
    {
        // The first image has more varied colors and so the larger lattice.
        CrfCase first = CrfCase.Blocks(70, 90, 21), second = CrfCase.Of(new RgbImage(70, 90), 21, first.Probabilities);
        var marginals = new float[first.Probabilities.Length];
        using var crf = new DenseCrf(threads: 2);
        bool secondsTurn = false;
        AssertAllocatesNothing(() =>
        {
            crf.Infer(first.Probabilities, 21, secondsTurn ? second.Image : first.Image, marginals);
            secondsTurn = !secondsTurn;
        });
    }

    private static NetworkBench NewStep(CpuBackend backend, ActivationCheckpointing checkpointing = ActivationCheckpointing.EarlyStages) =>
        NetworkBench.FromNames(backend, 18, 21, "allocation", "x", new MapSize(49, 65), checkpointing);

    private static void AssertAllocatesNothing(Action step)
    {
        // The second prediction keeps the packed weights.
        step();
        step();
        long onThread = long.MaxValue, inProcess = long.MaxValue, buffers = NativeAllocations.Count;

        // The runner's own threads may allocate now and then, and the JIT may still compile: the minimum over several
        // steps counts.
        for (int attempt = 0; attempt < 5; attempt++)
        {
            long threadBefore = GC.GetAllocatedBytesForCurrentThread(), processBefore = GC.GetTotalAllocatedBytes(precise: true);
            step();
            long processAfter = GC.GetTotalAllocatedBytes(precise: true), threadAfter = GC.GetAllocatedBytesForCurrentThread();
            onThread = Math.Min(onThread, threadAfter - threadBefore);
            inProcess = Math.Min(inProcess, processAfter - processBefore);
        }

        Assert.Equal((0, 0, 0), (onThread, inProcess, NativeAllocations.Count - buffers));
    }
}
