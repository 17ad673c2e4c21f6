using DeepLab.Crf;
using DeepLab.Imaging;
using DeepLab.Models;
using DeepLab.Tensors;

namespace DeepLab.Inference;

/// <summary>The prediction for a photograph.</summary>
/// <param name="Labels">The class of every pixel, [height, width] of the photograph.</param>
/// <param name="Scores">The network's scores; those of the reduced photograph if it was reduced.</param>
public sealed record PhotographPrediction(LabelMap Labels, ScoreMap Scores);

/// <summary>
/// Predicts photographs of any size. A photograph longer than a limit is reduced to it before the network, and its
/// scores are resized to the photograph's size before the arg-max; optionally they first become probabilities and go
/// through a dense CRF, at the size that the network sees. A photograph within the limit gets the same labels as from
/// <see cref="Predictor"/>. Use from one thread at a time.
/// </summary>
public sealed class PhotographPredictor : IDisposable
{
    /// <summary>
    /// The longest side that the network sees by default: twice the 513 pixels that it was made for, minus one.
    /// </summary>
    public const int DefaultMaxSide = 1025;

    private readonly Predictor _predictor;
    private readonly CrfRefinement? _refinement;
    private readonly int _maxSide;

    /// <summary>Creates the predictor; the caller keeps ownership of the network.</summary>
    /// <param name="network">The network.</param>
    /// <param name="maxSide">
    /// The longest side that the network sees; 0 for no limit, where memory use grows with the square of the side.
    /// </param>
    /// <param name="crf">The CRF that refines the scores; null for none.</param>
    /// <param name="threads">Threads of the CRF; 0 for one per processor.</param>
    /// <param name="expectedImages">The expected number of photographs; see <see cref="Predictor"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is negative.</exception>
    /// <exception cref="DeepLabException">An option of the CRF is out of range.</exception>
    public PhotographPredictor(DeepLabResNet network, int maxSide = DefaultMaxSide, DenseCrfOptions? crf = null, int threads = 0, int expectedImages = int.MaxValue)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentOutOfRangeException.ThrowIfNegative(maxSide);
        _maxSide = maxSide;
        _refinement = crf is null ? null : new CrfRefinement(crf, threads, network.Backend.CpuInstructionSet);
        _predictor = new Predictor(network, expectedImages);
    }

    /// <summary>Predicts a photograph.</summary>
    /// <param name="photograph">The photograph, upright.</param>
    /// <param name="cancellation">Checked between layers.</param>
    /// <exception cref="DeepLabException">It is too large for the available memory.</exception>
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
