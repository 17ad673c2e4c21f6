using System.Globalization;
using DeepLab.Imaging;

namespace DeepLab.Visualization;

/// <summary>How much of a label map a class takes.</summary>
/// <param name="Class">The class.</param>
/// <param name="Share">Its part of the pixels, above 0 to 1.</param>
public sealed record ClassShare(int Class, double Share)
{
    /// <summary>
    /// The classes that a map has, the largest first (the lower of equal ones), with their part of all its pixels; 255
    /// is none.
    /// </summary>
    public static IReadOnlyList<ClassShare> Of(LabelMap labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        var counts = new long[256];
        foreach (byte label in labels.Labels) counts[label]++;
        return [.. Enumerable.Range(0, LabelMap.IgnoreLabel)
            .Where(c => counts[c] > 0)
            .OrderByDescending(c => counts[c])
            .Select(c => new ClassShare(c, (double)counts[c] / labels.Labels.Length))];
    }

    /// <summary>A share as 12.3%; what is there but rounds to nothing as &lt;0.1%.</summary>
    public static string Percent(double share) =>
        share is > 0 and < 0.0005 ? "<0.1%" : (100 * share).ToString("0.0", CultureInfo.InvariantCulture) + "%";
}
