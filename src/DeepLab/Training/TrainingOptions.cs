using DeepLab.Backends;
using DeepLab.Data;

namespace DeepLab.Training;

/// <summary>
/// The regime of a training run, with the authors' numbers (Caffe's solver of DeepLab v2) as defaults.
/// </summary>
public sealed record TrainingOptions
{
    /// <summary>How images are augmented and labels are counted.</summary>
    public AugmentationRecipe Recipe { get; init; } = AugmentationRecipe.Caffe;

    /// <summary>
    /// The number of iterations. An iteration is one update; with <see cref="AugmentationRecipe.CountsImages"/> it is
    /// one image.
    /// </summary>
    public int Iterations { get; init; } = 20_000;

    /// <summary>Images per update (Caffe's <c>iter_size</c>).</summary>
    public int IterationSize { get; init; } = 10;

    /// <summary>The learning rate at the start.</summary>
    public double BaseLearningRate { get; init; } = 2.5e-4;

    /// <summary>The exponent of the learning rate's decay, (1 − iteration / iterations)^power.</summary>
    public double PolyPower { get; init; } = 0.9;

    /// <summary>The fraction of the previous step that is kept.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>Weight decay.</summary>
    public double WeightDecay { get; init; } = 5e-4;

    /// <summary>The multiplier of the learning rate for the last layer's weights; its biases have twice that.</summary>
    public double HeadLearningRateMultiplier { get; init; } = 10;

    /// <summary>
    /// The maximum L2 norm of the whole gradient, to which a longer one is scaled down; 0 for no limit.
    /// </summary>
    public double ClipNorm { get; init; }

    /// <summary>The seed of all random numbers.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Whether the images are shuffled anew for each epoch.</summary>
    public bool Shuffle { get; init; } = true;

    /// <summary>The number of threads that load and augment images in advance.</summary>
    public int LoaderThreads { get; init; } = 1;

    /// <summary>What a step keeps for its backward pass; it does not change a bit of the weights.</summary>
    public ActivationCheckpointing Checkpointing { get; init; }

    /// <summary>The folder of the snapshots, <c>log.csv</c> and <c>eval.csv</c>; null to write none of them.</summary>
    public string? SnapshotDirectory { get; init; }

    /// <summary>What the file names of snapshots start with, before the iteration.</summary>
    public string SnapshotPrefix { get; init; } = "VOC12_scenes_";

    /// <summary>
    /// The extension of snapshots, which determines their format: <c>.pth</c> or <c>.safetensors</c>.
    /// </summary>
    public string SnapshotExtension { get; init; } = ".pth";

    /// <summary>The number of iterations between snapshots; there is always one after the last iteration.</summary>
    public int SnapshotEvery { get; init; } = 1000;

    /// <summary>The path of an iteration's snapshot.</summary>
    /// <exception cref="InvalidOperationException">There is no snapshot directory.</exception>
    public string SnapshotPath(int iteration) => Path.Combine(
        SnapshotDirectory ?? throw new InvalidOperationException("There is no snapshot directory."), $"{SnapshotPrefix}{iteration}{SnapshotExtension}");

    /// <summary>
    /// The learning rate of an iteration: base · (1 − iteration / iterations)^power, Caffe's <c>poly</c>.
    /// </summary>
    /// <param name="iteration">The iteration, counted from 0.</param>
    public double LearningRateAt(int iteration) => BaseLearningRate * Math.Pow(1 - ((double)iteration / Iterations), PolyPower);
}
