using DeepLab.Backends;
using DeepLab.Models;

namespace DeepLab.Layers;

/// <summary>The block of ResNet-18 and 34: 3×3 with the stage's stride, 3×3, both dilated.</summary>
public sealed class BasicBlock(Backend backend, string name, int inChannels, int width, int stride, int dilation, bool project)
    : ResidualBlock(
        [
            new Conv(backend, $"{name}.conv1", new ConvolutionGeometry(inChannels, width, 3, stride, dilation, dilation), $"{name}.bn1", relu: true),
            new Conv(backend, $"{name}.conv2", new ConvolutionGeometry(width, width, 3, 1, dilation, dilation), $"{name}.bn2", relu: true),
        ],
        project
            ? new Conv(backend, $"{name}.downsample.0", new ConvolutionGeometry(inChannels, width, 1, stride, 1, 0), $"{name}.downsample.1", relu: false)
            : null)
{
    /// <summary>Output channels over the branch's width.</summary>
    public const int Expansion = 1;
}
