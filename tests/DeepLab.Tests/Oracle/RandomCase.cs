using System.Collections.Immutable;
using DeepLab.Backends;
using DeepLab.Tensors;

namespace DeepLab.Tests.Oracle;

/// <summary>Random shapes and values, and tensors that are the same on the oracle and on the backend under test.</summary>
internal sealed class RandomCase(Backend tested, DoubleBackend oracle, ulong seed, ulong stream) : IDisposable
{
    private static readonly int[] ChannelCounts = [1, 2, 3, 5, 8, 17, 21, 33, 64, 65];

    // Kernels see pointers only: while they run, something must hold the buffers.
    private readonly List<Pair> _pairs = [];

    public SeededRandom Random { get; } = new(seed, stream);

    public bool Chance(double probability = 0.5) => Random.NextDouble() < probability;

    public int Pick(params ReadOnlySpan<int> values) => values[Random.NextInt32(values.Length)];

    public int Channels() => Pick(ChannelCounts);

    /// <summary>One to four maps with sides up to a largest one; some are 1×1.</summary>
    public ImmutableArray<MapSize> Maps(int largest, int most = 4)
    {
        var maps = new MapSize[1 + Random.NextInt32(most)];
        for (int i = 0; i < maps.Length; i++)
            maps[i] = Chance(0.1) ? new MapSize(1, 1) : new MapSize(1 + Random.NextInt32(largest), 1 + Random.NextInt32(largest));
        return [.. maps];
    }

    /// <summary>A tensor with normal values: some of them zero, so that masks have edges.</summary>
    public Pair Normal(RaggedShape shape) => From(shape, () => Chance(0.1) ? 0 : Random.NextGaussian());

    /// <summary>A tensor of few different values, so that there are ties.</summary>
    public Pair Tied(RaggedShape shape) => From(shape, () => Random.NextInt32(4) - 1);

    public Pair? Maybe(RaggedShape shape) => Chance() ? Normal(shape) : null;

    public Pair From(RaggedShape shape, Func<double> value)
    {
        var values = new double[shape.Length];
        for (int i = 0; i < values.Length; i++) values[i] = (float)value();
        var pair = new Pair(tested, tested.NewTensor(shape, values), oracle.NewTensor(shape, values));
        _pairs.Add(pair);
        return pair;
    }

    public void Dispose()
    {
        foreach (Pair pair in _pairs) pair.Tested.Buffer.Dispose();
    }

    /// <summary>The same values twice.</summary>
    public sealed record Pair(Backend Backend, Tensor Tested, Tensor Oracle)
    {
        public void Check(double tolerance, string what) => Compare.Near(DoubleBackend.Values(Oracle), Backend.Read(Tested), tolerance, what);

        public void CheckEqual(string what) => Check(0, what);
    }
}
