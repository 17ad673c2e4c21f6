namespace DeepLab.Tensors;

/// <summary>Memory of a device, counted in values; what a value is (a float on the CPU) is up to the backend.</summary>
internal abstract class DeviceBuffer : IDisposable
{
    /// <summary>Creates the buffer's handle.</summary>
    /// <param name="length">The number of values in the buffer.</param>
    protected DeviceBuffer(long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = length;
    }

    /// <summary>The number of values in the buffer.</summary>
    public long Length { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees the memory.</summary>
    protected abstract void Dispose(bool disposing);
}

/// <summary>The source of memory for tensors.</summary>
internal interface IBufferAllocator
{
    /// <summary>Allocates a buffer filled with zeros.</summary>
    /// <param name="length">The number of values in the buffer.</param>
    DeviceBuffer Allocate(long length);
}
