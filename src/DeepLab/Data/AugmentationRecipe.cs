using System.Collections.Immutable;
using System.Globalization;
using DeepLab.IO;

namespace DeepLab.Data;

/// <summary>What the loss of a score map is a mean of.</summary>
internal enum LossAverage
{
    /// <summary>The pixels whose label is not ignored.</summary>
    ValidPixels,

    /// <summary>All pixels.</summary>
    AllPixels,
}

/// <summary>The scales by which training images are resized: one of a list, or any of a range.</summary>
public sealed record ScaleDistribution
{
    private const double Smallest = 0.01, Largest = 16;

    private ScaleDistribution(ImmutableArray<double> list, double minimum, double maximum) =>
        (List, Minimum, Maximum) = (list, minimum, maximum);

    /// <summary>The scales to choose from, equally likely; empty for a range.</summary>
    public ImmutableArray<double> List { get; }

    /// <summary>The smallest scale.</summary>
    public double Minimum { get; }

    /// <summary>The largest scale (for a range, its open end).</summary>
    public double Maximum { get; }

    /// <summary>One of the scales of a list.</summary>
    /// <exception cref="ArgumentException">The list is empty or a scale is not in [0.01, 16].</exception>
    public static ScaleDistribution OneOf(params ReadOnlySpan<double> scales)
    {
        if (scales.IsEmpty) throw new ArgumentException("At least one scale is needed.", nameof(scales));
        ImmutableArray<double> list = [.. scales];
        foreach (double scale in list) Check(scale, nameof(scales));
        return new ScaleDistribution(list, list.Min(), list.Max());
    }

    /// <summary>Any scale in [<paramref name="minimum"/>, <paramref name="maximum"/>).</summary>
    /// <exception cref="ArgumentException">An end is not in [0.01, 16], or they are in the wrong order.</exception>
    public static ScaleDistribution Uniform(double minimum, double maximum)
    {
        Check(minimum, nameof(minimum));
        Check(maximum, nameof(maximum));
        if (minimum > maximum) throw new ArgumentException("The smallest scale exceeds the largest.", nameof(minimum));
        return new ScaleDistribution([], minimum, maximum);
    }

    /// <summary>Reads scales as text: <c>0.5,0.75,1</c> is a list, <c>0.5-1.3</c> a range.</summary>
    /// <exception cref="DeepLabException">It is neither, or a scale is not in [0.01, 16].</exception>
    public static ScaleDistribution Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        bool range = text.Contains('-', StringComparison.Ordinal);
        string[] parts = text.Split(range ? '-' : ',');
        var scales = new double[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            if (!double.TryParse(parts[i], NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out scales[i])
                || !IsAllowed(scales[i]))
                throw new DeepLabException($"{BoundedText.Quote(parts[i])} is no scale; expected numbers from 0.01 to 16, as in 0.5,0.75,1 or 0.5-1.3");
        }

        if (!range) return OneOf(scales);
        if (scales.Length != 2 || scales[0] > scales[1])
            throw new DeepLabException($"{BoundedText.Quote(text)} is no range; expected the smallest and the largest scale, as in 0.5-1.3");
        return Uniform(scales[0], scales[1]);
    }

    /// <summary>Draws a scale; takes one number from <paramref name="random"/>.</summary>
    internal double Draw(SeededRandom random)
    {
        ArgumentNullException.ThrowIfNull(random);
        return List.IsEmpty ? random.NextDouble(Minimum, Maximum) : List[random.NextInt32(List.Length)];
    }

    /// <summary>As <see cref="Parse"/> reads it.</summary>
    public override string ToString() => List.IsEmpty
        ? string.Create(CultureInfo.InvariantCulture, $"{Minimum}-{Maximum}")
        : string.Join(',', List.Select(s => s.ToString(CultureInfo.InvariantCulture)));

    /// <summary>Whether both draw the same scales from the same random numbers.</summary>
    public bool Equals(ScaleDistribution? other) =>
        other is not null && Minimum.Equals(other.Minimum) && Maximum.Equals(other.Maximum) && List.AsSpan().SequenceEqual(other.List.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Minimum, Maximum, List.Length);

    private static bool IsAllowed(double scale) => scale is >= Smallest and <= Largest;

    private static void Check(double scale, string name)
    {
        if (!IsAllowed(scale)) throw new ArgumentOutOfRangeException(name, scale, "A scale lies in [0.01, 16].");
    }
}

/// <summary>
/// How training images are augmented and their loss is taken, as data: the regime of DeepLab v2's authors, that of the
/// seed's program, or either with parts replaced by <c>with</c>.
/// </summary>
public sealed record AugmentationRecipe
{
    private readonly int? _warp;
    private readonly int? _crop;
    private readonly double _flipProbability;

    /// <summary>
    /// The authors' regime (arXiv:1606.00915, <c>train.prototxt</c>): scaled, cropped to 321×321, flipped; 255 ignored.
    /// </summary>
    public static AugmentationRecipe Caffe { get; } = new()
    {
        Name = "caffe",
        Scales = ScaleDistribution.OneOf(0.5, 0.75, 1, 1.25, 1.5),
        Crop = 321,
        FlipProbability = 0.5,
        IgnoredLabel255 = true,
        LabelDownsampling = LabelDownsampling.Nearest,
        Average = LossAverage.ValidPixels,
    };

    /// <summary>
    /// The seed's regime: warped to 321×321, scaled by a number in [0.5, 1.3), flipped; 255 counted as background.
    /// </summary>
    public static AugmentationRecipe Seed { get; } = new()
    {
        Name = "seed",
        Warp = 321,
        Scales = ScaleDistribution.Uniform(0.5, 1.3),
        FlipProbability = 0.5,
        IgnoredLabel255 = false,
        LabelDownsampling = LabelDownsampling.BilinearTruncated,
        Average = LossAverage.AllPixels,
        CountsImages = true,
    };

    /// <summary>What <see cref="ByName"/> calls it.</summary>
    public required string Name { get; init; }

    /// <summary>
    /// The side of the square to which images are warped before they are scaled, or null to keep their shape.
    /// </summary>
    public int? Warp { get => _warp; init => _warp = CheckSide(value); }

    /// <summary>The scales.</summary>
    public required ScaleDistribution Scales { get; init; }

    /// <summary>
    /// The side of the random square crop, padded at the bottom and right where the image is smaller; null for none.
    /// </summary>
    public int? Crop { get => _crop; init => _crop = CheckSide(value); }

    /// <summary>How often an image is mirrored, in [0, 1].</summary>
    public double FlipProbability
    {
        get => _flipProbability;
        init => _flipProbability = value is >= 0 and <= 1 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "A probability lies in [0, 1].");
    }

    /// <summary>Whether pixels with label 255 are left out of the loss; else they count as background (0).</summary>
    public bool IgnoredLabel255 { get; init; }

    /// <summary>How labels are brought to the size of a score map.</summary>
    internal LabelDownsampling LabelDownsampling { get; init; }

    /// <summary>What the loss of a score map is a mean of.</summary>
    internal LossAverage Average { get; init; }

    /// <summary>
    /// Whether an iteration is one image, with an update every so many of them; else it is one update of so many
    /// images.
    /// </summary>
    public bool CountsImages { get; init; }

    /// <summary>The recipe of a name: <c>caffe</c> or <c>seed</c>.</summary>
    /// <exception cref="DeepLabException">There is none of that name.</exception>
    public static AugmentationRecipe ByName(string name) => name switch
    {
        "caffe" => Caffe,
        "seed" => Seed,
        _ => throw new DeepLabException($"there is no recipe {BoundedText.Quote(name)}; expected caffe or seed"),
    };

    private static int? CheckSide(int? side) => side is null or (>= 1 and <= 16384)
        ? side
        : throw new ArgumentOutOfRangeException(nameof(side), side, "A side lies in [1, 16384].");
}
