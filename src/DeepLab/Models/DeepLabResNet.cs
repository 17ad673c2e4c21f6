using DeepLab.Backends;
using DeepLab.Layers;
using DeepLab.Tensors;

namespace DeepLab.Models;

/// <summary>
/// DeepLab v2 (arXiv:1606.00915): a ResNet with atrous convolutions and ASPP, run at three scales whose scores are fused by their maximum.
/// </summary>
public sealed class DeepLabResNet
{
    /// <summary>Creates the network with zero weights.</summary>
    public DeepLabResNet(Backend backend, DeepLabConfiguration configuration)
    {
        Configuration = configuration;
        Backend = backend;
        OneScale = new ResNet(backend, configuration);
        ThreeScales = new MultiScale(OneScale);
        Parameters = [.. OneScale.Convolutions.SelectMany(c => c.Parameters)];
        State = [.. OneScale.Convolutions.SelectMany(c => c.State)];
        foreach (Conv branch in OneScale.Head.Branches)
        {
            branch.Weight.RateMultiplier = 10;
            branch.Bias!.RateMultiplier = 20;
            branch.Bias.DecayMultiplier = 0;
        }
    }

    /// <summary>Depth and classes.</summary>
    public DeepLabConfiguration Configuration { get; }

    /// <summary>Where the parameters live.</summary>
    public Backend Backend { get; }

    /// <summary>The network that the scales share.</summary>
    public ResNet OneScale { get; }

    /// <summary>The network that is trained and predicts.</summary>
    public MultiScale ThreeScales { get; }

    /// <summary>What is learnt.</summary>
    public IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>All arrays of a weights file, with the names of the seed's .pth files.</summary>
    public IReadOnlyList<StateTensor> State { get; }

    /// <summary>Sets how much faster the last layer learns: its weights by the factor, its biases by twice that (Caffe's lr_mult 10 and 20).</summary>
    public void SetHeadRateMultiplier(float factor)
    {
        foreach (Conv branch in OneScale.Head.Branches)
        {
            branch.Weight.RateMultiplier = factor;
            branch.Bias!.RateMultiplier = 2 * factor;
        }
    }

    /// <summary>The size of the score map of an image.</summary>
    public static MapSize ScoreSize(MapSize image)
    {
        static int Side(int n)
        {
            n = ((n - 1) / 2) + 1;
            n = new PoolingGeometry(3, 2, 1).OutputSide(n);
            return ((n - 1) / 2) + 1;
        }

        return new MapSize(Side(image.Height), Side(image.Width));
    }
}
