using DeepLab.Data;
using DeepLab.Models;

namespace DeepLab.Weights;

/// <summary>Weights with other class names, whose checksum is taken as they are read, so that a conversion reads each array once.</summary>
/// <param name="source">The weights.</param>
/// <param name="classNames">The names of the classes, or null.</param>
public sealed class ConvertedWeights(INetworkWeights source, IReadOnlyList<string>? classNames) : INetworkWeights
{
    private readonly WeightsChecksum _checksum = new();
    private int _added;

    /// <inheritdoc/>
    public DeepLabConfiguration Configuration => source.Configuration;

    /// <inheritdoc/>
    public IReadOnlyList<string>? ClassNames => classNames;

    /// <inheritdoc/>
    public IReadOnlyList<TensorInfo> State => source.State;

    /// <inheritdoc/>
    public void Read(string name, Span<float> target)
    {
        source.Read(name, target);
        if (_added == State.Count || State[_added].Name != name) return;
        _checksum.Add(State[_added++], target);
    }

    /// <summary>The checksum of the source; arrays that were not read in their order are read for it now.</summary>
    public string Checksum() => _added == State.Count ? _checksum.Result() : WeightsChecksum.Of(source);
}
