using DeepLab.Backends;

namespace DeepLab.Layers;

/// <summary>The block of ResNet-18 and 34: 3×3 with the stage's stride, 3×3, both dilated.</summary>
internal sealed class BasicBlock(Backend backend, string name, int inChannels, int width, int stride, int dilation, bool project)
    : ResidualBlock(
        [
            new Conv(backend, $"{name}.conv1", new ConvolutionSpec(inChannels, width, 3, stride, dilation, dilation), $"{name}.bn1", relu: true),
            new Conv(backend, $"{name}.conv2", new ConvolutionSpec(width, width, 3, 1, dilation, dilation), $"{name}.bn2", relu: true),
        ],
        project
            ? new Conv(backend, $"{name}.downsample.0", new ConvolutionSpec(inChannels, width, 1, stride, 1, 0), $"{name}.downsample.1", relu: false)
            : null)
{
    /// <summary>The ratio of output channels to the branch's width.</summary>
    public const int Expansion = 1;
}
