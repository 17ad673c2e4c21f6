using DeepLab.Models;

namespace DeepLab.Weights.Maps;

/// <summary>Other people's names for our arrays, of the same shapes and values.</summary>
/// <param name="Title">Whose names they are, for people.</param>
/// <param name="NameOf">Their name of our path below <c>Scale.</c>, such as <c>layer1.0.bn2.running_var</c>.</param>
/// <param name="HasHead">Whether DeepLab's last layer is among them.</param>
/// <param name="Preprocessing">What such networks are trained with.</param>
/// <param name="StrideOn3x3">Where their bottlenecks have the stride.</param>
/// <param name="LeftOut">Arrays of theirs that DeepLab has no use for.</param>
internal sealed record NamingScheme(
    string Title, Func<string, string> NameOf, bool HasHead, Preprocessing Preprocessing, bool StrideOn3x3, IReadOnlyList<string> LeftOut)
{
    /// <summary>The seed's names, which are ours.</summary>
    public static readonly NamingScheme Seed = new("the seed's names (Scale.conv1.weight, ...)", path => "Scale." + path, true, Preprocessing.Caffe, false, []);

    /// <summary>The schemes that are known, those that say most by their names first.</summary>
    public static IReadOnlyList<NamingScheme> All { get; } =
    [
        Seed,
        new("the seed's names without Scale. (conv1.weight, ..., layer5.conv2d_list.0.weight)", path => path, true, Preprocessing.Caffe, false, []),
        new("kazuto1011's names (base.layer1.conv1.conv.weight, ...)", path => "base." + Kazuto(path), true, Preprocessing.Caffe, false, []),
        new("kazuto1011's names without base. (layer1.conv1.conv.weight, ...)", Kazuto, true, Preprocessing.Caffe, false, []),
        new("torchvision's names of a ResNet (conv1.weight, ..., layer4.2.bn3.bias)", path => path, false, Preprocessing.TorchVision, true, ["fc.weight", "fc.bias"]),
    ];

    /// <summary>
    /// kazuto1011/deeplab-pytorch: <c>layer1</c> is the stem, <c>layer2</c> to <c>layer5</c> the stages, blocks count from 1, and each convolution has its
    /// batch norm beside it.
    /// </summary>
    private static string Kazuto(string path)
    {
        string[] parts = path.Split('.');
        string array = parts[^1];
        if (parts[0] == "layer5") return $"aspp.c{parts[2]}.{array}";
        bool isNorm = parts[^2].StartsWith("bn", StringComparison.Ordinal) || path.Contains("downsample.1", StringComparison.Ordinal);
        string end = $"{(isNorm ? "bn" : "conv")}.{array}";
        if (parts.Length == 2) return $"layer1.conv1.{end}";
        string unit = parts[2] switch
        {
            "conv1" or "bn1" => "reduce",
            "conv2" or "bn2" => "conv3x3",
            "conv3" or "bn3" => "increase",
            _ => "shortcut",
        };
        int stage = parts[0][^1] - '0', block = int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture);
        return $"layer{stage + 1}.block{block + 1}.{unit}.{end}";
    }
}
