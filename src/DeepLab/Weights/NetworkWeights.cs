using DeepLab.Data;
using DeepLab.Layers;
using DeepLab.Models;

namespace DeepLab.Weights;

/// <summary>The weights of a network in memory, for writers of weights files. The network stays the caller's, and is read as it is at that moment.</summary>
public sealed class NetworkWeights : INetworkWeights
{
    private readonly Dictionary<string, StateTensor> _tensors;

    /// <summary>Creates it.</summary>
    /// <param name="network">The network.</param>
    /// <param name="classNames">The names of its classes, if they are known.</param>
    /// <exception cref="ArgumentException">There are more or fewer names than classes.</exception>
    public NetworkWeights(DeepLabResNet network, IReadOnlyList<string>? classNames = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        if (classNames is not null && classNames.Count != network.Configuration.Classes)
            throw new ArgumentException($"{classNames.Count} names do not fit {network.Configuration.Classes} classes.", nameof(classNames));
        Configuration = network.Configuration;
        ClassNames = classNames;
        State = [.. network.State.Select(t => new TensorInfo(t.Name, TensorType.F32, [.. t.Shape.Select(side => (long)side)]))];
        _tensors = network.State.ToDictionary(t => t.Name, StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    public DeepLabConfiguration Configuration { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string>? ClassNames { get; }

    /// <inheritdoc/>
    public IReadOnlyList<TensorInfo> State { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The network has no such array, or one of another length.</exception>
    public void Read(string name, Span<float> target)
    {
        if (!_tensors.TryGetValue(name, out StateTensor? tensor)) throw new ArgumentException($"The network has no array '{name}'.", nameof(name));
        tensor.CopyTo(target);
    }
}
