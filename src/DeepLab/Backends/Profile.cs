namespace DeepLab.Backends;

/// <summary>One kind of operation in one layer.</summary>
/// <param name="Kind">What was done: <c>forward</c>, <c>input gradient</c>, <c>weight gradient</c>, or the name of the operation.</param>
/// <param name="Layer">The convolution's name; empty for operations that belong to none.</param>
internal readonly record struct ProfiledOperation(string Kind, string Layer);

/// <summary>What an operation took, all calls together.</summary>
/// <param name="Calls">How often it was called.</param>
/// <param name="Seconds">Time.</param>
/// <param name="FloatingPointOperations">Those of the plain sums, a multiplication and an addition counting two; 0 for all but convolutions.</param>
internal readonly record struct ProfiledCost(int Calls, double Seconds, double FloatingPointOperations);

/// <summary>Adds up what each operation of an <see cref="Execution"/> takes.</summary>
internal sealed class Profile
{
    private readonly Dictionary<ProfiledOperation, ProfiledCost> _costs = [];

    /// <summary>What has been seen, in the order of first calls.</summary>
    public IReadOnlyDictionary<ProfiledOperation, ProfiledCost> Costs => _costs;

    /// <summary>Adds one call.</summary>
    public void Add(string kind, string layer, double seconds, double operations)
    {
        var operation = new ProfiledOperation(kind, layer);
        ProfiledCost cost = _costs.GetValueOrDefault(operation);
        _costs[operation] = new ProfiledCost(cost.Calls + 1, cost.Seconds + seconds, cost.FloatingPointOperations + operations);
    }
}
