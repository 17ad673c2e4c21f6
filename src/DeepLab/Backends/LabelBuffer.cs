namespace DeepLab.Backends;

/// <summary>Labels in a device's memory, one byte each.</summary>
/// <param name="length">How many there is room for.</param>
internal abstract class LabelBuffer(int length) : IDisposable
{
    /// <summary>How many labels there is room for.</summary>
    public int Length => length;

    /// <inheritdoc/>
    public abstract void Dispose();
}

/// <summary>
/// Numbers in double precision in a device's memory. Operations write their sums there, so that the host need not wait for each: <see cref="Execution.Read"/> reads them all at once.
/// </summary>
/// <param name="length">How many there are.</param>
internal abstract class ScalarBuffer(int length) : IDisposable
{
    /// <summary>How many there are.</summary>
    public int Length => length;

    /// <inheritdoc/>
    public abstract void Dispose();
}
