using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace DeepLab.Cpu;

/// <summary>
/// The threads behind <see cref="WorkerPool"/>. Idle threads spin for some microseconds, since the next operation
/// usually follows at once, and then sleep.
/// </summary>
internal sealed unsafe class WorkerThreads
{
    private const int SpinsBeforeSleep = 4000;

    private readonly List<Thread> _threads;
    private readonly object _gate = new();
    private readonly Lock _callers = new();
    private delegate*<void*, int, int, void> _invoke;
    private void* _body;
    private int _units;
    private int _nextUnit;
    private int _busy;
    private int _generation;
    private int _sleepers;
    private bool _stop;
    private Exception? _failure;

    /// <param name="count">The number of threads to start, in addition to the caller's.</param>
    public WorkerThreads(int count)
    {
        _threads = new(count);
        try
        {
            for (int worker = 1; worker <= count; worker++)
            {
                int self = worker;
                var thread = new Thread(() => Work(self)) { IsBackground = true, Name = $"DeepLab worker {worker}" };

                // The execution context of the caller that happens to start the threads must not flow into them, since
                // others will use them.
                thread.UnsafeStart();
                _threads.Add(thread);
            }
        }
        catch
        {
            End();
            throw;
        }
    }

    /// <summary>
    /// The number of pools that share these threads; read or changed only while holding the pools' lock.
    /// </summary>
    public int Holders { get; set; }

    /// <summary>
    /// Runs all units, with the caller as worker 0, and returns when the last is done; one caller at a time.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The threads have ended.</exception>
    public void Run<TBody>(ref TBody body, int units)
        where TBody : unmanaged, IParallelBody
    {
        lock (_callers)
        {
            ObjectDisposedException.ThrowIf(_stop, typeof(WorkerPool));
            fixed (void* pointer = &body)
            {
                _invoke = &Invoke<TBody>;
                _body = pointer;
                _units = units;
                Volatile.Write(ref _nextUnit, 0);
                Volatile.Write(ref _busy, _threads.Count);
                Announce();
                TakeUnits(0);
                var spinner = default(SpinWait);
                while (Volatile.Read(ref _busy) > 0) spinner.SpinOnce(sleep1Threshold: -1);
            }

            if (_failure is null) return;
            ExceptionDispatchInfo failure = ExceptionDispatchInfo.Capture(_failure);
            _failure = null;
            failure.Throw();
        }
    }

    /// <summary>Waits for a running operation, if there is one, and ends the threads.</summary>
    public void End()
    {
        lock (_callers)
        {
            if (_stop) return;
            Volatile.Write(ref _stop, true);
            Announce();
        }

        foreach (Thread thread in _threads) thread.Join();
    }

    private static void Invoke<TBody>(void* body, int unit, int worker)
        where TBody : unmanaged, IParallelBody => Unsafe.AsRef<TBody>(body).Run(unit, worker);

    /// <summary>Tells all threads that there is new work.</summary>
    private void Announce()
    {
        Interlocked.Increment(ref _generation);
        if (Volatile.Read(ref _sleepers) == 0) return;
        lock (_gate) Monitor.PulseAll(_gate);
    }

    private void Work(int worker)
    {
        int seen = 0;
        while (true)
        {
            WaitForChange(seen);
            seen = Volatile.Read(ref _generation);
            if (Volatile.Read(ref _stop)) return;
            TakeUnits(worker);
            Interlocked.Decrement(ref _busy);
        }
    }

    private void WaitForChange(int seen)
    {
        for (int spin = 0; spin < SpinsBeforeSleep; spin++)
        {
            if (Volatile.Read(ref _generation) != seen) return;
            Thread.SpinWait(8);
        }

        lock (_gate)
        {
            // Full fence between announcing the sleep and the final check: either the caller sees the sleeper, or the
            // sleeper sees the caller's update.
            Interlocked.Increment(ref _sleepers);
            while (Volatile.Read(ref _generation) == seen) Monitor.Wait(_gate);
            Interlocked.Decrement(ref _sleepers);
        }
    }

    private void TakeUnits(int worker)
    {
        try
        {
            int unit;
            while ((unit = Interlocked.Increment(ref _nextUnit) - 1) < _units) _invoke(_body, unit, worker);
        }
        catch (Exception e)
        {
            Interlocked.CompareExchange(ref _failure, e, null);
        }
    }
}
