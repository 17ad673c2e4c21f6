namespace DeepLab.Models;

/// <summary>What distinguishes one DeepLab-ResNet from another.</summary>
/// <param name="Depth">Layers of the ResNet: 18, 34, 50, 101 or 152.</param>
/// <param name="Classes">Classes with background, from 2 to 255.</param>
public sealed record DeepLabConfiguration(int Depth = 101, int Classes = 21)
{
    /// <summary>The depths that exist.</summary>
    public static IReadOnlyList<int> Depths { get; } = [18, 34, 50, 101, 152];

    /// <summary>Blocks of each of the four stages.</summary>
    /// <exception cref="DeepLabException">There is no such depth.</exception>
    public IReadOnlyList<int> BlocksPerStage => Depth switch
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
    /// <exception cref="DeepLabException">One of them is out of its range.</exception>
    public void Validate()
    {
        _ = BlocksPerStage;
        if (Classes is < 2 or > 255) throw new DeepLabException($"{Classes} classes: from 2 to 255 are possible, background among them");
    }
}

/// <summary>How an image becomes the network's input: the authors' preprocessing for Caffe's weights.</summary>
public static class Preprocessing
{
    /// <summary>The mean of blue, subtracted.</summary>
    public const float MeanBlue = 104.008f;

    /// <summary>The mean of green, subtracted.</summary>
    public const float MeanGreen = 116.669f;

    /// <summary>The mean of red, subtracted.</summary>
    public const float MeanRed = 122.675f;
}
