using DeepLab.Cpu;
using DeepLab.Imaging;

namespace DeepLab.Crf;

/// <summary>
/// A fully connected conditional random field over the pixels of an image, with Gaussian edge potentials and the Potts
/// model (Krähenbühl and Koltun, arXiv:1210.5644). It moves the soft borders of a network's probabilities to the edges
/// of the image.
/// <para>
/// Mean-field inference, with the Gaussians filtered on permutohedral lattices and normalised symmetrically:
/// pydensecrf's numbers up to rounding, and the same bits for any number of threads.
/// </para>
/// <para>
/// Memory: 12 bytes per pixel and class (classes rounded up to whole vectors), and for the lattices some 220 bytes per
/// pixel of a photograph with 21 classes. It is kept: another image of the same size needs more only where its colours
/// vary more.
/// </para>
/// <para>
/// Use from one thread at a time. The threads that compute are shared with every network and field of the process that
/// has the same number of threads.
/// </para>
/// </summary>
internal sealed class DenseCrf : IDisposable
{
    private readonly DenseCrfOptions _options;
    private readonly InstructionSet? _tier;
    private readonly InstructionSet _widest;
    private readonly WorkerPool _pool;
    private readonly MeanField _meanField;
    private readonly ImageTiles _tiles = new();
    private readonly PermutohedralLattice[] _lattices;
    private bool _disposed;

    /// <summary>Creates the field and starts its threads.</summary>
    /// <param name="options">Kernels and steps; null for DeepLab v2's.</param>
    /// <param name="threads">Threads that compute, the caller's among them; 0 for one per processor.</param>
    /// <exception cref="DeepLabException">An option is out of its range.</exception>
    /// <exception cref="ArgumentOutOfRangeException">Threads are negative or over 1024.</exception>
    public DenseCrf(DenseCrfOptions? options = null, int threads = 0)
        : this(options, threads, tier: null)
    {
    }

    internal DenseCrf(DenseCrfOptions? options, int threads, InstructionSet? tier, InstructionSet? widest = null)
    {
        _options = options ?? new DenseCrfOptions();
        _options.Check();
        _tier = tier;
        _widest = InstructionSets.Resolve(widest);
        _pool = WorkerPool.Rent(threads);
        _meanField = new MeanField(_pool);
        _lattices = [.. NewLattices(_options, _pool)];
    }

    /// <summary>Infers the marginal probabilities of every pixel's classes.</summary>
    /// <param name="probabilities">
    /// [height, width, classes], each 0 to 1: the softmax of a network's scores. They need not add up to exactly 1.
    /// </param>
    /// <param name="classes">Classes, 1 to 65535.</param>
    /// <param name="image">The image that the probabilities are of.</param>
    /// <param name="marginals">
    /// [height, width, classes]; may be the same memory as <paramref name="probabilities"/>.
    /// </param>
    /// <exception cref="ArgumentException">The sizes do not match.</exception>
    /// <exception cref="DeepLabException">
    /// A probability is out of range or NaN, or there is not enough memory.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The field was disposed of.</exception>
    public void Infer(ReadOnlySpan<float> probabilities, int classes, RgbImage image, Span<float> marginals)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentNullException.ThrowIfNull(image);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(classes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(classes, ushort.MaxValue);
        long expected = (long)image.Height * image.Width * classes;
        if (probabilities.Length != expected)
            throw new ArgumentException($"{probabilities.Length} probabilities for {Size()}; {expected} were expected", nameof(probabilities));
        if (marginals.Length != expected)
            throw new ArgumentException($"room for {marginals.Length} marginals of {Size()}; {expected} were expected", nameof(marginals));
        try
        {
            switch (_tier ?? BestTier(classes, _widest))
            {
                case InstructionSet.Avx512:
                    InferRows<Simd512>(probabilities, classes, image, marginals);
                    break;
                case InstructionSet.Avx2:
                    InferRows<Simd256>(probabilities, classes, image, marginals);
                    break;
                default:
                    InferRows<SimdPortable>(probabilities, classes, image, marginals);
                    break;
            }
        }
        catch (OutOfMemoryException e)
        {
            throw new DeepLabException($"there is not enough memory for a CRF of {Size()}: use a smaller image", e);
        }

        GC.KeepAlive(this);
        string Size() => $"an image of {image.Height}×{image.Width} and {classes} classes";
    }

    /// <summary>Frees the memory and ends the threads, unless another network or field uses them.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _pool.Dispose();
        _meanField.Dispose();
        _tiles.Dispose();
        foreach (PermutohedralLattice lattice in _lattices) lattice.Dispose();
    }

    private static IEnumerable<PermutohedralLattice> NewLattices(DenseCrfOptions options, WorkerPool pool)
    {
        if (options.SmoothnessWeight > 0)
        {
            var embedding = new LatticeEmbedding(options.SmoothnessDeviation, colorDeviation: null);
            yield return TiledLattice.Suits(embedding)
                ? new TiledLattice(embedding, options.SmoothnessWeight, pool)
                : new GlobalLattice(embedding, options.SmoothnessWeight, pool);
        }

        if (options.AppearanceWeight > 0)
            yield return new GlobalLattice(new LatticeEmbedding(options.AppearanceDeviation, options.ColorDeviation), options.AppearanceWeight, pool);
    }

    /// <summary>
    /// The widest vectors that leave no more lanes empty than narrower ones would: memory traffic is what costs time.
    /// </summary>
    private static InstructionSet BestTier(int classes, InstructionSet widest) =>
        widest == InstructionSet.Avx512 && MeanField.Stride<Simd256>(classes) < MeanField.Stride<Simd512>(classes)
            ? InstructionSet.Avx2
            : widest;

    private static DeepLabException NoProbability(ReadOnlySpan<float> probabilities, int classes, int width, int index) => new(FormattableString.Invariant(
        $"the probability of class {index % classes} at row {index / classes / width}, column {index / classes % width} is {probabilities[index]}; ")
        + "expected 0 to 1 (scores become probabilities by softmax)");

    /// <summary>
    /// Takes a row of classes as one unit where up to four vectors hold it, so that it stays in registers.
    /// </summary>
    private void InferRows<T>(ReadOnlySpan<float> probabilities, int classes, RgbImage image, Span<float> marginals)
        where T : unmanaged, ILanes<T>
    {
        switch (MeanField.Stride<T>(classes) / T.Width)
        {
            case 2:
                Infer<Lanes2<T>>(probabilities, classes, image, marginals);
                break;
            case 3:
                Infer<Lanes3<T>>(probabilities, classes, image, marginals);
                break;
            case 4:
                Infer<Lanes4<T>>(probabilities, classes, image, marginals);
                break;
            default:
                Infer<T>(probabilities, classes, image, marginals);
                break;
        }
    }

    private void Infer<T>(ReadOnlySpan<float> probabilities, int classes, RgbImage image, Span<float> marginals)
        where T : unmanaged, ILanes<T>
    {
        if (!_meanField.Load<T>(probabilities, image.Height * image.Width, classes, _options.MinimumProbability))
        {
            for (int i = 0; i < probabilities.Length; i++)
            {
                if (!(probabilities[i] >= 0 && probabilities[i] <= MeanField.LargestProbability)) throw NoProbability(probabilities, classes, image.Width, i);
            }
        }

        _tiles.Cut(image.Height, image.Width);
        foreach (PermutohedralLattice lattice in _lattices) lattice.LayOut<T>(_tiles, image, MeanField.Stride<T>(classes));
        _meanField.Infer<T>(_tiles, _lattices, _options.Iterations, classes, marginals);
    }
}
