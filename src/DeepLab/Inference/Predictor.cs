using DeepLab.Backends;
using DeepLab.Data;
using DeepLab.Imaging;
using DeepLab.Models;
using DeepLab.Tensors;

namespace DeepLab.Inference;

/// <summary>The fused scores of one image at the network's resolution.</summary>
/// <param name="Values">[height, width, classes].</param>
/// <param name="Size">Height and width of the score map.</param>
/// <param name="Classes">Classes.</param>
/// <param name="InputSide">The side of the padded square that the map covers.</param>
public sealed record ScoreMap(float[] Values, MapSize Size, int Classes, int InputSide);

/// <summary>
/// Predicts masks as the authors do: the mean subtracted, zero padding to 513×513 (or the smallest square that holds
/// the image), three scales fused, the scores resized to the padded size, cropped to the image, then the arg-max.
/// </summary>
public sealed class Predictor : IDisposable
{
    /// <summary>The maximum side of an image; its padded square still fits in an array, [side, side, 3].</summary>
    public const int LongestSide = 26_000;

    /// <summary>The side of the square that images are padded to unless they are larger, in pixels.</summary>
    public const int DefaultSide = NetworkInput.DefaultSide;

    /// <summary>
    /// With at least this many images, packed kernels are kept from the second image on. That saves a twentieth of each
    /// later prediction, but memory two and a half times as large as the weights has to be touched first, which takes
    /// as long as half a prediction.
    /// </summary>
    private const int LeastImagesToKeepKernels = 12;

    private readonly DeepLabResNet _network;
    private readonly Execution _execution;
    private readonly Action _body;
    private float[] _pixels = [], _values = [];
    private RaggedShape? _shape;
    private MapSize _scoreSize;

    /// <summary>Creates the predictor; the caller keeps ownership of the network.</summary>
    /// <param name="network">The network.</param>
    /// <param name="expectedImages">
    /// The expected number of images: a few are done sooner, and in less memory, without keeping packed kernels.
    /// Nothing else depends on it.
    /// </param>
    public Predictor(DeepLabResNet network, int expectedImages = int.MaxValue)
    {
        _network = network;
        _execution = network.Backend.CreateExecution(new ExecutionOptions { Prepack = expectedImages < LeastImagesToKeepKernels ? PrepackPolicy.Never : null });
        _body = Forward;
    }

    /// <summary>The fused scores of an image.</summary>
    /// <param name="image">The image.</param>
    /// <param name="cancellation">Checked between layers.</param>
    /// <exception cref="DeepLabException">The image is too large for the available memory.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; the predictor can be used again.</exception>
    public ScoreMap Scores(RgbImage image, CancellationToken cancellation = default)
    {
        int side = Run(image, cancellation);
        int length = _scoreSize.Pixels * _network.Configuration.Classes;
        return new ScoreMap(_values.AsSpan(0, length).ToArray(), _scoreSize, _network.Configuration.Classes, side);
    }

    /// <summary>The label of every pixel of an image.</summary>
    /// <param name="image">The image.</param>
    /// <param name="cancellation">Checked between layers.</param>
    /// <exception cref="DeepLabException">The image is too large for the available memory.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; the predictor can be used again.</exception>
    public LabelMap Predict(RgbImage image, CancellationToken cancellation = default) => Labels(Scores(image, cancellation), image.Height, image.Width);

    /// <summary>
    /// The side of the square that an image is padded to: <see cref="DefaultSide"/>, or the image's longer side.
    /// </summary>
    public static int PaddedSide(int height, int width) => NetworkInput.PaddedSide(height, width);

    /// <summary>The label of every pixel of an image of the given size, from its scores.</summary>
    public static LabelMap Labels(ScoreMap scores, int height, int width)
    {
        var labels = new LabelMap(height, width);
        ScoreUpsampling.ArgMax(scores.Values, scores.Size, scores.Classes, new MapSize(scores.InputSide, scores.InputSide), height, width, labels.Labels);
        return labels;
    }

    /// <summary>Frees the memory of the pass.</summary>
    public void Dispose() => _execution.Dispose();

    private int Run(RgbImage image, CancellationToken cancellation)
    {
        int side = NetworkInput.PaddedSide(image.Height, image.Width);
        if (side > LongestSide)
            throw new DeepLabException($"an image of {image.Width}×{image.Height} is padded to a square of {side}, and {LongestSide} is the most: make it smaller, or cut it");
        int length = checked(side * side * 3);
        if (_pixels.Length < length) _pixels = new float[length];
        NetworkInput.Prepare(image, side, _network.Configuration.Preprocessing, _pixels.AsSpan(0, length));
        if (_shape is null || _shape.Maps[0].Height != side) _shape = RaggedShape.Map(side, side, 3);
        _execution.Run(this, ExecutionMode.Predict, _shape, _body, cancellation);
        return side;
    }

    private void Forward()
    {
        MultiScaleScores scores = _network.MultiScale.Forward(_execution, _pixels.AsSpan(0, (int)_shape!.Length), _shape);
        _scoreSize = scores.Fused.Shape.Maps[0];
        int length = (int)scores.Fused.Shape.Length;
        if (_values.Length < length) _values = new float[length];
        _execution.Download(scores.Fused, _values.AsSpan(0, length));
    }
}
