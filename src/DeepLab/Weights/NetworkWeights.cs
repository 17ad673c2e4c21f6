using DeepLab.Layers;
using DeepLab.Models;

namespace DeepLab.Weights;

/// <summary>The weights of a network in memory.</summary>
public sealed class NetworkWeights : INetworkWeights
{
    private readonly Dictionary<string, StateTensor> _state;

    /// <summary>Takes a network; its weights are read as they are when they are asked for.</summary>
    /// <param name="network">The network.</param>
    /// <param name="classNames">The names of its classes, or null.</param>
    /// <exception cref="ArgumentException">There are more or fewer names than classes.</exception>
    public NetworkWeights(DeepLabResNet network, IReadOnlyList<string>? classNames = null)
    {
        Configuration = network.Configuration;
        if (classNames is not null && classNames.Count != Configuration.Classes)
            throw new ArgumentException($"There are {classNames.Count} names for {Configuration.Classes} classes.", nameof(classNames));
        ClassNames = classNames;
        State = [.. network.State.Select(t => new TensorInfo(t.Name, TensorType.F32, [.. t.Shape.Select(side => (long)side)]))];
        _state = network.State.ToDictionary(t => t.Name, StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    public DeepLabConfiguration Configuration { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string>? ClassNames { get; }

    /// <inheritdoc/>
    public IReadOnlyList<TensorInfo> State { get; }

    /// <inheritdoc/>
    public void Read(string name, Span<float> target) => _state[name].CopyTo(target);
}
