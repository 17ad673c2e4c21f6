namespace DeepLab.Reports;

/// <summary>A run of neighboring iterations of a log.</summary>
/// <param name="First">The first iteration.</param>
/// <param name="Last">The last one.</param>
/// <param name="Count">How many lines it stands for.</param>
/// <param name="Values">Of each column its mean, least and largest value.</param>
internal sealed record LogBucket(long First, long Last, long Count, IReadOnlyList<LogValue> Values)
{
    /// <summary>The middle of its iterations.</summary>
    public double Middle => First + ((Last - First) / 2.0);
}

/// <summary>A column in a bucket.</summary>
/// <param name="Mean">The mean.</param>
/// <param name="Least">The least value.</param>
/// <param name="Largest">The largest value.</param>
internal readonly record struct LogValue(double Mean, double Least, double Largest);

/// <summary>
/// Reduces a log of any length to at most a given number of buckets while it is read: when all are taken, neighbors are
/// joined and the buckets to come hold twice as many lines.
/// </summary>
internal sealed class LogBuckets(int columns, int capacity)
{
    private readonly (long First, long Last, long Count)[] _spans = new (long, long, long)[capacity];
    private readonly double[] _sums = new double[capacity * columns], _least = new double[capacity * columns], _largest = new double[capacity * columns];
    private int _used;
    private long _width = 1;

    /// <summary>Adds a line.</summary>
    public void Add(long iteration, ReadOnlySpan<double> values)
    {
        if (_used > 0 && _spans[_used - 1].Count < _width)
        {
            Join(_used - 1, iteration, 1, values, values, values);
            return;
        }

        if (_used == capacity) Halve();
        _spans[_used] = (iteration, iteration, 1);
        int row = _used++ * columns;
        values.CopyTo(_sums.AsSpan(row));
        values.CopyTo(_least.AsSpan(row));
        values.CopyTo(_largest.AsSpan(row));
    }

    /// <summary>What was added, in its order.</summary>
    public IReadOnlyList<LogBucket> ToList() =>
    [
        .. Enumerable.Range(0, _used).Select(b => new LogBucket(
            _spans[b].First,
            _spans[b].Last,
            _spans[b].Count,
            [.. Enumerable.Range(b * columns, columns).Select(i => new LogValue(_sums[i] / _spans[b].Count, _least[i], _largest[i]))])),
    ];

    private void Halve()
    {
        for (int b = 0; b < _used; b++)
        {
            int from = b * columns, to = b / 2 * columns;
            Span<double> sums = _sums.AsSpan(from, columns), least = _least.AsSpan(from, columns), largest = _largest.AsSpan(from, columns);
            if (b % 2 == 1)
            {
                Join(b / 2, _spans[b].Last, _spans[b].Count, sums, least, largest);
                continue;
            }

            _spans[b / 2] = _spans[b];
            sums.CopyTo(_sums.AsSpan(to));
            least.CopyTo(_least.AsSpan(to));
            largest.CopyTo(_largest.AsSpan(to));
        }

        _used = (_used + 1) / 2;
        _width *= 2;
    }

    private void Join(int bucket, long last, long count, ReadOnlySpan<double> sums, ReadOnlySpan<double> least, ReadOnlySpan<double> largest)
    {
        (long first, _, long before) = _spans[bucket];
        _spans[bucket] = (first, last, before + count);
        for (int c = 0; c < columns; c++)
        {
            int i = (bucket * columns) + c;
            _sums[i] += sums[c];
            _least[i] = Math.Min(_least[i], least[c]);
            _largest[i] = Math.Max(_largest[i], largest[c]);
        }
    }
}
