using DeepLab.Kernels;

namespace DeepLab.Layers;

/// <summary>Caffe's bottleneck: 1×1 with the stage's stride, 3×3 dilated, 1×1 to four times the width.</summary>
public sealed class Bottleneck(Backend backend, string name, int inChannels, int width, int stride, int dilation, bool project)
    : ResidualBlock(
        [
            new Conv(backend, $"{name}.conv1", new ConvolutionGeometry(inChannels, width, 1, stride, 1, 0), $"{name}.bn1", relu: true),
            new Conv(backend, $"{name}.conv2", new ConvolutionGeometry(width, width, 3, 1, dilation, dilation), $"{name}.bn2", relu: true),
            new Conv(backend, $"{name}.conv3", new ConvolutionGeometry(width, Expansion * width, 1, 1, 1, 0), $"{name}.bn3", relu: true),
        ],
        project
            ? new Conv(
                backend, $"{name}.downsample.0", new ConvolutionGeometry(inChannels, Expansion * width, 1, stride, 1, 0), $"{name}.downsample.1", relu: false)
            : null)
{
    /// <summary>Output channels over the branch's width.</summary>
    public const int Expansion = 4;
}
