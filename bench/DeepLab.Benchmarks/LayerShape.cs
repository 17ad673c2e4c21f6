using DeepLab.Backends;
using DeepLab.Models;
using DeepLab.Tensors;

namespace DeepLab.Benchmarks;

/// <summary>A convolution of ResNet-101 DeepLab on an image of 321×321, by its name.</summary>
public sealed record LayerShape(string Name, ConvolutionGeometry Geometry, int Side)
{
    /// <summary>The 1×1 convolutions: those of a middle block of each stage.</summary>
    public static IEnumerable<LayerShape> Pointwise =>
    [
        new("layer1.1.conv1", new ConvolutionGeometry(256, 64, 1, 1, 1, 0), 81),
        new("layer1.1.conv3", new ConvolutionGeometry(64, 256, 1, 1, 1, 0), 81),
        new("layer2.1.conv1", new ConvolutionGeometry(512, 128, 1, 1, 1, 0), 41),
        new("layer3.1.conv1", new ConvolutionGeometry(1024, 256, 1, 1, 1, 0), 41),
        new("layer3.1.conv3", new ConvolutionGeometry(256, 1024, 1, 1, 1, 0), 41),
        new("layer4.1.conv1", new ConvolutionGeometry(2048, 512, 1, 1, 1, 0), 41),
    ];

    /// <summary>The larger kernels.</summary>
    public static IEnumerable<LayerShape> Spatial =>
    [
        new("layer1.1.conv2", new ConvolutionGeometry(64, 64, 3, 1, 1, 1), 81),
        new("layer2.1.conv2", new ConvolutionGeometry(128, 128, 3, 1, 1, 1), 41),
        new("layer3.1.conv2", new ConvolutionGeometry(256, 256, 3, 1, 2, 2), 41),
        new("layer4.1.conv2", new ConvolutionGeometry(512, 512, 3, 1, 4, 4), 41),
    ];

    /// <summary>The input's shape, one map.</summary>
    public RaggedShape Input => RaggedShape.Map(Side, Side, Geometry.InChannels);

    /// <inheritdoc/>
    public override string ToString() => Name;
}
