using System.Runtime.InteropServices;

namespace DeepLab.Cpu;

/// <summary>One operation, divided into numbered units that may run in any order, on any thread.</summary>
internal interface IParallelBody
{
    /// <summary>Runs one unit.</summary>
    /// <param name="unit">The number of the unit.</param>
    /// <param name="worker">The worker that runs it, from 0 to threads − 1, which identifies the scratch memory to
    /// use.</param>
    void Run(int unit, int worker);
}

/// <summary>
/// A share in a set of threads that work on the units of one operation. There is one set per process and number of
/// threads, however many pools are rented: the threads start with the first pool and end when the last one is disposed,
/// so a network and the CRF behind it do not compete for the same cores. The caller works too, and a pool of one thread
/// is just the caller.
/// <para>
/// Any thread may call. Concurrent callers' operations run one after another where they need the threads, and at the
/// same time where the caller works alone (one thread, or one unit); scratch memory that a body finds by its worker
/// number must therefore belong to one caller.
/// </para>
/// </summary>
internal sealed class WorkerPool : IDisposable
{
    private const int MostThreads = 1024;

    private static readonly Dictionary<int, WorkerThreads> s_rented = [];

    private readonly WorkerThreads? _workers;     // null if the caller works alone
    private bool _disposed;

    private WorkerPool(int threads, WorkerThreads? workers) => (Threads, _workers) = (threads, workers);

    /// <summary>The number of threads that share the work, including the caller's.</summary>
    public int Threads { get; }

    /// <summary>The number of pools that currently share the threads.</summary>
    public int Holders
    {
        get
        {
            lock (s_rented) return _workers?.Holders ?? 1;
        }
    }

    /// <summary>The number of units for some values, at a given number of values per unit.</summary>
    public static int UnitsOf(long values, int unit) => checked((int)((values + unit - 1) / unit));

    /// <summary>
    /// Takes a share in the set with this number of threads, starting them unless another pool already has.
    /// </summary>
    /// <param name="threads">The number of compute threads, including the caller's; 0 for one per processor.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number of threads is negative or over 1024.</exception>
    public static WorkerPool Rent(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(threads, MostThreads);
        if (threads == 0) threads = Environment.ProcessorCount;
        if (threads == 1) return new WorkerPool(1, null);
        lock (s_rented)
        {
            if (!s_rented.TryGetValue(threads, out WorkerThreads? workers)) s_rented[threads] = workers = new WorkerThreads(threads - 1);
            workers.Holders++;
            return new WorkerPool(threads, workers);
        }
    }

    /// <summary>Runs all units and returns when the last is done. Allocates nothing.</summary>
    /// <exception cref="ObjectDisposedException">The pool was disposed.</exception>
    public void Run<TBody>(ref TBody body, int units)
        where TBody : unmanaged, IParallelBody
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed), this);
        if (_workers is not null && units > 1)
        {
            _workers.Run(ref body, units);
            return;
        }

        for (int unit = 0; unit < units; unit++) body.Run(unit, 0);
    }

    /// <summary>
    /// The same for a method of (unit, worker); allocates nothing if the caller keeps the delegate.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The pool was disposed.</exception>
    public void Run(Action<int, int> body, int units)
    {
        using var handle = new GCHandle<Action<int, int>>(body);
        var call = new DelegateBody { Handle = handle };
        Run(ref call, units);
    }

    /// <summary>
    /// Returns the share; the last one waits for any operation that is still running and ends the threads.
    /// </summary>
    public void Dispose()
    {
        lock (s_rented)
        {
            if (_disposed) return;
            Volatile.Write(ref _disposed, true);
            if (_workers is null || --_workers.Holders > 0) return;
            s_rented.Remove(Threads);
        }

        _workers.End();
    }

    private struct DelegateBody : IParallelBody
    {
        public GCHandle<Action<int, int>> Handle;

        public readonly void Run(int unit, int worker) => Handle.Target(unit, worker);
    }
}
