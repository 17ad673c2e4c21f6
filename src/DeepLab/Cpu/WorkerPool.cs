using System.Runtime.InteropServices;

namespace DeepLab.Cpu;

/// <summary>One operation cut into numbered units that may run in any order, on any thread.</summary>
internal interface IParallelBody
{
    /// <summary>Does one unit.</summary>
    /// <param name="unit">Which one.</param>
    /// <param name="worker">Who does it, from 0 to threads − 1: names the scratch memory to use.</param>
    void Run(int unit, int worker);
}

/// <summary>
/// A share in a set of threads that work on the units of one operation. There is one set per process and number of
/// threads, however many pools are rented: the threads start with the first pool and end when the last one is disposed
/// of. So a network and the CRF behind it do not compete for the same cores. The caller works too, and a pool of one
/// thread is the caller alone.
/// <para>
/// Any thread may call. Operations of callers at the same time run one after another where they need the threads, and
/// at once where the caller works alone (one thread, or one unit); scratch memory that a body finds by its worker
/// therefore belongs to one caller.
/// </para>
/// </summary>
internal sealed class WorkerPool : IDisposable
{
    private const int MostThreads = 1024;

    private static readonly Dictionary<int, WorkerThreads> s_rented = [];

    private readonly WorkerThreads? _workers;     // null for the caller alone
    private bool _disposed;

    private WorkerPool(int threads, WorkerThreads? workers) => (Threads, _workers) = (threads, workers);

    /// <summary>Threads that share the work, the caller's among them.</summary>
    public int Threads { get; }

    /// <summary>How many pools share the threads at the moment.</summary>
    public int Holders
    {
        get
        {
            lock (s_rented) return _workers?.Holders ?? 1;
        }
    }

    /// <summary>The units of so many values each that some values make.</summary>
    public static int UnitsOf(long values, int unit) => checked((int)((values + unit - 1) / unit));

    /// <summary>Takes a share in the threads of a number, which start unless another pool has them already.</summary>
    /// <param name="threads">Threads that compute, the caller's among them; 0 for one per processor.</param>
    /// <exception cref="ArgumentOutOfRangeException">Threads are negative or over 1024.</exception>
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

    /// <summary>Runs all units and returns when the last is done. Nothing is allocated.</summary>
    /// <exception cref="ObjectDisposedException">The pool was disposed of.</exception>
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
    /// The same for a method of (unit, worker); nothing is allocated if the caller keeps the delegate.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The pool was disposed of.</exception>
    public void Run(Action<int, int> body, int units)
    {
        using var handle = new GCHandle<Action<int, int>>(body);
        var call = new DelegateBody { Handle = handle };
        Run(ref call, units);
    }

    /// <summary>
    /// Gives the share back; the last one waits for an operation that still runs and ends the threads.
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
