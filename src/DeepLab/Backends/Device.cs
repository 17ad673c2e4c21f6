using System.Globalization;
using DeepLab.Backends.Cpu;
using DeepLab.Cpu;

namespace DeepLab.Backends;

/// <summary>A device to compute on: <c>cpu</c>, or one of several of a kind, <c>cuda:0</c>.</summary>
/// <param name="Kind">The kind of device, in lower case: <c>cpu</c>.</param>
/// <param name="Index">Its index among the devices of its kind, from 0.</param>
public sealed record Device(string Kind, int Index = 0)
{
    private static readonly Lock s_gate = new();
    private static readonly List<DeviceProvider> s_providers = [new CpuDeviceProvider()];

    /// <summary>The CPU.</summary>
    public static Device Cpu { get; } = new(CpuDeviceProvider.CpuKind);

    /// <summary>The devices of this machine, of all kinds known to the program; the CPU first.</summary>
    public static IReadOnlyList<Device> All => [.. Providers.SelectMany(p => Enumerable.Range(0, p.Count).Select(i => new Device(p.Kind, i)))];

    /// <summary>The kinds of devices known to the program, whether or not the machine has one.</summary>
    public static IReadOnlyList<string> Kinds => [.. Providers.Select(p => p.Kind)];

    /// <summary>A human-readable description: the CPU's instruction set, or a GPU's name.</summary>
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

    /// <summary>The device with a name such as <c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>.</summary>
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

    /// <summary>
    /// Creates a backend for this device; the caller disposes of it, after the networks and computations on it.
    /// </summary>
    /// <param name="options">Threads and kernels; null for the defaults.</param>
    /// <exception cref="DeepLabException">There is no such device, or it lacks what the options require.</exception>
    public Backend CreateBackend(BackendOptions? options = null) => Provider.Create(Index, options ?? new BackendOptions());

    /// <inheritdoc/>
    public override string ToString() => Index == 0 && Kind == CpuDeviceProvider.CpuKind ? Kind : $"{Kind}:{Index}";

    /// <summary>Registers a kind of device, once; a package that provides one does this when it is loaded.</summary>
    internal static void Register(DeviceProvider provider)
    {
        lock (s_gate)
        {
            if (s_providers.All(p => p.Kind != provider.Kind)) s_providers.Add(provider);
        }
    }
}

/// <summary>Lists the devices of one kind and creates their backends.</summary>
internal abstract class DeviceProvider
{
    /// <summary>The kind's name, in lower case.</summary>
    public abstract string Kind { get; }

    /// <summary>The number of devices of this kind on this machine.</summary>
    public abstract int Count { get; }

    /// <summary>A human-readable description of one device.</summary>
    public abstract string Describe(int index);

    /// <summary>Creates a backend for one device.</summary>
    public abstract Backend Create(int index, BackendOptions options);
}

/// <summary>Options for how a device computes.</summary>
public sealed record BackendOptions
{
    /// <summary>
    /// The number of compute threads including the caller's, up to 1024; 0 for one per processor. Results do not depend
    /// on it.
    /// </summary>
    public int Threads { get; init; }

    /// <summary>The instruction sets that this process may use, the widest last.</summary>
    public static IReadOnlyList<InstructionSet> AvailableInstructionSets { get; } = [.. Enum.GetValues<InstructionSet>().Where(s => s <= InstructionSets.Best)];

    /// <summary>
    /// The instruction set of the CPU's kernels; null for the widest that this process may use. Results differ between
    /// sets in their last bits.
    /// </summary>
    public InstructionSet? InstructionSet { get; init; }

    /// <summary>
    /// Whether all 3×3 convolutions are summed tap by tap instead of by Winograd's minimal filtering, which is faster
    /// but has about ten times the rounding error.
    /// </summary>
    public bool ExactConvolutions { get; init; }
}
