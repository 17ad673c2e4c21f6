using System.Globalization;

namespace DeepLab;

/// <summary>What a user can change to get past a failure; each program words it in terms of its own controls.</summary>
public enum RemedyKind
{
    /// <summary>Another number of classes; the value is the number, if it is known.</summary>
    Classes,

    /// <summary>Another depth of the network; the value is the depth.</summary>
    Depth,

    /// <summary>
    /// A label value replaced after reading; the value is that label, or a pair as <c>255=1</c> where the new one is
    /// known.
    /// </summary>
    LabelMapping,

    /// <summary>
    /// A list of the colors that stand for the classes; the value is a color that the list lacks, as <c>255 128 0</c>.
    /// </summary>
    LabelColors,

    /// <summary>A smaller crop.</summary>
    Crop,

    /// <summary>A lower learning rate.</summary>
    LearningRate,

    /// <summary>A limit on the norm of the gradient.</summary>
    GradientClipping,

    /// <summary>Weights to which a last layer has been added.</summary>
    LastLayer,

    /// <summary>An evaluation without pictures.</summary>
    NoPictures,

    /// <summary>Scores that are read as scores instead of as probabilities.</summary>
    NoProbabilities,

    /// <summary>Measures as an evaluation writes them.</summary>
    Measures,
}

/// <summary>
/// A change that would help against a failure, as data: what to change and, where it is known, to which value.
/// <see cref="DeepLabException.Remedy"/> and the findings of dataset checks carry it, so that no message of the library
/// has to name a control that only one program has.
/// </summary>
/// <param name="Kind">What to change.</param>
/// <param name="Value">The value that would help, in the invariant culture; null where the user must choose it.</param>
public sealed record Remedy(RemedyKind Kind, string? Value = null)
{
    /// <summary>A change to a number.</summary>
    /// <param name="kind">What to change.</param>
    /// <param name="value">The value that would help.</param>
    public Remedy(RemedyKind kind, int value)
        : this(kind, value.ToString(CultureInfo.InvariantCulture))
    {
    }

    /// <summary>Another change that would help instead; null if this is the only one.</summary>
    public Remedy? Alternative { get; init; }
}
