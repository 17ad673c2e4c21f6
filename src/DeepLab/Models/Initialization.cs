using DeepLab.Backends;
using DeepLab.Layers;
using DeepLab.Tensors;

namespace DeepLab.Models;

/// <summary>Initial weights of an untrained network.</summary>
internal static class Initialization
{
    /// <summary>The standard deviation of the last layer's weights.</summary>
    public const double HeadStandardDeviation = 0.01;

    /// <summary>
    /// Gamma of the last batch norm of each residual branch: small, so that a deep sum starts near the identity.
    /// </summary>
    public const float BranchGain = 0.3f;

    /// <summary>
    /// He-normal convolutions (fan out; arXiv:1502.01852), the last layer Gaussian with standard deviation 0.01 and
    /// zero bias, batch norms the identity except for <see cref="BranchGain"/>. Their statistics must be measured
    /// before training (<see cref="MeasureBatchNorm"/>).
    /// </summary>
    public static void FromScratch(DeepLabResNet network, ulong seed)
    {
        int index = 0;
        foreach (Conv conv in network.ResNet.Convolutions)
        {
            IReadOnlyList<int> shape = conv.Weight.Shape;
            bool head = conv.BatchNorm is null;
            double deviation = head ? HeadStandardDeviation : Math.Sqrt(2.0 / ((double)shape[0] * shape[2] * shape[3]));
            Fill(conv.Weight, new SeededRandom(seed, (ulong)index++), deviation);
            conv.Bias?.CopyFrom(new float[conv.Bias.Length]);
            if (conv.BatchNorm is not { } norm) continue;
            norm.Gamma.CopyFrom(Constant(norm.Gamma.Length, 1));
            norm.Beta.CopyFrom(Constant(norm.Beta.Length, 0));
            norm.Mean.CopyFrom(Constant(norm.Mean.Length, 0));
            norm.Variance.CopyFrom(Constant(norm.Variance.Length, 1));
        }

        foreach (ResidualBlock block in network.ResNet.Blocks)
        {
            StateTensor gamma = block.LastOfBranch.BatchNorm!.Gamma;
            gamma.CopyFrom(Constant(gamma.Length, BranchGain));
        }
    }

    /// <summary>
    /// Reinitializes the last layer at random: Gaussian with standard deviation 0.01, zero bias (the seed's net
    /// surgery).
    /// </summary>
    public static void Head(DeepLabResNet network, ulong seed)
    {
        int index = 0;
        foreach (Conv branch in network.ResNet.Head.Branches)
        {
            Fill(branch.Weight, new SeededRandom(seed, (ulong)index++), HeadStandardDeviation);
            branch.Bias!.CopyFrom(new float[branch.Bias.Length]);
        }
    }

    /// <summary>
    /// Measures the mean and variance of every batch norm over images in one pass, layer by layer: each layer sees
    /// inputs that the layers before it have normalized with the statistics just measured.
    /// </summary>
    /// <param name="execution">The execution to run on.</param>
    /// <param name="network">The network.</param>
    /// <param name="pixels">The images [h, w, 3], one after another.</param>
    /// <param name="images">Their shape.</param>
    internal static void MeasureBatchNorm(Execution execution, DeepLabResNet network, float[] pixels, Tensors.RaggedShape images) =>
        execution.Run(new object(), ExecutionMode.Calibrate, images, () =>
        {
            Tensors.Tensor x = execution.Arena.Rent(images);
            execution.Upload(pixels, x);
            network.ResNet.Forward(execution, x);
        });

    private static void Fill(Parameter parameter, SeededRandom random, double deviation)
    {
        var values = new float[parameter.Length];
        for (int i = 0; i < values.Length; i++) values[i] = (float)(random.NextGaussian() * deviation);
        parameter.CopyFrom(values);
    }

    private static float[] Constant(int length, float value)
    {
        var values = new float[length];
        Array.Fill(values, value);
        return values;
    }
}
