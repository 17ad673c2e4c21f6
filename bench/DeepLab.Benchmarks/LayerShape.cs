using DeepLab.Backends;
using DeepLab.Models;
using DeepLab.Tensors;

namespace DeepLab.Benchmarks;

/// <summary>A convolution of ResNet-101 DeepLab on a 321×321 image, by name.</summary>
public sealed class LayerShape
{
    private readonly string _name;
    private readonly int _side;

    private LayerShape(string name, ConvolutionSpec spec, int side) => (_name, Spec, _side) = (name, spec, side);

    /// <summary>The 1×1 convolutions: those of a middle block of each stage.</summary>
    public static IEnumerable<LayerShape> Pointwise =>
    [
        new LayerShape("layer1.1.conv1", new ConvolutionSpec(256, 64, 1, 1, 1, 0), 81),
        new LayerShape("layer1.1.conv3", new ConvolutionSpec(64, 256, 1, 1, 1, 0), 81),
        new LayerShape("layer2.1.conv1", new ConvolutionSpec(512, 128, 1, 1, 1, 0), 41),
        new LayerShape("layer3.1.conv1", new ConvolutionSpec(1024, 256, 1, 1, 1, 0), 41),
        new LayerShape("layer3.1.conv3", new ConvolutionSpec(256, 1024, 1, 1, 1, 0), 41),
        new LayerShape("layer4.1.conv1", new ConvolutionSpec(2048, 512, 1, 1, 1, 0), 41),
    ];

    /// <summary>The larger kernels.</summary>
    public static IEnumerable<LayerShape> Spatial =>
    [
        new LayerShape("layer1.1.conv2", new ConvolutionSpec(64, 64, 3, 1, 1, 1), 81),
        new LayerShape("layer2.1.conv2", new ConvolutionSpec(128, 128, 3, 1, 1, 1), 41),
        new LayerShape("layer3.1.conv2", new ConvolutionSpec(256, 256, 3, 1, 2, 2), 41),
        new LayerShape("layer4.1.conv2", new ConvolutionSpec(512, 512, 3, 1, 4, 4), 41),
    ];

    internal ConvolutionSpec Spec { get; }

    /// <summary>The input's shape, one map.</summary>
    internal RaggedShape Input => RaggedShape.Map(_side, _side, Spec.InChannels);

    /// <inheritdoc/>
    public override string ToString() => _name;
}
