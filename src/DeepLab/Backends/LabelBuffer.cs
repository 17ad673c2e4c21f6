namespace DeepLab.Backends;

/// <summary>Labels in a device's memory, one byte each.</summary>
/// <param name="length">The number of labels it can hold.</param>
internal abstract class LabelBuffer(int length) : IDisposable
{
    /// <summary>The number of labels it can hold.</summary>
    public int Length => length;

    /// <inheritdoc/>
    public abstract void Dispose();
}

/// <summary>
/// Double-precision numbers in a device's memory. Operations write their sums there, so that the host need not wait for
/// each: <see cref="Execution.Read"/> reads them all at once.
/// </summary>
/// <param name="length">The number of values.</param>
internal abstract class ScalarBuffer(int length) : IDisposable
{
    /// <summary>The number of values.</summary>
    public int Length => length;

    /// <inheritdoc/>
    public abstract void Dispose();
}
