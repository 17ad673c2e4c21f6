using DeepLab.Backends;
using DeepLab.Data;
using DeepLab.Layers;
using DeepLab.Models;
using DeepLab.Tensors;

namespace DeepLab.Training;

/// <summary>The losses of one image's four score maps, each the mean over the pixels that count.</summary>
/// <param name="Full">At scale 1.</param>
/// <param name="ThreeQuarters">At scale 0.75.</param>
/// <param name="Half">At scale 0.5.</param>
/// <param name="Fused">Of the maximum.</param>
public readonly record struct LossValues(double Full, double ThreeQuarters, double Half, double Fused)
{
    /// <summary>The loss that is minimised: the sum of the four.</summary>
    public double Total => Full + ThreeQuarters + Half + Fused;

    /// <summary>Adds losses, score by score.</summary>
    public static LossValues operator +(LossValues a, LossValues b) =>
        new(a.Full + b.Full, a.ThreeQuarters + b.ThreeQuarters, a.Half + b.Half, a.Fused + b.Fused);

    /// <summary>Divides losses, score by score.</summary>
    public static LossValues operator /(LossValues a, double divisor) =>
        new(a.Full / divisor, a.ThreeQuarters / divisor, a.Half / divisor, a.Fused / divisor);
}

/// <summary>Forward and backward of one image: its losses, and the gradients of all weights added up. Allocates nothing after the first image of a size.</summary>
public sealed class TrainingStep
{
    private readonly Execution _execution;
    private readonly DeepLabResNet _network;
    private readonly Action _body;
    private readonly Action<MultiScaleScores> _fill;
    private byte[] _fullLabels = [], _halfLabels = [];
    private int _fullCount, _halfCount;
    private RaggedShape? _shape;
    private MultiScaleScores _scores;
    private TrainingSample? _sample;
    private AugmentationRecipe _recipe = AugmentationRecipe.Caffe;
    private double _weight;
    private LossValues _losses;

    /// <summary>Creates the step.</summary>
    /// <param name="execution">Where it runs.</param>
    /// <param name="network">The network; its parameters must have gradients.</param>
    public TrainingStep(Execution execution, DeepLabResNet network)
    {
        _execution = execution;
        _network = network;
        _body = ForwardAndBackward;
        _fill = WriteGradients;
    }

    /// <summary>Adds the gradients of weight · (sum of the four losses) and returns the losses.</summary>
    /// <param name="sample">The image and its labels.</param>
    /// <param name="recipe">How labels are shrunk and counted.</param>
    /// <param name="weight">The weight of the image: 1 over the images of an update.</param>
    public LossValues Accumulate(TrainingSample sample, AugmentationRecipe recipe, double weight)
    {
        _sample = sample;
        _recipe = recipe;
        _weight = weight;
        if (_shape is null || _shape.Maps[0] != new MapSize(sample.Height, sample.Width))
            _shape = RaggedShape.Map(sample.Height, sample.Width, 3);
        _execution.Run(this, ExecutionMode.Train, _shape, _body);
        _sample = null;
        return _losses;
    }

    private void ForwardAndBackward()
    {
        ReadOnlySpan<float> pixels = _sample!.Pixels.AsSpan(0, (int)_shape!.Length);
        _scores = _network.ThreeScales.Forward(_execution, pixels, _shape);
        ShrinkLabels(_scores.Full.Shape.Maps[0], ref _fullLabels, out _fullCount);
        ShrinkLabels(_scores.Half.Shape.Maps[0], ref _halfLabels, out _halfCount);
        _network.ThreeScales.Backward(_execution, _scores, _fill);
    }

    private void WriteGradients(MultiScaleScores gradients) => _losses = new LossValues(
        Loss(_scores.Full, _fullLabels, _fullCount, gradients.Full),
        Loss(_scores.ThreeQuarters, _fullLabels, _fullCount, gradients.ThreeQuarters),
        Loss(_scores.Half, _halfLabels, _halfCount, gradients.Half),
        Loss(_scores.Fused, _fullLabels, _fullCount, gradients.Fused));

    private double Loss(Tensor scores, byte[] labels, int counted, Tensor gradient)
    {
        double sum = _execution.Backend.SoftmaxCrossEntropy(
            scores, labels.AsSpan(0, scores.Shape.Rows), counted == 0 ? 0 : (float)(_weight / counted), gradient);
        return counted == 0 ? 0 : sum / counted;
    }

    private void ShrinkLabels(MapSize size, ref byte[] labels, out int counted)
    {
        if (labels.Length < size.Pixels) labels = new byte[size.Pixels];
        Span<byte> target = labels.AsSpan(0, size.Pixels);
        LabelDownsampler.Downsample(_sample!.Labels.AsSpan(0, _sample.Height * _sample.Width), _sample.Height, _sample.Width, target, size.Height, size.Width, _recipe.LabelDownsampling);
        int ignored = 0;
        foreach (byte label in target)
        {
            if (label >= _network.Configuration.Classes) ignored++;
        }

        counted = _recipe.Average == LossAverage.AllPixels ? size.Pixels : size.Pixels - ignored;
    }
}
