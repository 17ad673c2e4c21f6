using System.Globalization;
using DeepLab.Backends.Cpu;
using DeepLab.Cpu;

namespace DeepLab.Backends;

/// <summary>A place to compute: <c>cpu</c>, or one of several of a kind, <c>cuda:0</c>.</summary>
/// <param name="Kind">The kind of device, in lower case: <c>cpu</c>.</param>
/// <param name="Index">Which of its kind, from 0.</param>
public sealed record Device(string Kind, int Index = 0)
{
    private static readonly Lock s_gate = new();
    private static readonly List<DeviceProvider> s_providers = [new CpuDeviceProvider()];

    /// <summary>The processor.</summary>
    public static Device Cpu { get; } = new(CpuDeviceProvider.CpuKind);

    /// <summary>The devices that this machine has, of all kinds that the program knows; the processor first.</summary>
    public static IReadOnlyList<Device> All => [.. Providers.SelectMany(p => Enumerable.Range(0, p.Count).Select(i => new Device(p.Kind, i)))];

    /// <summary>The kinds of devices that the program knows, whether the machine has one or not.</summary>
    public static IReadOnlyList<string> Kinds => [.. Providers.Select(p => p.Kind)];

    /// <summary>What it is, for people: the processor's instruction set, or a GPU's name.</summary>
    /// <exception cref="DeepLabException">There is no such device.</exception>
    public string Description => Provider.Describe(Index);

    private static DeviceProvider[] Providers
    {
        get
        {
            lock (s_gate) return [.. s_providers];
        }
    }

    private DeviceProvider Provider
    {
        get
        {
            DeviceProvider provider = Providers.FirstOrDefault(p => p.Kind == Kind)
                ?? throw new DeepLabException($"there is no kind of device '{Kind}': known are {string.Join(", ", Kinds)}");
            return Index >= 0 && Index < provider.Count
                ? provider
                : throw new DeepLabException($"there is no device {this}: {(provider.Count == 0 ? $"this machine has no {Kind}" : $"the last is {new Device(Kind, provider.Count - 1)}")}");
        }
    }

    /// <summary>The device of a name such as <c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>.</summary>
    /// <exception cref="DeepLabException">There is no such kind, or this machine has no such device.</exception>
    public static Device Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.Split(':');
        if (parts.Length > 2 || parts[0].Length == 0 || (parts.Length == 2 && !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out _)))
            throw new DeepLabException($"'{text}' names no device: expected a kind, or a kind and a number such as cuda:0; known are {string.Join(", ", Kinds)}");
        var device = new Device(parts[0].ToLowerInvariant(), parts.Length == 2 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : 0);
        _ = device.Provider;
        return device;
    }

    /// <summary>Makes what computes there; the caller disposes it, after the networks and computations on it.</summary>
    /// <param name="options">Threads and kernels; null for the defaults.</param>
    /// <exception cref="DeepLabException">There is no such device, or it lacks what the options ask for.</exception>
    public Backend CreateBackend(BackendOptions? options = null) => Provider.Create(Index, options ?? new BackendOptions());

    /// <inheritdoc/>
    public override string ToString() => Index == 0 && Kind == CpuDeviceProvider.CpuKind ? Kind : $"{Kind}:{Index}";

    /// <summary>Makes a kind of device known, once; a package that brings one does this when it is loaded.</summary>
    internal static void Register(DeviceProvider provider)
    {
        lock (s_gate)
        {
            if (s_providers.All(p => p.Kind != provider.Kind)) s_providers.Add(provider);
        }
    }
}

/// <summary>Knows the devices of one kind, and makes their backends.</summary>
internal abstract class DeviceProvider
{
    /// <summary>The kind's name, in lower case.</summary>
    public abstract string Kind { get; }

    /// <summary>How many this machine has.</summary>
    public abstract int Count { get; }

    /// <summary>What one is, for people.</summary>
    public abstract string Describe(int index);

    /// <summary>Makes the backend of one.</summary>
    public abstract Backend Create(int index, BackendOptions options);
}

/// <summary>How a device computes.</summary>
public sealed record BackendOptions
{
    /// <summary>Threads that compute, the caller's among them, up to 1024; 0 for one per processor. Results do not depend on it.</summary>
    public int Threads { get; init; }

    /// <summary>The instruction sets that this process may use, the widest last.</summary>
    public static IReadOnlyList<InstructionSet> AvailableInstructionSets { get; } = [.. Enum.GetValues<InstructionSet>().Where(s => s <= InstructionSets.Best)];

    /// <summary>The instruction set of the CPU's kernels; null for the widest that this process may use. Results of different sets differ in their last bits.</summary>
    public InstructionSet? InstructionSet { get; init; }

    /// <summary>
    /// Whether all 3×3 convolutions are summed tap by tap instead of by Winograd's minimal filtering, which is faster and rounds some ten times as much.
    /// </summary>
    public bool ExactConvolutions { get; init; }
}
