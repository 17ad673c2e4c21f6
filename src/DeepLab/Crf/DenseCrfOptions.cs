namespace DeepLab.Crf;

/// <summary>
/// The two kernels of a dense CRF and its inference (Krähenbühl and Koltun, arXiv:1210.5644); the defaults are DeepLab
/// v2's. A kernel pulls two pixels towards the same class: the smoothness kernel if they are close, the appearance
/// kernel if they are not too far apart and similar in colour.
/// </summary>
public sealed record DenseCrfOptions
{
    /// <summary>The smallest standard deviation.</summary>
    public const float LeastDeviation = 0.01f;

    /// <summary>The largest standard deviation.</summary>
    public const float LargestDeviation = 1e6f;

    /// <summary>The largest weight of a kernel.</summary>
    public const float LargestWeight = 1e4f;

    /// <summary>The most mean-field steps.</summary>
    public const int MostIterations = 1000;

    /// <summary>Mean-field steps. With 0, the marginals are the probabilities.</summary>
    public int Iterations { get; init; } = 10;

    /// <summary>The weight of the smoothness kernel, exp(−|Δposition|² / 2σxy²); 0 leaves it out.</summary>
    public float SmoothnessWeight { get; init; } = 3;

    /// <summary>σxy of the smoothness kernel, in pixels.</summary>
    public float SmoothnessDeviation { get; init; } = 1;

    /// <summary>
    /// The weight of the appearance kernel, exp(−|Δposition|² / 2σxy² − |Δcolour|² / 2σrgb²); 0 leaves it out.
    /// </summary>
    public float AppearanceWeight { get; init; } = 4;

    /// <summary>σxy of the appearance kernel, in pixels.</summary>
    public float AppearanceDeviation { get; init; } = 67;

    /// <summary>σrgb of the appearance kernel, in levels from 0 to 255.</summary>
    public float ColorDeviation { get; init; } = 3;

    /// <summary>
    /// Probabilities below this count as this, so that no class is impossible (1e-5, as in pydensecrf).
    /// </summary>
    public float MinimumProbability { get; init; } = 1e-5f;

    /// <summary>Throws unless every option is in its range.</summary>
    /// <exception cref="DeepLabException">One is not; the message names it and its range.</exception>
    internal void Check()
    {
        Require(Iterations, 0, MostIterations, "number of iterations");
        Require(SmoothnessWeight, 0, LargestWeight, "smoothness weight");
        Require(SmoothnessDeviation, LeastDeviation, LargestDeviation, "smoothness deviation (σxy)");
        Require(AppearanceWeight, 0, LargestWeight, "appearance weight");
        Require(AppearanceDeviation, LeastDeviation, LargestDeviation, "appearance deviation (σxy)");
        Require(ColorDeviation, LeastDeviation, LargestDeviation, "colour deviation (σrgb)");
        Require(MinimumProbability, float.Epsilon, 0.1f, "minimum probability");
    }

    private static void Require(float value, float least, float largest, string name)
    {
        if (!(value >= least && value <= largest))
            throw new DeepLabException(FormattableString.Invariant($"the CRF's {name} is {value}; expected {least} to {largest}"));
    }
}
