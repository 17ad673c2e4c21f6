using System.Collections.Concurrent;
using DeepLab.Imaging;
using DeepLab.Inference;
using DeepLab.Tensors;
using Xunit;

namespace DeepLab.Tests.Inference;

public sealed class PredictionPipelineTests
{
    private const int Items = 40;

    private readonly List<string> _told = [];
    private int _waiting, _mostWaiting, _predicting;

    [Fact]
    public void Results_come_in_order_whatever_takes_long_and_few_photographs_are_held()
    {
        int caller = Environment.CurrentManagedThreadId;
        var random = new SeededRandom(4);
        int[] delays = [.. Enumerable.Range(0, 2 * Items).Select(_ => random.NextInt32(4))];
        var writers = new ConcurrentBag<int>();
        Run(
            read: i => Thread.Sleep(delays[i]),
            predict: _ =>
            {
                Assert.Equal(caller, Environment.CurrentManagedThreadId);
                Assert.Equal(1, Interlocked.Increment(ref _predicting));
                Interlocked.Decrement(ref _predicting);
            },
            write: i =>
            {
                writers.Add(Environment.CurrentManagedThreadId);
                Thread.Sleep(delays[Items + i]);
            });
        Assert.Equal(Enumerable.Range(0, Items).Select(i => $"{i} done"), _told);
        Assert.DoesNotContain(caller, writers);

        // Those read ahead, the one being predicted, and those being written.
        Assert.InRange(_mostWaiting, 2, PredictionPipeline.ReadAhead + 1 + PredictionPipeline.WriteBehind + 1);
    }

    [Fact]
    public void What_cannot_be_read_or_predicted_is_told_in_its_place_and_the_rest_goes_on()
    {
        Run(
            read: i => Fail(i % 5 == 1, "unreadable"),
            predict: i => Fail(i % 7 == 3, "too large"),
            write: _ => Thread.Sleep(1));
        Assert.Equal(
            Enumerable.Range(0, Items).Select(i => i % 5 == 1 ? $"{i} unreadable" : i % 7 == 3 ? $"{i} too large" : $"{i} done"), _told);
    }

    [Fact]
    public void What_cannot_be_written_ends_it_when_nothing_runs_any_more()
    {
        int writing = 0;
        DeepLabException e = Assert.Throws<DeepLabException>(() => Run(write: i =>
        {
            Interlocked.Increment(ref writing);
            Thread.Sleep(2);
            Interlocked.Decrement(ref writing);
            Fail(i == 4, "the disk is full");
        }));
        Assert.Equal("the disk is full", e.Message);
        Assert.Equal(0, writing);
        Assert.Equal(["0 done", "1 done", "2 done", "3 done"], _told);
    }

    [Fact]
    public void Cancelled_it_finishes_what_was_predicted()
    {
        using var cancellation = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => Run(
            predict: i =>
            {
                if (i == 6) cancellation.Cancel();
            },
            write: _ => Thread.Sleep(3),
            cancellation: cancellation.Token));
        Assert.Equal(Enumerable.Range(0, 7).Select(i => $"{i} done"), _told);
    }

    private static void Fail(bool fails, string message)
    {
        if (fails) throw new DeepLabException(message);
    }

    private void Run(Action<int>? read = null, Action<int>? predict = null, Action<int>? write = null, CancellationToken cancellation = default) => PredictionPipeline.Run(
        [.. Enumerable.Range(0, Items)],
        i =>
        {
            read?.Invoke(i);
            int waiting = Interlocked.Increment(ref _waiting);
            InterlockedMaximum(ref _mostWaiting, waiting);
            return new RgbImage(1, i + 1);
        },
        image =>
        {
            predict?.Invoke(image.Width - 1);
            return new PhotographPrediction(new LabelMap(1, image.Width), new ScoreMap([], new MapSize(1, 1), 1, 1));
        },
        (i, image, prediction) =>
        {
            write?.Invoke(i);
            Assert.Equal((i + 1, i + 1), (image.Width, prediction.Labels.Width));
            Interlocked.Decrement(ref _waiting);
            return "done";
        },
        (i, result) => _told.Add($"{i} {result}"),
        (i, problem) => _told.Add($"{i} {problem.Message}"),
        cancellation);

    private static void InterlockedMaximum(ref int target, int value)
    {
        for (int known = Volatile.Read(ref target); value > known;)
        {
            int before = Interlocked.CompareExchange(ref target, value, known);
            if (before == known) return;
            known = before;
        }
    }
}
