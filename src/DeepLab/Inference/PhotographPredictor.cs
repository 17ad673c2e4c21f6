using DeepLab.Crf;
using DeepLab.Imaging;
using DeepLab.Models;
using DeepLab.Tensors;

namespace DeepLab.Inference;

/// <summary>What was predicted for a photograph.</summary>
/// <param name="Labels">The class of every pixel, [height, width] of the photograph.</param>
/// <param name="Scores">The network's scores; of the reduced photograph where it was reduced.</param>
public sealed record PhotographPrediction(LabelMap Labels, ScoreMap Scores);

/// <summary>
/// Predicts photographs of any size. One that is longer than a limit is reduced to it before the network, and its scores are resized to the photograph's size before the arg-max; on wish they become
/// probabilities and go through a dense CRF first, at the size that the network sees. A photograph within the limit gets the labels that <see cref="Predictor"/> gives it. Use from one thread at a time.
/// </summary>
public sealed class PhotographPredictor : IDisposable
{
    /// <summary>The longest side that the network sees by default: twice the 513 pixels that it was made for, less one.</summary>
    public const int DefaultMaxSide = 1025;

    private readonly Predictor _predictor;
    private readonly CrfRefinement? _refinement;
    private readonly int _maxSide;

    /// <summary>Creates the predictor; the network stays the caller's.</summary>
    /// <param name="network">The network.</param>
    /// <param name="maxSide">The longest side that the network sees; 0 for any, which takes memory in proportion to its square.</param>
    /// <param name="crf">The CRF that refines; null for none.</param>
    /// <param name="threads">Threads of the CRF; 0 for one a processor.</param>
    /// <param name="expectedImages">How many photographs will be predicted, as far as known; see <see cref="Predictor"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is negative.</exception>
    /// <exception cref="DeepLabException">An option of the CRF is out of its range.</exception>
    public PhotographPredictor(DeepLabResNet network, int maxSide = DefaultMaxSide, DenseCrfOptions? crf = null, int threads = 0, int expectedImages = int.MaxValue)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentOutOfRangeException.ThrowIfNegative(maxSide);
        _maxSide = maxSide;
        _refinement = crf is null ? null : new CrfRefinement(crf, threads);
        _predictor = new Predictor(network, expectedImages);
    }

    /// <summary>Predicts a photograph.</summary>
    /// <param name="photograph">The photograph, upright.</param>
    /// <param name="cancellation">Looked at between layers.</param>
    /// <exception cref="DeepLabException">It is too large for the memory there is.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; the predictor can be used again.</exception>
    public PhotographPrediction Predict(RgbImage photograph, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(photograph);
        RgbImage seen = _maxSide == 0 ? photograph : photograph.ReducedTo(_maxSide);
        ScoreMap scores = _predictor.Scores(seen, cancellation);
        var labels = new LabelMap(photograph.Height, photograph.Width);
        var region = new MapSize(seen.Height, seen.Width);
        if (_refinement is null)
        {
            var square = new MapSize(scores.InputSide, scores.InputSide);
            ScoreUpsampling.ArgMax(scores.Values, scores.Size, scores.Classes, square, region, labels.Height, labels.Width, labels.Labels);
        }
        else
        {
            ScoreUpsampling.ArgMax(_refinement.Marginals(scores, seen), region, scores.Classes, region, region, labels.Height, labels.Width, labels.Labels);
        }

        return new PhotographPrediction(labels, scores);
    }

    /// <summary>Frees the memory of the pass and of the CRF.</summary>
    public void Dispose()
    {
        _predictor.Dispose();
        _refinement?.Dispose();
    }
}
