using DeepLab.Backends;

namespace DeepLab.Layers;

/// <summary>
/// The bottleneck: 1×1, 3×3 dilated, 1×1 to four times the width. The stage's stride is on the first, as in Caffe's
/// networks, or on the 3×3, as in torchvision's.
/// </summary>
internal sealed class Bottleneck(Backend backend, string name, int inChannels, int width, int stride, int dilation, bool project, bool strideOn3x3 = false)
    : ResidualBlock(
        [
            new Conv(backend, $"{name}.conv1", new ConvolutionSpec(inChannels, width, 1, strideOn3x3 ? 1 : stride, 1, 0), $"{name}.bn1", relu: true),
            new Conv(backend, $"{name}.conv2", new ConvolutionSpec(width, width, 3, strideOn3x3 ? stride : 1, dilation, dilation), $"{name}.bn2", relu: true),
            new Conv(backend, $"{name}.conv3", new ConvolutionSpec(width, Expansion * width, 1, 1, 1, 0), $"{name}.bn3", relu: true),
        ],
        project
            ? new Conv(
                backend, $"{name}.downsample.0", new ConvolutionSpec(inChannels, Expansion * width, 1, stride, 1, 0), $"{name}.downsample.1", relu: false)
            : null)
{
    /// <summary>The ratio of output channels to the branch's width.</summary>
    public const int Expansion = 4;
}
