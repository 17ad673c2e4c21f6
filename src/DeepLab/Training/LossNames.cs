using System.Globalization;
using DeepLab.Models;

namespace DeepLab.Training;

/// <summary>
/// What <c>log.csv</c> and TensorBoard call the losses: one for each scale of the image, then that of the fused scores.
/// </summary>
internal static class LossNames
{
    private static readonly double[] s_scales = [.. NetworkScale.DeepLab.Select(s => s.Factor)];

    /// <summary>The columns of <c>log.csv</c>: loss_1, loss_075, loss_05, loss_fused.</summary>
    public static IReadOnlyList<string> Columns { get; } = [.. s_scales.Select(s => "loss_" + Digits(s)), "loss_fused"];

    /// <summary>The tags of TensorBoard's curves, which share a group.</summary>
    public static IReadOnlyList<string> Tags { get; } = [.. s_scales.Select(s => "loss/scale_" + Digits(s)), "loss/fused"];

    private static string Digits(double scale) => scale.ToString(CultureInfo.InvariantCulture).Replace(".", "", StringComparison.Ordinal);
}
