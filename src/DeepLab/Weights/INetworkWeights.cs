using DeepLab.Data;
using DeepLab.Models;

namespace DeepLab.Weights;

/// <summary>
/// The arrays of one network under its own names (those of the seed's .pth files), read one at a time, wherever they come from: an open file of
/// any format, or a network in memory. Writers of weights files take this.
/// </summary>
public interface INetworkWeights
{
    /// <summary>Depth, classes, preprocessing.</summary>
    DeepLabConfiguration Configuration { get; }

    /// <summary>The names of the classes, as many as there are, or null where they are not known.</summary>
    IReadOnlyList<string>? ClassNames { get; }

    /// <summary>All arrays, in the order of <see cref="DeepLabResNet.State"/>, as F32.</summary>
    IReadOnlyList<TensorInfo> State { get; }

    /// <summary>Reads an array.</summary>
    /// <param name="name">Its name in <see cref="State"/>.</param>
    /// <param name="target">Takes the elements, the last side's fastest: a convolution's weights as [out, in, height, width].</param>
    void Read(string name, Span<float> target);
}
