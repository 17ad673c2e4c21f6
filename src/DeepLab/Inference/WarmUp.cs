using DeepLab.Backends;
using DeepLab.Imaging;
using DeepLab.Layers;
using DeepLab.Models;
using DeepLab.Tensors;
using DeepLab.Visualization;

namespace DeepLab.Inference;

/// <summary>
/// Compiles the code of a prediction before its first photograph: .NET compiles the kernels for the machine's vectors
/// when they are first called. Meant to run on another thread while weights are read.
/// </summary>
public static class WarmUp
{
    private const int Side = 33;

    /// <summary>
    /// Predicts an empty image with a network of few channels that has all layers of a ResNet, and draws its labels
    /// over it.
    /// </summary>
    /// <param name="device">The device that will predict.</param>
    /// <param name="options">How it will compute; one thread is used regardless.</param>
    public static void Run(Device device, BackendOptions? options = null)
    {
        using Backend backend = device.CreateBackend((options ?? new BackendOptions()) with { Threads = 2 });
        using Execution execution = backend.CreateExecution();
        Run(execution);
    }

    /// <summary>The same on an execution of the kind that will predict.</summary>
    internal static void Run(Execution execution)
    {
        Backend backend = execution.Backend;
        var scales = new MultiScale(new SmallNetwork(backend), NetworkScale.DeepLab);
        var pixels = new float[Side * Side * 3];
        RaggedShape shape = RaggedShape.Map(Side, Side, 3);
        Tensor? fused = null;
        execution.Run(scales, ExecutionMode.Predict, shape, () => fused = scales.Forward(execution, pixels, shape).Fused);
        var values = new float[fused!.Shape.Length];
        backend.Download(fused, values);
        LabelMap labels = Predictor.Labels(new ScoreMap(values, fused.Shape.Maps[0], SmallNetwork.Classes, Side), Side, Side);
        Overlay.Draw(new RgbImage(Side, Side), labels, ["", ""], Palette.Voc);
    }

    private sealed class SmallNetwork : INetwork
    {
        public const int Classes = 2;

        private const int Width = 32;

        private readonly Conv _stem;
        private readonly MaxPool _pool = new(new PoolingGeometry(3, 2, 1));
        private readonly Bottleneck[] _blocks;
        private readonly Aspp _head;

        public SmallNetwork(Backend backend)
        {
            _stem = new Conv(backend, "stem", new ConvolutionSpec(3, Width, 7, 2, 1, 3), "bn", relu: true);
            _blocks =
            [
                new Bottleneck(backend, "projecting", Width, Width, stride: 2, dilation: 1, project: true),
                new Bottleneck(backend, "plain", Bottleneck.Expansion * Width, Width, stride: 1, dilation: 2, project: false),
            ];
            _head = new Aspp(backend, "head", Bottleneck.Expansion * Width, Classes, [6, 12, 18, 24]);

            // As from a file: mapped kernels are packed by separate code.
            foreach (Conv convolution in Convolutions) convolution.Weight.Map(new float[convolution.Weight.Length]);
        }

        public IEnumerable<Conv> Convolutions => [_stem, .. _blocks.SelectMany(b => b.Convolutions), .. _head.Branches];

        public Tensor Forward(Execution execution, Tensor image)
        {
            Tensor x = _pool.Forward(execution, _stem.Forward(execution, image));
            foreach (Bottleneck block in _blocks) x = block.Forward(execution, x);
            return _head.Forward(execution, x);
        }

        public void Backward(Execution execution, Tensor scoreGradient) => throw new NotSupportedException();
    }
}
