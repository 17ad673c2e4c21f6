using DeepLab.Backends.Cpu;
using DeepLab.Cpu;
using DeepLab.Crf;
using Xunit;

namespace DeepLab.Tests.Cpu;

/// <summary>The thread counts are ones that no other test rents, since tests run concurrently.</summary>
public sealed class WorkerPoolTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    [Fact]
    public void Pools_with_the_same_number_share_their_threads_and_others_do_not()
    {
        using WorkerPool first = WorkerPool.Rent(11), second = WorkerPool.Rent(11), other = WorkerPool.Rent(13);
        Thread[] threads = ThreadsOf(first);
        Assert.Equal(11, threads.Distinct().Count());
        Assert.Same(Thread.CurrentThread, threads[0]);
        Assert.Equal(threads, ThreadsOf(second));
        Assert.Equal([Thread.CurrentThread], threads.Intersect(ThreadsOf(other)));
        Assert.Equal((2, 2, 1), (first.Holders, second.Holders, other.Holders));
    }

    [Fact]
    public void A_network_and_a_CRF_share_their_threads()
    {
        using WorkerPool pool = WorkerPool.Rent(17);
        using (var backend = new CpuBackend(17))
        using (var crf = new DenseCrf(threads: 17))
        {
            Assert.Equal(3, pool.Holders);
            crf.Dispose();
            Assert.Equal(2, pool.Holders);
        }

        Assert.Equal(1, pool.Holders);
    }

    [Fact]
    public void Zero_is_one_thread_per_processor()
    {
        using WorkerPool pool = WorkerPool.Rent(0);
        Assert.Equal(Environment.ProcessorCount, pool.Threads);
        Assert.Throws<ArgumentOutOfRangeException>(() => WorkerPool.Rent(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => WorkerPool.Rent(1025));
    }

    [Fact]
    public void Threads_end_with_the_last_pool_that_shares_them()
    {
        WorkerPool first = WorkerPool.Rent(11), second = WorkerPool.Rent(11);
        Thread[] threads = ThreadsOf(first)[1..];
        first.Dispose();
        Assert.Equal(threads, ThreadsOf(second)[1..]);

        // A second call returns nothing that belongs to others.
        first.Dispose();
        Assert.Equal(threads, ThreadsOf(second)[1..]);
        second.Dispose();
        Assert.All(threads, thread => Assert.False(thread.IsAlive));

        using WorkerPool third = WorkerPool.Rent(11);
        Assert.Empty(threads.Intersect(ThreadsOf(third)));
    }

    [Fact]
    public void No_thread_is_left_after_many_pools()
    {
        var threads = new List<Thread>();
        for (int round = 0; round < 200; round++)
        {
            using WorkerPool pool = WorkerPool.Rent(5), sharing = WorkerPool.Rent(5);
            threads.AddRange(ThreadsOf(round % 2 == 0 ? pool : sharing)[1..]);
        }

        Assert.Equal(200 * 4, threads.Distinct().Count());
        Assert.All(threads, thread => Assert.False(thread.IsAlive));
    }

    [Fact]
    public void A_pool_that_was_disposed_of_is_refused_though_others_share_its_threads()
    {
        foreach (int threads in (int[])[1, 11])
        {
            WorkerPool pool = WorkerPool.Rent(threads);
            using WorkerPool sharing = WorkerPool.Rent(threads);
            pool.Dispose();
            foreach (int units in (int[])[1, 20]) Assert.Throws<ObjectDisposedException>(() => pool.Run((_, _) => { }, units));
            sharing.Run((_, _) => { }, 20);
        }
    }

    [Fact]
    public void Disposing_waits_for_an_operation_that_runs()
    {
        WorkerPool pool = WorkerPool.Rent(11);
        using var started = new ManualResetEventSlim();
        using var mayEnd = new ManualResetEventSlim();
        int done = 0;
        Thread caller = Start(() => pool.Run(
            (_, _) =>
            {
                started.Set();
                Assert.True(mayEnd.Wait(s_patience));
                Interlocked.Increment(ref done);
            },
            40));
        Assert.True(started.Wait(s_patience));
        Thread disposer = Start(pool.Dispose);
        Assert.False(disposer.Join(TimeSpan.FromMilliseconds(50)));
        mayEnd.Set();
        Assert.True(caller.Join(s_patience) && disposer.Join(s_patience));
        Assert.Equal(40, done);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(11)]
    public void Callers_at_once_get_their_own_results(int threads) => AllAtOnce(8, caller =>
    {
        using WorkerPool pool = WorkerPool.Rent(threads);
        var results = new long[60];
        for (int round = 0; round < 40; round++)
        {
            int units = 1 + ((round + caller) % results.Length);
            Array.Clear(results);
            pool.Run((unit, worker) => results[unit] += (1000 * caller) + unit + (worker < threads ? 0 : 1_000_000), units);
            Assert.Equal(Enumerable.Range(0, results.Length).Select(unit => unit < units ? (1000L * caller) + unit : 0), results);
        }
    });

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void An_exception_reaches_its_own_caller_and_leaves_the_threads_usable(int threads) => AllAtOnce(6, caller =>
    {
        using WorkerPool pool = WorkerPool.Rent(threads);
        for (int round = 0; round < 30; round++)
        {
            int failing = caller % 2 == 0 ? (caller + round) % 30 : -1, done = 0;
            void Run() => pool.Run(
                (unit, _) =>
                {
                    if (unit == failing) throw new InvalidOperationException($"unit {unit} of caller {caller}");
                    Interlocked.Increment(ref done);
                },
                30);
            if (failing < 0) Run();
            else Assert.Equal($"unit {failing} of caller {caller}", Assert.Throws<InvalidOperationException>(Run).Message);
            Assert.InRange(done, failing < 0 ? 30 : 0, failing < 0 ? 30 : 29);
        }
    });

    [Fact]
    public void Callers_that_work_alone_do_not_wait_for_each_other()
    {
        using WorkerPool one = WorkerPool.Rent(1), many = WorkerPool.Rent(11);
        foreach ((WorkerPool pool, int units) in ((WorkerPool, int)[])[(one, 3), (many, 1)])
        {
            using var together = new Barrier(4);
            AllAtOnce(4, _ => pool.Run((_, _) => Assert.True(together.SignalAndWait(s_patience)), units));
        }
    }

    [Fact]
    public void Threads_do_not_keep_the_context_of_who_started_them()
    {
        var context = new AsyncLocal<string> { Value = "a request" };
        using WorkerPool pool = WorkerPool.Rent(11);
        var seen = new string?[11];
        using var all = new Barrier(11);
        pool.Run(
            (_, worker) =>
            {
                Assert.True(all.SignalAndWait(s_patience));
                seen[worker] = context.Value;
            },
            11);
        Assert.Equal("a request", seen[0]);
        Assert.All(seen[1..], Assert.Null);
    }

    /// <summary>
    /// The caller's thread and the pool's, by worker: as many units as threads, none of which ends before all have
    /// started.
    /// </summary>
    private static Thread[] ThreadsOf(WorkerPool pool)
    {
        var threads = new Thread[pool.Threads];
        using var all = new Barrier(pool.Threads);
        pool.Run(
            (_, worker) =>
            {
                threads[worker] = Thread.CurrentThread;
                Assert.True(all.SignalAndWait(s_patience));
            },
            pool.Threads);
        return threads;
    }

    private static void AllAtOnce(int callers, Action<int> body)
    {
        var failures = new Exception?[callers];
        Thread[] threads = [.. Enumerable.Range(0, callers).Select(caller => Start(() => failures[caller] = Record.Exception(() => body(caller))))];
        foreach (Thread thread in threads) Assert.True(thread.Join(s_patience));
        Assert.All(failures, Assert.Null);
    }

    private static Thread Start(ThreadStart body)
    {
        var thread = new Thread(body) { IsBackground = true };
        thread.Start();
        return thread;
    }
}
