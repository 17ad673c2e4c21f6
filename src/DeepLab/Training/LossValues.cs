using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace DeepLab.Training;

/// <summary>The losses of an image's score maps, each the mean over the pixels that count.</summary>
/// <param name="Values">One per scale of the network, 1, 0.75 and 0.5, then that of their maximum.</param>
public readonly record struct LossValues(ImmutableArray<double> Values)
{
    /// <summary>The loss of the fused scores, the maximum of all scales.</summary>
    public double Fused => Values[^1];

    /// <summary>The loss that is minimized: the sum of all.</summary>
    public double Total
    {
        get
        {
            double sum = 0;
            foreach (double value in Values) sum += value;
            return sum;
        }
    }

    /// <summary>Whether all losses are equal.</summary>
    public bool Equals(LossValues other) => Values.AsSpan().SequenceEqual(other.Values.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode() => Values.IsDefaultOrEmpty ? 0 : HashCode.Combine(Values.Length, Values[0]);

    /// <summary>The mean over images.</summary>
    /// <param name="values">The losses of each image, one image after another.</param>
    /// <param name="images">The number of images, at least 1.</param>
    internal static LossValues MeanOf(ReadOnlySpan<double> values, int images)
    {
        int outputs = values.Length / images;
        var means = new double[outputs];
        for (int output = 0; output < outputs; output++)
        {
            for (int image = 0; image < images; image++) means[output] += values[(image * outputs) + output];
            means[output] /= images;
        }

        return new LossValues(ImmutableCollectionsMarshal.AsImmutableArray(means));
    }
}
