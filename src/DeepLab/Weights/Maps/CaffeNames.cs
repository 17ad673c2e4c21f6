using System.Globalization;
using DeepLab.Layers;
using DeepLab.Models;

namespace DeepLab.Weights.Maps;

/// <summary>
/// The layers of Caffe's networks that hold our convolutions: <c>conv1</c>, <c>res4b22_branch2c</c>, <c>fc1_voc12_c0</c>. Stage n of ours is
/// stage n + 1 there; branch 1 is the shortcut, branches 2a, 2b and 2c the convolutions of the block.
/// </summary>
internal static class CaffeNames
{
    /// <summary>The last layer of the authors' networks, without <c>_c0</c> to <c>_c3</c>.</summary>
    public const string DefaultHead = "fc1_voc12";

    private const int Letters = 26;

    /// <summary>What the three-scale network adds to the names of the layers that see the smaller images.</summary>
    public static IReadOnlyList<string> Scales { get; } = ["_res075", "_res05"];

    /// <summary>A convolution's layer, and those of its batch norm: mean and variance; gamma and beta. The last layer has none.</summary>
    internal readonly record struct CaffeLayers(string Convolution, string? BatchNorm, string? Scale);

    /// <summary>The layers of one of our convolutions.</summary>
    /// <param name="configuration">The network.</param>
    /// <param name="path">Ours below <c>Scale.</c>: <c>conv1</c>, <c>layer3.7.conv2</c>, <c>layer2.0.downsample.0</c>, <c>layer5.conv2d_list.2</c>.</param>
    /// <param name="lettered">
    /// Whether the blocks of every stage are named a, b, c, ..., as in ResNet-50; if not, those of layer2 and layer3 are a, b1, b2, ..., as in
    /// ResNet-101 and 152.
    /// </param>
    /// <param name="head">The last layer, without <c>_c0</c>.</param>
    public static CaffeLayers Of(DeepLabConfiguration configuration, string path, bool lettered, string head = DefaultHead)
    {
        if (path == "conv1") return new CaffeLayers("conv1", "bn_conv1", "scale_conv1");
        string[] parts = path.Split('.');
        if (parts is ["layer5", "conv2d_list", string branch]) return new CaffeLayers($"{head}_c{branch}", null, null);
        int stage = parts[0][^1] - '0', block = int.Parse(parts[1], CultureInfo.InvariantCulture);
        string place = parts[2] == "downsample" ? "1" : $"2{(char)('a' + parts[2][^1] - '1')}";
        bool numbered = IsNumbered(stage, lettered, configuration.BlocksPerStage[stage - 1]);
        string name = $"{stage + 1}{BlockName(block, numbered)}_branch{place}";
        return new CaffeLayers($"res{name}", $"bn{name}", $"scale{name}");
    }

    /// <summary>
    /// The layer of a smaller scale, with <paramref name="suffix"/> one of <see cref="Scales"/>: <c>conv1_res05</c>, and
    /// <c>fc1_voc12_res05_c0</c> for the last layer.
    /// </summary>
    public static string WithScale(string layer, string suffix) =>
        IsHeadBranch(layer) ? $"{layer[..^3]}{suffix}{layer[^3..]}" : $"{layer}{suffix}";

    /// <summary>Whether a layer is of a smaller scale.</summary>
    public static bool HasScale(string layer)
    {
        string stem = IsHeadBranch(layer) ? layer[..^3] : layer;
        return Scales.Any(s => stem.EndsWith(s, StringComparison.Ordinal));
    }

    /// <summary>Whether a layer is one of the four branches of a last layer, <c>fc1_..._c0</c> to <c>_c3</c>.</summary>
    public static bool IsHeadBranch(string layer) =>
        layer.Length > 7 && layer.StartsWith("fc1_", StringComparison.Ordinal) && layer[^3..^1] == "_c" && layer[^1] is >= '0' and <= '3';

    /// <summary>
    /// Tells the block of a convolution in a stage's branch: <c>res4b22_branch2c</c> is of our stage 3, block 22, numbered.
    /// </summary>
    public static bool TryParseBlock(string layer, out int stage, out int block, out bool numbered)
    {
        (stage, block, numbered) = (0, 0, false);
        int end = layer.IndexOf("_branch", StringComparison.Ordinal);
        if (end is < 5 or > 8 || !layer.StartsWith("res", StringComparison.Ordinal) || layer[3] is < '2' or > '5' || layer[4] is < 'a' or > 'z') return false;
        stage = layer[3] - '1';
        block = layer[4] - 'a';
        if (end == 5) return true;
        numbered = layer[4] == 'b' && int.TryParse(layer.AsSpan(5, end - 5), NumberStyles.None, CultureInfo.InvariantCulture, out block);
        return numbered;
    }

    // 36 blocks, as ResNet-152 has in a stage, are more than the alphabet has letters.
    private static bool IsNumbered(int stage, bool lettered, int blocks) => blocks > Letters || (!lettered && stage is (2 or 3));

    private static string BlockName(int block, bool numbered) => block == 0 || !numbered ? $"{(char)('a' + block)}" : $"b{block}";
}
