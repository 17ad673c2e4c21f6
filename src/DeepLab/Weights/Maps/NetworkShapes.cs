using System.Collections.Concurrent;
using DeepLab.Backends;
using DeepLab.Layers;
using DeepLab.Models;

namespace DeepLab.Weights.Maps;

/// <summary>Names and shapes of a network's arrays, without memory for them.</summary>
internal static class NetworkShapes
{
    /// <summary>What our names begin with.</summary>
    public const string Prefix = "Scale.";

    private static readonly ConcurrentDictionary<int, string[]> s_paths = new();

    /// <summary>Our paths below the prefix of a network's arrays, the last layer's at the end.</summary>
    public static IReadOnlyList<string> Paths(int depth) =>
        s_paths.GetOrAdd(depth, static depth => [.. Of(new DeepLabConfiguration(depth)).Select(t => t.Name[Prefix.Length..])]);

    /// <summary>The arrays of a network, or of all but its last layer, in the order of its files.</summary>
    public static IReadOnlyList<StateTensor> Of(DeepLabConfiguration configuration, bool includeHead = true)
    {
        IReadOnlyList<StateTensor> state = new DeepLabResNet(new Backends.Cpu.CpuBackend(1), configuration).State;
        return includeHead ? state : [.. state.Where(t => !IsHead(t.Name))];
    }

    /// <summary>Whether an array belongs to the last layer.</summary>
    public static bool IsHead(string name) => name.StartsWith($"{Prefix}layer5.", StringComparison.Ordinal);

    /// <summary>Whether an array is a batch norm's mean or variance.</summary>
    public static bool IsStatistic(string name) => name.Contains(".running_", StringComparison.Ordinal);
}
