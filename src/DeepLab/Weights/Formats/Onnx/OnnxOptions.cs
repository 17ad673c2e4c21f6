using DeepLab.Models;

namespace DeepLab.Weights.Formats.Onnx;

/// <summary>What an .onnx file computes besides the network itself.</summary>
public sealed record OnnxOptions
{
    /// <summary>
    /// Whether the scores are the maximum of three scales, as the network predicts, or those of the image's own size
    /// alone: a little less accurate, and about half the work.
    /// </summary>
    public bool ThreeScales { get; init; } = true;

    /// <summary>
    /// Whether the graph takes pixels, <c>uint8 [batch, height, width, 3]</c>, red, green, blue, and prepares them
    /// itself; or <c>float32 [batch, 3, height, width]</c> that is prepared already (see
    /// <see cref="Models.Preprocessing"/>). Only the latter can be padded with exact zeros, as a prediction pads: the
    /// mean pixel is no whole number.
    /// </summary>
    public bool FoldPreprocessing { get; init; }
}
