using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
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
/// Threads that share the units of one operation. The caller works too. Nothing is allocated a call; idle threads spin for
/// some microseconds, since the next operation usually follows at once, and then sleep.
/// </summary>
internal sealed unsafe class WorkerPool : IDisposable
{
    private const int SpinsBeforeSleep = 4000;

    private readonly Thread[] _threads;
    private readonly object _gate = new();
    private readonly object _callers = new();
    private delegate*<void*, int, int, void> _invoke;
    private void* _body;
    private int _units;
    private int _nextUnit;
    private int _busy;
    private int _generation;
    private int _sleepers;
    private bool _stop;
    private Exception? _failure;

    public WorkerPool(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threads);
        Threads = threads;
        _threads = new Thread[threads - 1];
        for (int i = 0; i < _threads.Length; i++)
        {
            int worker = i + 1;
            _threads[i] = new Thread(() => Work(worker)) { IsBackground = true, Name = $"DeepLab worker {worker}" };
            _threads[i].Start();
        }
    }

    /// <summary>Threads that share the work, the caller's among them.</summary>
    public int Threads { get; }

    /// <summary>The units of so many values each that some values make.</summary>
    public static int UnitsOf(long values, int unit) => checked((int)((values + unit - 1) / unit));

    /// <summary>Runs all units and returns when the last is done.</summary>
    /// <exception cref="ObjectDisposedException">The threads have ended.</exception>
    public void Run<TBody>(ref TBody body, int units)
        where TBody : unmanaged, IParallelBody
    {
        lock (_callers)
        {
            ObjectDisposedException.ThrowIf(_stop, this);
            if (_threads.Length == 0 || units <= 1)
            {
                for (int unit = 0; unit < units; unit++) body.Run(unit, 0);
                return;
            }

            fixed (void* pointer = &body)
            {
                _invoke = &Invoke<TBody>;
                _body = pointer;
                _units = units;
                Volatile.Write(ref _nextUnit, 0);
                Volatile.Write(ref _busy, _threads.Length);
                Interlocked.Increment(ref _generation);
                if (Volatile.Read(ref _sleepers) > 0)
                {
                    lock (_gate) Monitor.PulseAll(_gate);
                }

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

    /// <summary>The same for a body that is an object, which may hold references.</summary>
    public void RunObject(IParallelBody body, int units)
    {
        var handle = GCHandle.Alloc(body);
        try
        {
            var referred = new ReferredBody { Target = handle };
            Run(ref referred, units);
        }
        finally
        {
            handle.Free();
        }
    }

    public void Dispose()
    {
        Volatile.Write(ref _stop, true);
        Interlocked.Increment(ref _generation);
        lock (_gate) Monitor.PulseAll(_gate);
        foreach (Thread thread in _threads) thread.Join();
    }

    private struct ReferredBody : IParallelBody
    {
        public GCHandle Target;

        public readonly void Run(int unit, int worker) => ((IParallelBody)Target.Target!).Run(unit, worker);
    }

    private static void Invoke<TBody>(void* body, int unit, int worker)
        where TBody : unmanaged, IParallelBody => Unsafe.AsRef<TBody>(body).Run(unit, worker);

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
            // Full fence between announcing the sleep and the last look: the caller either sees the sleeper or is seen.
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
