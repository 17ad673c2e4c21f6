using DeepLab.Models;

namespace DeepLab.Training;

/// <summary>
/// What <c>log.csv</c> and TensorBoard call the losses: one for each scale of the image, then that of the fused scores.
/// </summary>
internal static class LossNames
{
    /// <summary>The columns of <c>log.csv</c>: loss_1, loss_075, loss_05, loss_fused.</summary>
    public static IReadOnlyList<string> Columns { get; } = [.. NetworkScale.DeepLab.Select(s => "loss_" + s.Digits), "loss_fused"];

    /// <summary>The tags of TensorBoard's curves, which share a group.</summary>
    public static IReadOnlyList<string> Tags { get; } = [.. NetworkScale.DeepLab.Select(s => "loss/scale_" + s.Digits), "loss/fused"];

    /// <summary>The losses as charts name them: scale 1, scale 0.75, scale 0.5, fused.</summary>
    public static IReadOnlyList<string> Titles { get; } = [.. NetworkScale.DeepLab.Select(s => FormattableString.Invariant($"scale {s.Factor}")), "fused"];
}
