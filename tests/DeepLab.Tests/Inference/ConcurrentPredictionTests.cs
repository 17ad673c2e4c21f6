using DeepLab.Backends;
using DeepLab.Backends.Cpu;
using DeepLab.Cpu;
using DeepLab.Imaging;
using DeepLab.Inference;
using DeepLab.Models;
using DeepLab.Tests.Data;
using DeepLab.Tests.Models;
using Xunit;

namespace DeepLab.Tests.Inference;

/// <summary>
/// Many predictors sharing one network at once. One test counts native buffers: nothing else may run at the same time.
/// </summary>
[Collection(nameof(Alone))]
public sealed class ConcurrentPredictionTests
{
    private const int Callers = 8;

    [Fact]
    public async Task Eight_threads_predict_at_once_over_one_network_with_the_bits_of_one()
    {
        using var backend = new CpuBackend(2);
        DeepLabResNet network = NetworkBench.NewNetwork(backend, 18, 21);
        RgbImage[] images = [TinyDataset.RandomImage(40, 30, 1), TinyDataset.RandomImage(30, 40, 2), TinyDataset.RandomImage(33, 33, 3)];
        float[][] expected = [.. images.Select(Scores)];
        Task[] tasks = [.. Enumerable.Range(0, Callers).Select(caller => Task.Run(() =>
        {
            // With few expected images, no packed kernels are kept. Both kinds run concurrently.
            using var predictor = new Predictor(network, caller % 2 == 0 ? int.MaxValue : 1);
            for (int n = 0; n < 3; n++)
            {
                int image = (caller + n) % images.Length;
                Assert.True(expected[image].AsSpan().SequenceEqual(predictor.Scores(images[image]).Values), $"caller {caller}, image {image}");
            }
        }))];
        await Task.WhenAll(tasks);

        float[] Scores(RgbImage image)
        {
            using var predictor = new Predictor(network, 1);
            return predictor.Scores(image).Values;
        }
    }

    [Fact]
    public void A_further_predictor_costs_its_own_plan_and_workspace_alone()
    {
        using var backend = new CpuBackend(2);
        DeepLabResNet network = NetworkBench.NewNetwork(backend, 18, 21);
        RgbImage image = TinyDataset.RandomImage(40, 30, 1);
        using var first = new Predictor(network);
        for (int n = 0; n < 2; n++) _ = first.Scores(image);
        long buffers = NativeAllocations.Count;
        using var second = new Predictor(network);
        for (int n = 0; n < 2; n++) _ = second.Scores(image);

        // The arena, and the workspace, zeros and grids, which grow in steps. The network's 21 packed kernels are not
        // among them.
        Assert.InRange(NativeAllocations.Count - buffers, 1, 15);
    }

    [Fact]
    public void A_cancelled_prediction_leaves_the_predictor_usable()
    {
        using var backend = new CpuBackend(1);
        DeepLabResNet network = NetworkBench.NewNetwork(backend, 18, 21);
        using var predictor = new Predictor(network, 1);
        RgbImage image = TinyDataset.RandomImage(40, 30, 1);
        float[] expected = predictor.Scores(image).Values;
        using var cancellation = new CancellationTokenSource();
        cancellation.Cancel();
        Assert.Throws<OperationCanceledException>(() => predictor.Scores(image, cancellation.Token));
        Assert.Equal(expected, predictor.Scores(image, CancellationToken.None).Values);
    }
}
