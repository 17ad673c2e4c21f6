using DeepLab.Imaging;

namespace DeepLab.Inference;

/// <summary>
/// Predicts many photographs: while the network computes, other threads read the next ones and write the results of the
/// previous ones. Results come in the order of the photographs. At most <see cref="ReadAhead"/> photographs wait to be
/// predicted and <see cref="WriteBehind"/> to be written, so that memory is bounded.
/// </summary>
public static class PredictionPipeline
{
    /// <summary>The maximum number of photographs that have been read, or are being read, before their turn.</summary>
    internal const int ReadAhead = 2;

    /// <summary>The maximum number of photographs that have been predicted and are being written.</summary>
    internal const int WriteBehind = 3;

    /// <summary>The outcome of a photograph: it is being written, or it failed.</summary>
    private sealed record End<TItem, TResult>(TItem Item, Task<TResult>? Written, DeepLabException? Failure);

    /// <summary>
    /// Processes all photographs. When it returns or throws, nothing is being read or written anymore.
    /// </summary>
    /// <typeparam name="TItem">What identifies a photograph: its path, for instance.</typeparam>
    /// <typeparam name="TResult">What writing returns.</typeparam>
    /// <param name="items">The photographs.</param>
    /// <param name="read">Reads one; on any thread, several at once.</param>
    /// <param name="predict">Predicts one; on the caller's thread, one by one.</param>
    /// <param name="write">Writes what was predicted; on any thread, several at once.</param>
    /// <param name="done">Called for each one that was written; on the caller's thread, in order.</param>
    /// <param name="failed">
    /// Called for each one that could not be read or predicted; the others continue. On the caller's thread, in order.
    /// </param>
    /// <param name="cancellation">
    /// Stops before the next photograph; what has been predicted is still written and reported.
    /// </param>
    /// <exception cref="DeepLabException">
    /// A result could not be written; the photographs after it are not predicted.
    /// </exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static void Run<TItem, TResult>(
        IReadOnlyList<TItem> items,
        Func<TItem, RgbImage> read,
        Func<RgbImage, PhotographPrediction> predict,
        Func<TItem, RgbImage, PhotographPrediction, TResult> write,
        Action<TItem, TResult> done,
        Action<TItem, DeepLabException> failed,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        var reads = new Queue<Task<RgbImage>>();
        var ends = new Queue<End<TItem, TResult>>();
        int started = 0;
        void ReadUntil(int until)
        {
            while (started < Math.Min(until, items.Count))
            {
                TItem item = items[started++];
                reads.Enqueue(Start(() => read(item)));
            }
        }

        void Tell(int most)
        {
            while (ends.Count > 0 && (ends.Count > most || ends.Peek().Written is null or { IsCompleted: true }))
            {
                End<TItem, TResult> end = ends.Peek();
                if (end.Written is null) failed(end.Item, end.Failure!);
                else done(end.Item, end.Written.GetAwaiter().GetResult());
                ends.Dequeue();
            }
        }

        try
        {
            for (int i = 0; i < items.Count && !cancellation.IsCancellationRequested; i++)
            {
                TItem item = items[i];
                ReadUntil(i + 1);
                try
                {
                    // Wait for this photograph to be read; the next reads begin before the network does.
                    RgbImage image = reads.Peek().GetAwaiter().GetResult();
                    ReadUntil(i + 1 + ReadAhead);
                    PhotographPrediction prediction = predict(image);
                    ends.Enqueue(new End<TItem, TResult>(item, Start(() => write(item, image, prediction)), null));
                }
                catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
                {
                    break; // in the middle of a photograph; those before it are still reported
                }
                catch (DeepLabException e)
                {
                    ends.Enqueue(new End<TItem, TResult>(item, null, e));
                }

                reads.Dequeue();
                Tell(WriteBehind);
            }

            Tell(0);
            cancellation.ThrowIfCancellationRequested();
        }
        finally
        {
            Task[] unfinished = [.. reads, .. ends.Select(e => e.Written).OfType<Task<TResult>>()];
            Task.WhenAll(unfinished).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).Wait(CancellationToken.None);
        }
    }

    // On a dedicated thread: a thread-pool task that has not started would run on the thread that waits for it, the
    // network's.
    private static Task<T> Start<T>(Func<T> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
