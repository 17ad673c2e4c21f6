using System.Collections.Concurrent;
using DeepLab.Models;

namespace DeepLab.Weights;

/// <summary>What a convolution is for.</summary>
internal enum LayerRole
{
    /// <summary>The first layer, 7×7.</summary>
    Stem,

    /// <summary>One of the two or three convolutions on a residual block's branch.</summary>
    Branch,

    /// <summary>The 1×1 projection on a residual block's shortcut.</summary>
    Shortcut,

    /// <summary>One of the four dilated convolutions of DeepLab's last layer.</summary>
    Aspp,
}

/// <summary>What a tensor is to its convolution.</summary>
internal enum TensorRole
{
    /// <summary>The kernel, [out, in, height, width].</summary>
    Kernel,

    /// <summary>The bias, [out]; only convolutions without batch norm have one.</summary>
    Bias,

    /// <summary>Batch norm's factor, [out].</summary>
    Gamma,

    /// <summary>Batch norm's summand, [out].</summary>
    Beta,

    /// <summary>Batch norm's mean, [out].</summary>
    Mean,

    /// <summary>Batch norm's variance, [out].</summary>
    Variance,
}

/// <summary>Where a convolution stands in the network. Every naming scheme is a function of this.</summary>
/// <param name="Role">What it is for.</param>
/// <param name="Stage">The stage of its block, from 1 to 4; 0 outside the stages.</param>
/// <param name="Block">The block within the stage, from 0.</param>
/// <param name="Index">Which convolution of the branch, or which of the last layer, from 0.</param>
internal readonly record struct LayerPlace(LayerRole Role, int Stage = 0, int Block = 0, int Index = 0)
{
    /// <summary>The first layer.</summary>
    public static LayerPlace Stem => new(LayerRole.Stem);

    /// <summary>A convolution on a block's branch.</summary>
    public static LayerPlace Branch(int stage, int block, int index) => new(LayerRole.Branch, stage, block, index);

    /// <summary>The projection on a block's shortcut.</summary>
    public static LayerPlace Shortcut(int stage, int block) => new(LayerRole.Shortcut, stage, block);

    /// <summary>A convolution of the last layer.</summary>
    public static LayerPlace Aspp(int index) => new(LayerRole.Aspp, Index: index);
}

/// <summary>A row of the layout: one tensor of a weights file.</summary>
/// <param name="Place">Where its convolution stands.</param>
/// <param name="Role">What it is to the convolution.</param>
/// <param name="Name">Our name, that of the seed's .pth files: <c>Scale.layer3.7.conv1.weight</c>.</param>
/// <param name="Shape">Its sides.</param>
internal sealed record NetworkTensor(LayerPlace Place, TensorRole Role, string Name, IReadOnlyList<long> Shape) : TensorInfo(Name, TensorType.F32, Shape)
{
    /// <summary>Whether it is learnt, or measured as batch norm's mean and variance are.</summary>
    public bool IsParameter => Role is not (TensorRole.Mean or TensorRole.Variance);
}

/// <summary>A convolution with its bias or its batch norm.</summary>
/// <param name="Place">Where it stands.</param>
/// <param name="Path">Our name of the convolution, without what all names start with: <c>layer3.7.conv1</c>.</param>
/// <param name="Tensors">Kernel and bias; or kernel, gamma, beta, mean and variance.</param>
internal sealed record NetworkLayer(LayerPlace Place, string Path, IReadOnlyList<NetworkTensor> Tensors)
{
    /// <summary>The kernel, [out, in, height, width].</summary>
    public NetworkTensor Kernel => Tensors[0];

    /// <summary>Whether batch norm follows; if not, there is a bias.</summary>
    public bool HasBatchNorm => Place.Role != LayerRole.Aspp;

    /// <summary>The tensor of a role, which must be there.</summary>
    public NetworkTensor this[TensorRole role] => Tensors.Single(t => t.Role == role);
}

/// <summary>
/// The tensors of a DeepLab-ResNet in the order of its weights files, which is also the order of
/// <see cref="DeepLabResNet.State"/>, computed from the configuration alone. What reads, writes or describes weights
/// takes names and shapes from here.
/// </summary>
internal sealed class NetworkLayout
{
    /// <summary>What all of our names start with.</summary>
    public const string Prefix = "Scale.";

    /// <summary>The number of convolutions in DeepLab's last layer.</summary>
    public const int AsppBranches = 4;

    /// <summary>The number of stages between the first layer and the last.</summary>
    public const int Stages = 4;

    private const int StemWidth = 64;

    private static readonly ConcurrentDictionary<int, NetworkLayout> s_backbones = new();

    private NetworkLayout(IReadOnlyList<NetworkLayer> layers)
    {
        Layers = layers;
        Tensors = [.. layers.SelectMany(l => l.Tensors)];
    }

    /// <summary>The convolutions: a block's projection comes after its branch, the last layer at the end.</summary>
    public IReadOnlyList<NetworkLayer> Layers { get; }

    /// <summary>The tensors of all convolutions.</summary>
    public IReadOnlyList<NetworkTensor> Tensors { get; }

    /// <summary>The layout of a network.</summary>
    /// <param name="configuration">The network; where strides are and how pixels are prepared makes no
    /// difference.</param>
    /// <param name="withHead">Whether DeepLab's last layer is there, or only the ResNet below it, for which the classes
    /// make no difference.</param>
    /// <exception cref="DeepLabException">There is no such depth, or too few or too many classes.</exception>
    public static NetworkLayout Of(DeepLabConfiguration configuration, bool withHead = true)
    {
        configuration.Validate();
        NetworkLayout backbone = s_backbones.GetOrAdd(configuration.Depth, static depth => new NetworkLayout([.. Backbone(new DeepLabConfiguration(depth))]));
        return withHead ? new NetworkLayout([.. backbone.Layers, .. Head(configuration, backbone.Layers)]) : backbone;
    }

    /// <summary>The layer at a place; null if the network has none there.</summary>
    public NetworkLayer? Find(LayerPlace place) => Layers.FirstOrDefault(l => l.Place == place);

    /// <summary>The tensor of a name; null if the network has none.</summary>
    public NetworkTensor? Find(string name) => Tensors.FirstOrDefault(t => t.Name == name);

    private static IEnumerable<NetworkLayer> Backbone(DeepLabConfiguration configuration)
    {
        yield return Layer(LayerPlace.Stem, StemWidth, 3, 7);
        int[] kernels = configuration.HasBottlenecks ? [1, 3, 1] : [3, 3];
        int channels = StemWidth;
        for (int stage = 1; stage <= Stages; stage++)
        {
            int width = StemWidth << (stage - 1), output = configuration.HasBottlenecks ? 4 * width : width;
            for (int block = 0; block < configuration.BlocksPerStage[stage - 1]; block++)
            {
                for (int i = 0; i < kernels.Length; i++)
                    yield return Layer(LayerPlace.Branch(stage, block, i), i == kernels.Length - 1 ? output : width, i == 0 ? channels : width, kernels[i]);
                if (channels != output) yield return Layer(LayerPlace.Shortcut(stage, block), output, channels, 1);
                channels = output;
            }
        }
    }

    private static IEnumerable<NetworkLayer> Head(DeepLabConfiguration configuration, IReadOnlyList<NetworkLayer> backbone)
    {
        long channels = backbone.Last(l => l.Place.Role == LayerRole.Branch).Kernel.Shape[0];
        return Enumerable.Range(0, AsppBranches).Select(i => Layer(LayerPlace.Aspp(i), configuration.Classes, channels, 3));
    }

    private static NetworkLayer Layer(LayerPlace place, long output, long input, long side)
    {
        ModulePaths paths = ModulePaths.Of(place);
        NetworkTensor Tensor(TensorRole role, params long[] shape) => new(place, role, Prefix + paths.NameOf(role), Array.AsReadOnly(shape));
        NetworkTensor kernel = Tensor(TensorRole.Kernel, output, input, side, side);
        TensorRole[] vectors = paths.BatchNorm is null ? [TensorRole.Bias] : [TensorRole.Gamma, TensorRole.Beta, TensorRole.Mean, TensorRole.Variance];
        return new NetworkLayer(place, paths.Convolution, [kernel, .. vectors.Select(role => Tensor(role, output))]);
    }
}
