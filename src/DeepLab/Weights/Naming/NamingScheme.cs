using DeepLab.Models;

namespace DeepLab.Weights.Naming;

/// <summary>Names that PyTorch programs give to the network's tensors, whose shapes and values are ours.</summary>
/// <param name="Title">Whose names they are, for people.</param>
/// <param name="PathsOf">Their paths of a convolution and its batch norm.</param>
/// <param name="HasHead">Whether DeepLab's last layer is among them.</param>
/// <param name="Preprocessing">What such networks are trained with.</param>
/// <param name="StrideOn3x3">Where their bottlenecks have the stride.</param>
/// <param name="LeftOut">Tensors of theirs that DeepLab has no use for.</param>
internal sealed record NamingScheme(
    string Title, Func<LayerPlace, ModulePaths> PathsOf, bool HasHead, Preprocessing Preprocessing, bool StrideOn3x3, IReadOnlyList<string> LeftOut)
{
    /// <summary>The seed's names, which are ours.</summary>
    public static readonly NamingScheme Seed = OfDeepLab("the seed's names (Scale.conv1.weight, ...)", place => Within(NetworkLayout.Prefix, ModulePaths.Of(place)));

    /// <summary>The schemes that are known, the most specific names first.</summary>
    public static IReadOnlyList<NamingScheme> All { get; } =
    [
        Seed,
        OfDeepLab("the seed's names without Scale. (conv1.weight, ..., layer5.conv2d_list.0.weight)", ModulePaths.Of),
        OfDeepLab("kazuto1011's names (base.layer1.conv1.conv.weight, ...)", place => Within("base.", Kazuto(place))),
        OfDeepLab("kazuto1011's names without base. (layer1.conv1.conv.weight, ...)", Kazuto),
        new("torchvision's names of a ResNet (conv1.weight, ..., layer4.2.bn3.bias)", ModulePaths.Of, false, Preprocessing.TorchVision, true, ["fc.weight", "fc.bias"]),
    ];

    /// <summary>Their name of a tensor.</summary>
    public string NameOf(NetworkTensor tensor) => NameOf(tensor.Place, tensor.Role);

    /// <summary>Their name of a tensor, whether or not a network has it.</summary>
    public string NameOf(LayerPlace place, TensorRole role) => PathsOf(place).NameOf(role);

    private static NamingScheme OfDeepLab(string title, Func<LayerPlace, ModulePaths> pathsOf) => new(title, pathsOf, true, Preprocessing.Caffe, false, []);

    private static ModulePaths Within(string parent, ModulePaths paths) => new(parent + paths.Convolution, paths.BatchNorm is null ? null : parent + paths.BatchNorm);

    /// <summary>
    /// kazuto1011/deeplab-pytorch: <c>layer1</c> is the stem, <c>layer2</c> to <c>layer5</c> the stages, blocks count
    /// from 1, and each convolution has its batch norm beside it.
    /// </summary>
    private static ModulePaths Kazuto(LayerPlace place)
    {
        if (place.Role == LayerRole.Aspp) return new ModulePaths($"aspp.c{place.Index}", null);
        string unit = place.Role switch
        {
            LayerRole.Stem => "layer1.conv1",
            LayerRole.Shortcut => $"layer{place.Stage + 1}.block{place.Block + 1}.shortcut",
            _ => $"layer{place.Stage + 1}.block{place.Block + 1}.{((string[])["reduce", "conv3x3", "increase"])[place.Index]}",
        };
        return new ModulePaths($"{unit}.conv", $"{unit}.bn");
    }
}
