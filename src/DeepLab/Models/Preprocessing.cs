using System.Collections.Immutable;

namespace DeepLab.Models;

/// <summary>
/// How pixels are turned into the network's input: (value − mean) / standard deviation per channel, with values from 0
/// to 255. Beyond the image's edges the input is 0.
/// </summary>
public sealed class Preprocessing
{
    /// <summary>
    /// The authors' preprocessing for Caffe's weights: blue, green, red, the mean pixel subtracted, no scaling.
    /// </summary>
    public static readonly Preprocessing Caffe = new("caffe", "BGR", [104.008f, 116.669f, 122.675f], [1, 1, 1]);

    /// <summary>
    /// torchvision's preprocessing for its ResNets: red, green, blue, scaled to 1, mean 0.485, 0.456, 0.406 and
    /// standard deviation 0.229, 0.224, 0.225.
    /// </summary>
    public static readonly Preprocessing TorchVision =
        new("torchvision", "RGB", [123.675f, 116.28f, 103.53f], [58.395f, 57.12f, 57.375f]);

    private Preprocessing(string name, string channelOrder, ImmutableArray<float> mean, ImmutableArray<float> standardDeviation)
    {
        Name = name;
        ChannelOrder = channelOrder;
        Mean = mean;
        StandardDeviation = standardDeviation;
    }

    /// <summary>All supported ones.</summary>
    public static IReadOnlyList<Preprocessing> All { get; } = [Caffe, TorchVision];

    /// <summary>Its name in metadata: <c>caffe</c> or <c>torchvision</c>.</summary>
    public string Name { get; }

    /// <summary>The order of the input's channels: <c>BGR</c> or <c>RGB</c>.</summary>
    public string ChannelOrder { get; }

    /// <summary>What is subtracted, one per channel in <see cref="ChannelOrder"/>, from values of 0 to 255.</summary>
    public ImmutableArray<float> Mean { get; }

    /// <summary>What the difference is divided by, one per channel.</summary>
    public ImmutableArray<float> StandardDeviation { get; }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
