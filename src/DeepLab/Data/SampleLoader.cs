using System.Diagnostics;
using System.Runtime.ExceptionServices;
using DeepLab.Imaging;
using DeepLab.Models;

namespace DeepLab.Data;

/// <summary>
/// Reads and augments training samples on threads of its own, ahead of the trainer. The samples, their order and every
/// number in them depend on the seed alone, never on the number of threads.
/// </summary>
internal sealed class SampleLoader : IDisposable
{
    private readonly SegmentationDataset _dataset;
    private readonly AugmentationRecipe _recipe;
    private readonly ulong _seed;
    private readonly Preprocessing? _preprocessing;
    private readonly EpochOrder _order;
    private readonly Thread[] _workers;

    // All of the following belongs to who holds the lock. Position n is made in slot n % ahead; a worker takes it only
    // when position n - ahead has been handed out, so a slot is free when its sample is ready.
    private readonly object _lock = new();
    private readonly Slot[] _slots;
    private readonly Stack<TrainingSample> _spare = new();
    private long _started, _handedOut;
    private long _waitedTicks;
    private bool _disposed;

    /// <summary>Creates the loader; its threads start to work at once.</summary>
    /// <param name="dataset">The images.</param>
    /// <param name="recipe">How they are augmented.</param>
    /// <param name="seed">The seed of the run.</param>
    /// <param name="workers">How many threads, at least 1.</param>
    /// <param name="ahead">How many samples are made before they are asked for, at least 1.</param>
    /// <param name="shuffle">False to go through the list as it stands, again and again.</param>
    /// <param name="startAt">The position of the first sample: 0, or where a run goes on.</param>
    /// <param name="preprocessing">How pixels become the network's input; null for the authors'.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is below its least value.</exception>
    public SampleLoader(
        SegmentationDataset dataset, AugmentationRecipe recipe, ulong seed, int workers = 1, int ahead = 8, bool shuffle = true, long startAt = 0,
        Preprocessing? preprocessing = null)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentNullException.ThrowIfNull(recipe);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(workers);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(ahead);
        ArgumentOutOfRangeException.ThrowIfNegative(startAt);
        (_dataset, _recipe, _seed, _preprocessing) = (dataset, recipe, seed, preprocessing);
        _order = new EpochOrder(dataset.Samples.Count, seed, shuffle);
        _slots = new Slot[ahead];
        _started = _handedOut = startAt;
        _workers = new Thread[workers];
        for (int i = 0; i < workers; i++)
        {
            _workers[i] = new Thread(Work) { IsBackground = true, Name = $"DeepLab loader {i}" };
            _workers[i].Start();
        }
    }

    /// <summary>How long calls of <see cref="Next"/> have waited for samples, all together.</summary>
    public TimeSpan Waited
    {
        get
        {
            lock (_lock) return Stopwatch.GetElapsedTime(0, _waitedTicks);
        }
    }

    /// <summary>The next sample in the order; waits for it if it is not ready.</summary>
    /// <returns>
    /// The sample, the caller's to keep; given back by <see cref="Recycle"/>, its buffers are used again.
    /// </returns>
    /// <exception cref="DeepLabException">
    /// This sample's image or labels could not be read; the call after goes on with the next.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The loader was disposed, before or during the wait.</exception>
    public TrainingSample Next()
    {
        Slot result;
        lock (_lock)
        {
            long start = Stopwatch.GetTimestamp();
            bool waited = false;
            while (!_slots[_handedOut % _slots.Length].IsReady && !_disposed)
            {
                waited = true;
                Monitor.Wait(_lock);
            }

            if (waited) _waitedTicks += Stopwatch.GetTimestamp() - start;
            ObjectDisposedException.ThrowIf(_disposed, this);
            (result, _slots[_handedOut % _slots.Length]) = (_slots[_handedOut % _slots.Length], default);
            _handedOut++;
            Monitor.PulseAll(_lock);
        }

        result.Failure?.Throw();
        return result.Sample!;
    }

    /// <summary>
    /// Gives a sample back, whose buffers the loader then fills again; the caller must not touch it any more.
    /// </summary>
    public void Recycle(TrainingSample sample)
    {
        ArgumentNullException.ThrowIfNull(sample);
        lock (_lock)
        {
            if (_spare.Count < _slots.Length) _spare.Push(sample);
        }
    }

    /// <summary>Stops the threads and waits for them; each at most finishes the image it is at.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            Monitor.PulseAll(_lock);
        }

        foreach (Thread worker in _workers) worker.Join();
    }

    private void Work()
    {
        var augmenter = new Augmenter(_preprocessing);
        while (TryStart(out long position, out TrainingSample? sample))
        {
            Slot result;
            try
            {
                Fill(position, sample, augmenter);
                result = new Slot(sample, null);
            }
            catch (Exception e)
            {
                // Whatever went wrong belongs to the thread that asks for this sample.
                result = new Slot(null, ExceptionDispatchInfo.Capture(e));
            }

            lock (_lock)
            {
                _slots[position % _slots.Length] = result;
                Monitor.PulseAll(_lock);
            }
        }
    }

    private bool TryStart(out long position, out TrainingSample sample)
    {
        lock (_lock)
        {
            while (!_disposed && _started - _handedOut >= _slots.Length) Monitor.Wait(_lock);
            position = _started++;
            sample = _spare.TryPop(out TrainingSample? spare) ? spare : new TrainingSample();
            return !_disposed;
        }
    }

    private void Fill(long position, TrainingSample sample, Augmenter augmenter)
    {
        int index = _order[position];
        (RgbImage image, LabelMap labels) = _dataset.Read(index);
        augmenter.Apply(image, labels, _recipe, new SeededRandom(_seed, (ulong)position), sample);
        sample.Name = _dataset.Samples[index].Name;
        sample.Index = position;
    }

    /// <summary>What a worker made of a position: a sample or a failure; neither while it is not ready.</summary>
    private readonly record struct Slot(TrainingSample? Sample, ExceptionDispatchInfo? Failure)
    {
        public bool IsReady => Sample is not null || Failure is not null;
    }
}
