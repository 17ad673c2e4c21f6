using System.Diagnostics;
using DeepLab.Data;
using DeepLab.Imaging;
using Xunit;

namespace DeepLab.Tests.Data;

public sealed class SampleLoaderTests : IDisposable
{
    private static readonly AugmentationRecipe s_recipe = AugmentationRecipe.Caffe with { Crop = 9 };
    private readonly TinyDataset _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData(1, 1)]
    [InlineData(4, 8)]
    [InlineData(3, 2)]
    public void Samples_are_the_same_whatever_the_number_of_workers(int workers, int ahead)
    {
        SegmentationDataset dataset = Dataset(5);
        var expected = new TrainingSample();
        var order = new EpochOrder(5, seed: 11);
        using var loader = new SampleLoader(dataset, s_recipe, seed: 11, workers, ahead);
        for (int n = 0; n < 23; n++)
        {
            (RgbImage image, LabelMap labels) = dataset.Read(order[n]);
            new Augmenter().Apply(image, labels, s_recipe, new SeededRandom(11, (ulong)n), expected);
            TrainingSample sample = loader.Next();
            Assert.Equal((n, $"i{order[n]}", 9, 9), (sample.Index, sample.Name, sample.Height, sample.Width));
            Assert.Equal(expected.Pixels, sample.Pixels);
            Assert.Equal(expected.Labels, sample.Labels);
            if (n % 2 == 0) loader.Recycle(sample);
        }
    }

    [Fact]
    public void A_loader_that_starts_later_gives_what_the_first_one_would_have_given()
    {
        SegmentationDataset dataset = Dataset(4);
        using var whole = new SampleLoader(dataset, s_recipe, seed: 3, workers: 2);
        using var rest = new SampleLoader(dataset, s_recipe, seed: 3, workers: 1, startAt: 6);
        for (int n = 0; n < 6; n++) whole.Next();
        for (int n = 6; n < 14; n++)
        {
            TrainingSample a = whole.Next(), b = rest.Next();
            Assert.Equal((n, a.Name), (b.Index, b.Name));
            Assert.Equal(a.Pixels, b.Pixels);
        }
    }

    [Fact]
    public void A_failure_comes_at_its_place_in_the_order_and_the_samples_after_it_still_come()
    {
        SegmentationDataset dataset = Dataset(4);
        _files.AddLabels("i2", 3, 3);
        using var loader = new SampleLoader(dataset, s_recipe, seed: 1, workers: 3, shuffle: false);
        Assert.Equal("i0", loader.Next().Name);
        Assert.Equal("i1", loader.Next().Name);
        Assert.Equal(_files.LabelPath("i2"), Assert.Throws<InvalidFileException>(() => loader.Next()).Path);
        Assert.Equal("i3", loader.Next().Name);
    }

    [Fact]
    public void Recycled_samples_are_filled_again()
    {
        using var loader = new SampleLoader(Dataset(3), s_recipe, seed: 1, workers: 1, ahead: 2);
        var seen = new HashSet<TrainingSample>(ReferenceEqualityComparer.Instance);
        for (int n = 0; n < 30; n++)
        {
            TrainingSample sample = loader.Next();
            seen.Add(sample);
            loader.Recycle(sample);
        }

        Assert.InRange(seen.Count, 1, 3);
    }

    [Fact]
    public async Task Dispose_stops_full_idle_and_waited_for_loaders_at_once()
    {
        SegmentationDataset dataset = Dataset(2);
        for (int round = 0; round < 20; round++)
        {
            var loader = new SampleLoader(dataset, s_recipe, seed: 1, workers: 1 + (round % 4), ahead: 1 + (round % 3));
            // A dedicated thread: the pool's may all be busy with other tests.
            Task consumer = Task.Factory.StartNew(
                () =>
                {
                    while (true) loader.Next();
                },
                TaskCreationOptions.LongRunning);
            if (round % 2 == 0) await Task.Delay(5);
            var watch = Stopwatch.StartNew();
            loader.Dispose();
            loader.Dispose();
            Assert.InRange(watch.Elapsed.TotalSeconds, 0, 5);
            await Assert.ThrowsAsync<ObjectDisposedException>(() => consumer.WaitAsync(TimeSpan.FromSeconds(5)));
            Assert.Throws<ObjectDisposedException>(loader.Next);
        }
    }

    [Fact]
    public void Waiting_is_measured_and_a_loader_that_is_ahead_costs_none()
    {
        using var loader = new SampleLoader(Dataset(2), s_recipe, seed: 1, workers: 1, ahead: 4);
        loader.Next();
        TimeSpan first = loader.Waited;
        Thread.Sleep(500);
        for (int n = 0; n < 3; n++) loader.Next();
        Assert.InRange(first, TimeSpan.Zero, TimeSpan.FromSeconds(10));
        Assert.Equal(first, loader.Waited);
    }

    [Fact]
    public void Each_epoch_goes_through_the_whole_list_in_a_new_order()
    {
        var order = new EpochOrder(50, seed: 8);
        int[] first = [.. Enumerable.Range(0, 50).Select(n => order[n])], second = [.. Enumerable.Range(50, 50).Select(n => order[n])];
        Assert.Equal(Enumerable.Range(0, 50), first.Order());
        Assert.Equal(Enumerable.Range(0, 50), second.Order());
        Assert.NotEqual(first, second);
        Assert.NotEqual(first, Enumerable.Range(0, 50).Select(n => new EpochOrder(50, seed: 9)[n]));
        Assert.Equal([second[7], first[3], order[1007]], (int[])[order[57], order[3], new EpochOrder(50, seed: 8)[1007]]);
        var plain = new EpochOrder(3, seed: 8, shuffle: false);
        Assert.Equal([0, 1, 2, 0, 1], Enumerable.Range(0, 5).Select(n => plain[n]));
    }

    private SegmentationDataset Dataset(int count)
    {
        for (int i = 0; i < count; i++) _files.Add($"i{i}", 7 + i, 12 - i);
        _files.List([.. Enumerable.Range(0, count).Select(i => $"i{i}")]);
        return SegmentationDataset.FromVoc(_files.Root, "train");
    }
}
