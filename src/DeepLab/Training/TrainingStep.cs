using DeepLab.Backends;
using DeepLab.Data;
using DeepLab.Models;
using DeepLab.Tensors;

namespace DeepLab.Training;

/// <summary>
/// Forward and backward passes of images, one by one: accumulates the gradients of all weights, and the images' losses,
/// which stay on the device until they are read together. Allocates nothing after the first image of each size.
/// </summary>
internal sealed class TrainingStep : IDisposable
{
    private readonly Execution _execution;
    private readonly DeepLabResNet _network;
    private readonly MultiScale _scales;
    private readonly ScalarBuffer _losses;
    private readonly double[] _counted;
    private readonly int[] _firstLabels;
    private readonly Action _body;
    private byte[] _hostLabels = [];
    private LabelBuffer? _labels;
    private RaggedShape? _shape;
    private TrainingSample? _sample;
    private AugmentationRecipe _recipe = AugmentationRecipe.Caffe;
    private double _weight;
    private int _images;

    /// <summary>Creates the step.</summary>
    /// <param name="execution">The execution to run on.</param>
    /// <param name="network">The network; its parameters must have gradients.</param>
    /// <param name="images">The maximum number of images whose losses are read together.</param>
    public TrainingStep(Execution execution, DeepLabResNet network, int images)
    {
        _execution = execution;
        _network = network;
        _scales = network.MultiScale;
        _losses = execution.Backend.AllocateScalars(images * Outputs);
        _counted = new double[images * Outputs];
        _firstLabels = new int[Outputs];
        _body = ForwardAndBackward;
    }

    /// <summary>Losses per image: one per scale, and one of their maximum.</summary>
    public int Outputs => _scales.Outputs;

    /// <summary>Inspects the score maps of each image before backward; for tests.</summary>
    internal Action<MultiScaleScores>? Inspect { get; set; }

    /// <summary>Accumulates the gradients of weight · (sum of the losses). Does not wait for the device.</summary>
    /// <param name="sample">The image and its labels.</param>
    /// <param name="recipe">How labels are downsampled and counted.</param>
    /// <param name="weight">The weight of the image: 1 divided by the number of images in an update.</param>
    /// <param name="cancellation">
    /// Checked between layers; once cancelled, the gradients cover only part of the image.
    /// </param>
    public void Accumulate(TrainingSample sample, AugmentationRecipe recipe, double weight, CancellationToken cancellation = default)
    {
        if ((_images + 1) * Outputs > _counted.Length) throw new InvalidOperationException("The losses of so many images must be read before the next one.");
        (_sample, _recipe, _weight) = (sample, recipe, weight);
        if (_shape is null || _shape.Maps[0] != new MapSize(sample.Height, sample.Width)) _shape = RaggedShape.Map(sample.Height, sample.Width, 3);
        _execution.Run(this, ExecutionMode.Train, _shape, _body, cancellation);
        _sample = null;
        _images++;
    }

    /// <summary>
    /// Waits for the device and returns the losses of the images since the last call: <see cref="Outputs"/> per image,
    /// each a mean over the pixels that count.
    /// </summary>
    /// <param name="losses">Where to write them.</param>
    /// <returns>The number of images.</returns>
    public int ReadLosses(Span<double> losses)
    {
        int images = _images;
        losses = losses[..(images * Outputs)];
        _execution.Read(_losses, losses);
        for (int i = 0; i < losses.Length; i++) losses[i] = _counted[i] == 0 ? 0 : losses[i] / _counted[i];
        _images = 0;
        return images;
    }

    /// <summary>Forgets images whose losses were not read, as after a failure in the middle of an update.</summary>
    public void Restart() => _images = 0;

    /// <summary>Frees labels and losses.</summary>
    public void Dispose()
    {
        _losses.Dispose();
        _labels?.Dispose();
    }

    private void ForwardAndBackward()
    {
        MultiScaleScores scores = _scales.Forward(_execution, _sample!.Pixels.AsSpan(0, (int)_shape!.Length), _shape);
        if (!_execution.IsPlanning) Inspect?.Invoke(scores);

        UploadLabels(scores);
        MultiScaleScores gradients = _scales.RentGradients(_execution, scores);
        for (int i = 0; i < Outputs; i++)
        {
            int loss = (_images * Outputs) + i;
            float gradientScale = _counted[loss] == 0 ? 0 : (float)(_weight / _counted[loss]);
            _execution.SoftmaxCrossEntropy(scores.Outputs[i], _labels!, _firstLabels[i], gradientScale, gradients.Outputs[i], _losses, loss);
        }

        _scales.Backward(_execution, scores, gradients);
    }

    // The labels at the size of each output, once per size, all in one upload.
    private void UploadLabels(MultiScaleScores scores)
    {
        int used = 0;
        for (int i = 0; i < Outputs; i++)
        {
            MapSize size = scores.Outputs[i].Shape.Maps[0];
            int loss = (_images * Outputs) + i, same = SameSize(scores, i);
            if (same < i)
            {
                (_firstLabels[i], _counted[loss]) = (_firstLabels[same], _counted[loss - i + same]);
                continue;
            }

            if (_hostLabels.Length < used + size.Pixels) Array.Resize(ref _hostLabels, used + size.Pixels);
            _counted[loss] = Downsample(size, _hostLabels.AsSpan(used, size.Pixels));
            _firstLabels[i] = used;
            used += size.Pixels;
        }

        if (_labels is null || _labels.Length < used)
        {
            _labels?.Dispose();
            _labels = null;
            _labels = _execution.Backend.AllocateLabels(used);
        }

        _execution.Upload(_hostLabels.AsSpan(0, used), _labels);
    }

    private static int SameSize(MultiScaleScores scores, int output)
    {
        int same = 0;
        while (scores.Outputs[same].Shape.Maps[0] != scores.Outputs[output].Shape.Maps[0]) same++;
        return same;
    }

    // Returns the number of pixels that count.
    private int Downsample(MapSize size, Span<byte> target)
    {
        ReadOnlySpan<byte> labels = _sample!.Labels.AsSpan(0, _sample.Height * _sample.Width);
        LabelDownsampler.Downsample(labels, _sample.Height, _sample.Width, target, size.Height, size.Width, _recipe.LabelDownsampling);
        if (_recipe.Average == LossAverage.AllPixels) return target.Length;
        int ignored = 0;
        foreach (byte label in target) ignored += label >= _network.Configuration.Classes ? 1 : 0;
        return target.Length - ignored;
    }
}
