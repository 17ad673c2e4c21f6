namespace DeepLab.Cpu;

/// <summary>
/// Counts the native buffers that this process has allocated so far: a computation in its steady state allocates none.
/// </summary>
internal static class NativeAllocations
{
    private static long s_count;

    /// <summary>Buffers allocated so far.</summary>
    public static long Count => Volatile.Read(ref s_count);

    /// <summary>Adds one to the count.</summary>
    public static void Add() => Interlocked.Increment(ref s_count);
}
