using DeepLab.Data;
using DeepLab.Backends;
using DeepLab.Layers;

namespace DeepLab.Training;

/// <summary>The regime of a training run, with the authors' numbers (Caffe's solver of DeepLab v2) as defaults.</summary>
public sealed record TrainingOptions
{
    /// <summary>How images are drawn and labels counted.</summary>
    public AugmentationRecipe Recipe { get; init; } = AugmentationRecipe.Caffe;

    /// <summary>Iterations. With the seed's recipe an iteration is one image, else one update.</summary>
    public int Iterations { get; init; } = 20_000;

    /// <summary>Images an update (Caffe's <c>iter_size</c>).</summary>
    public int IterationSize { get; init; } = 10;

    /// <summary>The learning rate at the start.</summary>
    public double BaseRate { get; init; } = 2.5e-4;

    /// <summary>The exponent of the rate's decay, (1 − iteration / iterations)^power.</summary>
    public double PolyPower { get; init; } = 0.9;

    /// <summary>The share of the last step that is kept.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>Weight decay.</summary>
    public double WeightDecay { get; init; } = 5e-4;

    /// <summary>How many times as fast the last layer's weights learn; its biases learn twice that.</summary>
    public double HeadRateMultiplier { get; init; } = 10;

    /// <summary>The largest global L2 norm of the gradient; longer ones are scaled down to it. 0 for none.</summary>
    public double ClipNorm { get; init; }

    /// <summary>What everything random follows from.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Whether each epoch has its own order.</summary>
    public bool Shuffle { get; init; } = true;

    /// <summary>Threads that read and augment images ahead of the trainer.</summary>
    public int LoaderThreads { get; init; } = 1;

    /// <summary>What a step keeps for its backward pass; the weights come out the same to the bit.</summary>
    public MemoryUse Memory { get; init; }

    /// <summary>Where snapshots and the log go; null for none.</summary>
    public string? SnapshotDirectory { get; init; }

    /// <summary>What the names of snapshots start with.</summary>
    public string SnapshotPrefix { get; init; } = "VOC12_scenes_";

    /// <summary>How the names of snapshots end, which says their format: <c>.pth</c> or <c>.safetensors</c>.</summary>
    public string SnapshotExtension { get; init; } = ".pth";

    /// <summary>Iterations between snapshots; the last iteration has one too.</summary>
    public int SnapshotEvery { get; init; } = 1000;

    /// <summary>The path of an iteration's snapshot.</summary>
    /// <exception cref="InvalidOperationException">There is no snapshot directory.</exception>
    public string SnapshotPath(int iteration) => Path.Combine(
        SnapshotDirectory ?? throw new InvalidOperationException("There is no snapshot directory."), $"{SnapshotPrefix}{iteration}{SnapshotExtension}");

    /// <summary>The learning rate after a number of iterations: base · (1 − done / all)^power, Caffe's <c>poly</c>.</summary>
    public double RateAfter(int iterations) => BaseRate * Math.Pow(1 - ((double)iterations / Iterations), PolyPower);
}
