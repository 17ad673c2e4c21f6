namespace DeepLab.Backends;

/// <summary>One kind of operation in one layer.</summary>
/// <param name="Kind">
/// What was done: <c>forward</c>, <c>input gradient</c>, <c>weight gradient</c>, or the name of the operation.
/// </param>
/// <param name="Layer">The convolution's name; empty for operations that belong to none.</param>
internal readonly record struct ProfiledOperation(string Kind, string Layer);

/// <summary>The total cost of an operation over all calls.</summary>
/// <param name="Calls">The number of calls.</param>
/// <param name="Seconds">The total time.</param>
/// <param name="FloatingPointOperations">
/// Those of the convolution computed directly, a multiply-add counting as two; 0 for everything but convolutions.
/// </param>
internal readonly record struct ProfiledCost(int Calls, double Seconds, double FloatingPointOperations);

/// <summary>Adds up the cost of each operation of an <see cref="Execution"/>.</summary>
internal sealed class Profile
{
    private readonly Dictionary<ProfiledOperation, ProfiledCost> _costs = [];

    /// <summary>The operations so far, in the order of their first calls.</summary>
    public IReadOnlyDictionary<ProfiledOperation, ProfiledCost> Costs => _costs;

    /// <summary>Adds one call.</summary>
    public void Add(string kind, string layer, double seconds, double operations)
    {
        var operation = new ProfiledOperation(kind, layer);
        ProfiledCost cost = _costs.GetValueOrDefault(operation);
        _costs[operation] = new ProfiledCost(cost.Calls + 1, cost.Seconds + seconds, cost.FloatingPointOperations + operations);
    }
}
