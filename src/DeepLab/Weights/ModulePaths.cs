namespace DeepLab.Weights;

/// <summary>
/// The paths of a convolution and of its batch norm among a PyTorch network's modules; the names of their tensors
/// follow.
/// </summary>
/// <param name="Convolution">The convolution's path.</param>
/// <param name="BatchNorm">The path of its batch norm; null if it has a bias instead.</param>
internal readonly record struct ModulePaths(string Convolution, string? BatchNorm)
{
    /// <summary>
    /// The paths in torchvision's ResNets, and in the seed's network, which adds <c>layer5</c>: <c>layer3.7.conv1</c>,
    /// <c>layer3.7.bn1</c>.
    /// </summary>
    public static ModulePaths Of(LayerPlace place) => place.Role switch
    {
        LayerRole.Stem => new("conv1", "bn1"),
        LayerRole.Branch => new($"layer{place.Stage}.{place.Block}.conv{place.Index + 1}", $"layer{place.Stage}.{place.Block}.bn{place.Index + 1}"),
        LayerRole.Shortcut => new($"layer{place.Stage}.{place.Block}.downsample.0", $"layer{place.Stage}.{place.Block}.downsample.1"),
        _ => new($"layer5.conv2d_list.{place.Index}", null),
    };

    /// <summary>The name of a tensor: <c>layer3.7.bn1.running_var</c>.</summary>
    public string NameOf(TensorRole role) => role switch
    {
        TensorRole.Kernel => $"{Convolution}.weight",
        TensorRole.Bias => $"{Convolution}.bias",
        TensorRole.Gamma => $"{BatchNorm}.weight",
        TensorRole.Beta => $"{BatchNorm}.bias",
        TensorRole.Mean => $"{BatchNorm}.running_mean",
        _ => $"{BatchNorm}.running_var",
    };
}
