using System.Collections.Immutable;
using DeepLab.Backends;
using DeepLab.Tensors;

namespace DeepLab.Tests.Oracle;

/// <summary>
/// Random shapes and values, and tensors that are the same on the oracle and on the backend under test.
/// </summary>
internal sealed class RandomCase : IDisposable
{
    private static readonly int[] ChannelCounts = [1, 2, 3, 5, 8, 17, 21, 33, 64, 65];

    // Kernels see only pointers: while they run, something must hold the buffers.
    private readonly List<Pair> _pairs = [];
    private readonly Backend _tested;
    private readonly DoubleBackend _oracle = new();

    public RandomCase(Backend tested, ulong seed, ulong stream, PrepackPolicy prepack = PrepackPolicy.Never)
    {
        _tested = tested;
        Random = new SeededRandom(seed, stream);
        Tested = tested.CreateExecution(new ExecutionOptions { Prepack = prepack });
        Oracle = _oracle.CreateExecution();
    }

    public SeededRandom Random { get; }

    /// <summary>Runs on the backend under test.</summary>
    public Execution Tested { get; }

    /// <summary>Runs on the oracle.</summary>
    public Execution Oracle { get; }

    public bool Chance(double probability = 0.5) => Random.NextDouble() < probability;

    public int Pick(params ReadOnlySpan<int> values) => values[Random.NextInt32(values.Length)];

    public int Channels() => Pick(ChannelCounts);

    /// <summary>One to four maps with sides up to a maximum; some are 1×1.</summary>
    public ImmutableArray<MapSize> Maps(int largest, int most = 4)
    {
        var maps = new MapSize[1 + Random.NextInt32(most)];
        for (int i = 0; i < maps.Length; i++)
            maps[i] = Chance(0.1) ? new MapSize(1, 1) : new MapSize(1 + Random.NextInt32(largest), 1 + Random.NextInt32(largest));
        return [.. maps];
    }

    /// <summary>A tensor of normally distributed values, some of them zero, so that masks have edges.</summary>
    public Pair Normal(RaggedShape shape) => From(shape, () => Chance(0.1) ? 0 : Random.NextGaussian());

    /// <summary>A tensor of few distinct values, so that there are ties.</summary>
    public Pair Tied(RaggedShape shape) => From(shape, () => Random.NextInt32(4) - 1);

    public Pair? Maybe(RaggedShape shape) => Chance() ? Normal(shape) : null;

    public Pair From(RaggedShape shape, Func<double> value)
    {
        double[] values = Draw(shape, value);
        var pair = new Pair(_tested, _tested.NewTensor(shape, values), _oracle.NewTensor(shape, values));
        _pairs.Add(pair);
        return pair;
    }

    /// <summary>Gives a pair new normally distributed values.</summary>
    public void Change(Pair pair)
    {
        double[] values = Draw(pair.Tested.Shape, Random.NextGaussian);
        _tested.Write(pair.Tested, values);
        _oracle.Write(pair.Oracle, values);
    }

    /// <summary>The same convolution on both.</summary>
    public (PreparedConvolution Tested, PreparedConvolution Oracle) Prepare(in ConvolutionSpec spec, Pair kernel, Pair? scale, Pair? shift) => (
        _tested.Prepare(spec, new ConvolutionWeights(kernel.Tested, scale?.Tested, shift?.Tested)),
        _oracle.Prepare(spec, new ConvolutionWeights(kernel.Oracle, scale?.Oracle, shift?.Oracle)));

    /// <summary>The same ASPP on both.</summary>
    public (PreparedAspp Tested, PreparedAspp Oracle) Prepare(AsppSpec spec, IReadOnlyList<Pair> kernels, IReadOnlyList<Pair> biases) => (
        _tested.Prepare(spec, [.. kernels.Zip(biases, (k, b) => new ConvolutionWeights(k.Tested, null, b.Tested))]),
        _oracle.Prepare(spec, [.. kernels.Zip(biases, (k, b) => new ConvolutionWeights(k.Oracle, null, b.Oracle))]));

    public void Dispose()
    {
        Tested.Dispose();
        foreach (Pair pair in _pairs) pair.Tested.Buffer.Dispose();
    }

    private static double[] Draw(RaggedShape shape, Func<double> value)
    {
        var values = new double[shape.Length];
        for (int i = 0; i < values.Length; i++) values[i] = (float)value();
        return values;
    }

    /// <summary>The same values twice.</summary>
    public sealed record Pair(Backend Backend, Tensor Tested, Tensor Oracle)
    {
        public void Check(double tolerance, string what) => Compare.Near(DoubleBackend.Values(Oracle), Backend.Read(Tested), tolerance, what);

        public void CheckEqual(string what) => Check(0, what);
    }
}
