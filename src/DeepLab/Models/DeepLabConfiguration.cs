namespace DeepLab.Models;

/// <summary>What distinguishes one DeepLab-ResNet from another.</summary>
/// <param name="Depth">Layers of the ResNet: 18, 34, 50, 101 or 152.</param>
/// <param name="Classes">Classes including background, from 2 to 255.</param>
public sealed record DeepLabConfiguration(int Depth = 101, int Classes = 21)
{
    /// <summary>How pixels are turned into the network's input.</summary>
    public Preprocessing Preprocessing { get; init; } = Preprocessing.Caffe;

    /// <summary>
    /// Whether the stride of a stage's first bottleneck is on its 3×3 convolution, as in torchvision's ResNets, instead
    /// of on its first 1×1, as in Caffe's. Basic blocks have no such choice.
    /// </summary>
    public bool StrideOn3x3 { get; init; }

    /// <summary>The supported depths.</summary>
    public static IReadOnlyList<int> Depths { get; } = [18, 34, 50, 101, 152];

    /// <summary>The number of blocks in each of the four stages.</summary>
    /// <exception cref="DeepLabException">The depth is not supported.</exception>
    internal IReadOnlyList<int> BlocksPerStage => Depth switch
    {
        18 => [2, 2, 2, 2],
        34 or 50 => [3, 4, 6, 3],
        101 => [3, 4, 23, 3],
        152 => [3, 8, 36, 3],
        _ => throw new DeepLabException($"there is no ResNet of depth {Depth}: use 18, 34, 50, 101 or 152"),
    };

    /// <summary>Whether blocks are bottlenecks (50 layers and more) or basic blocks.</summary>
    public bool HasBottlenecks => Depth >= 50;

    /// <summary>Checks depth and classes.</summary>
    /// <exception cref="DeepLabException">One of them is out of range.</exception>
    internal void Validate()
    {
        _ = BlocksPerStage;
        if (Classes is < 2 or > 255) throw new DeepLabException($"{Classes} classes: from 2 to 255 are possible, background among them");
    }
}
