using DeepLab.Backends;
using DeepLab.Layers;
using DeepLab.Tensors;

namespace DeepLab.Models;

/// <summary>
/// DeepLab v2 (arXiv:1606.00915): a ResNet with atrous convolutions and ASPP, run at three scales whose scores are
/// fused by their maximum. Its weights may be read by any number of threads at once.
/// </summary>
public sealed class DeepLabResNet
{
    /// <summary>Creates the network with zero weights.</summary>
    /// <param name="backend">The backend that it computes on; the caller keeps ownership.</param>
    /// <param name="configuration">Depth and classes.</param>
    /// <exception cref="DeepLabException">
    /// The depth is not supported, or the number of classes is out of range.
    /// </exception>
    public DeepLabResNet(Backend backend, DeepLabConfiguration configuration)
    {
        Configuration = configuration;
        Backend = backend;
        ResNet = new ResNet(backend, configuration);
        MultiScale = new MultiScale(ResNet, NetworkScale.DeepLab);
        Parameters = [.. ResNet.Convolutions.SelectMany(c => c.Parameters)];
        State = [.. ResNet.Convolutions.SelectMany(c => c.State)];
        foreach (Conv branch in ResNet.Head.Branches)
        {
            branch.Weight.LearningRateMultiplier = 10;
            branch.Bias!.LearningRateMultiplier = 20;
            branch.Bias.DecayMultiplier = 0;
        }
    }

    /// <summary>Depth and classes.</summary>
    public DeepLabConfiguration Configuration { get; }

    /// <summary>The backend that it computes on.</summary>
    public Backend Backend { get; }

    /// <summary>The number of learned values.</summary>
    public long ParameterCount => Parameters.Sum(p => (long)p.Length);

    /// <summary>The network that the scales share.</summary>
    internal ResNet ResNet { get; }

    /// <summary>The network that is trained and used for prediction.</summary>
    internal MultiScale MultiScale { get; }

    /// <summary>The learned parameters.</summary>
    internal IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>All arrays of a weights file, with the names of the seed's .pth files.</summary>
    internal IReadOnlyList<StateTensor> State { get; }

    /// <summary>
    /// Initializes the last layer at random: Gaussian with standard deviation 0.01, zero bias (the seed's net surgery).
    /// </summary>
    /// <param name="seed">The seed of the random numbers.</param>
    public void InitializeHead(ulong seed) => Initialization.Head(this, seed);

    /// <summary>The size of the score map of an image.</summary>
    internal static MapSize ScoreSize(MapSize image)
    {
        static int Side(int n)
        {
            n = ((n - 1) / 2) + 1;
            n = new PoolingGeometry(3, 2, 1).OutputSide(n);
            return ((n - 1) / 2) + 1;
        }

        return new MapSize(Side(image.Height), Side(image.Width));
    }

    /// <summary>
    /// Sets how much faster the last layer learns: its weights by the factor, its biases by twice that (Caffe's lr_mult
    /// 10 and 20).
    /// </summary>
    internal void SetHeadLearningRateMultiplier(float factor)
    {
        foreach (Conv branch in ResNet.Head.Branches)
        {
            branch.Weight.LearningRateMultiplier = factor;
            branch.Bias!.LearningRateMultiplier = 2 * factor;
        }
    }

    /// <summary>Frees the packed copies of kernels, which later computations make again.</summary>
    internal void ReleasePrepacked() => ResNet.ReleasePrepacked();
}
