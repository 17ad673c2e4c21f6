using DeepLab.Backends.Cpu;
using DeepLab.Cpu;
using DeepLab.Imaging;

namespace DeepLab.Crf;

/// <summary>
/// A fully connected conditional random field over the pixels of an image, with Gaussian edge potentials and the Potts model (Krähenbühl and Koltun, arXiv:1210.5644): it draws the blurred
/// borders of a network's probabilities to the edges of the image. Mean-field inference, the Gaussians filtered on permutohedral lattices with symmetric normalisation: the numbers are
/// those of pydensecrf but for rounding. It takes 12 bytes a pixel and class (classes filled up to whole vectors) and the lattices, some
/// 220 bytes a pixel of a photograph with 21 classes; they are kept from image to image, and a further image of the same size needs more only where its colours are more varied.
/// Use from one thread at a time. The results do not depend on the number of threads.
/// </summary>
public sealed class DenseCrf : IDisposable
{
    private readonly DenseCrfOptions _options;
    private readonly WorkerPool _pool;
    private readonly MeanField _meanField;
    private readonly ImageTiles _tiles = new();
    private readonly TileLattice? _closeSmoothness;
    private readonly SharedLattice? _farSmoothness, _appearance;
    private readonly LatticeData[] _lattices;
    private readonly InstructionSet? _tier;
    private bool _disposed;

    /// <summary>Creates the field and starts its threads.</summary>
    /// <param name="options">Kernels and steps; null for DeepLab v2's.</param>
    /// <param name="threads">Threads that compute, the caller's among them; 0 for one a processor.</param>
    /// <exception cref="DeepLabException">An option is out of its range.</exception>
    /// <exception cref="ArgumentOutOfRangeException">Threads are negative or over 1024.</exception>
    public DenseCrf(DenseCrfOptions? options = null, int threads = 0)
        : this(options, threads, tier: null)
    {
    }

    internal DenseCrf(DenseCrfOptions? options, int threads, InstructionSet? tier)
    {
        _options = options ?? new DenseCrfOptions();
        _options.Check();
        _tier = tier;
        _pool = WorkerPool.Rent(threads);
        _meanField = new MeanField(_pool);
        if (_options.SmoothnessWeight > 0)
        {
            var embedding = new LatticeEmbedding(_options.SmoothnessDeviation, null);
            if (TileLattice.Suits(_options.SmoothnessDeviation))
                _closeSmoothness = new TileLattice(embedding, _options.SmoothnessDeviation, _options.SmoothnessWeight, _pool);
            else
                _farSmoothness = new SharedLattice(embedding, _options.SmoothnessWeight, _pool);
        }

        if (_options.AppearanceWeight > 0)
            _appearance = new SharedLattice(new LatticeEmbedding(_options.AppearanceDeviation, _options.ColorDeviation), _options.AppearanceWeight, _pool);
        _lattices = [.. Lattices.Select(l => l.Data)];
    }

    private IEnumerable<PermutohedralLattice> Lattices =>
        new PermutohedralLattice?[] { _closeSmoothness, _farSmoothness, _appearance }.OfType<PermutohedralLattice>();

    /// <summary>Infers the marginal probabilities of every pixel's classes.</summary>
    /// <param name="probabilities">[height, width, classes], each 0 to 1: the softmax of a network's scores. They need not add up to 1 exactly.</param>
    /// <param name="classes">Classes, 1 to 65535.</param>
    /// <param name="image">The image that the probabilities are of.</param>
    /// <param name="marginals">[height, width, classes]; may be the same memory as <paramref name="probabilities"/>.</param>
    /// <exception cref="ArgumentException">The sizes do not fit together.</exception>
    /// <exception cref="DeepLabException">A probability is out of its range or no number, or there is not enough memory.</exception>
    /// <exception cref="ObjectDisposedException">The field was disposed of.</exception>
    public void Infer(ReadOnlySpan<float> probabilities, int classes, RgbImage image, Span<float> marginals)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentNullException.ThrowIfNull(image);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(classes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(classes, ushort.MaxValue);
        long expected = (long)image.Height * image.Width * classes;
        if (probabilities.Length != expected)
            throw new ArgumentException($"{probabilities.Length} probabilities for an image of {image.Height}×{image.Width} and {classes} classes; {expected} were expected", nameof(probabilities));
        if (marginals.Length != expected)
            throw new ArgumentException($"room for {marginals.Length} marginals of an image of {image.Height}×{image.Width} and {classes} classes; {expected} were expected", nameof(marginals));
        try
        {
            switch (_tier ?? NarrowestTier(classes))
            {
                case InstructionSet.Avx512:
                    InferBlocks<Simd512>(probabilities, classes, image, marginals);
                    break;
                case InstructionSet.Avx2:
                    InferBlocks<Simd256>(probabilities, classes, image, marginals);
                    break;
                default:
                    InferBlocks<SimdPortable>(probabilities, classes, image, marginals);
                    break;
            }
        }
        catch (OutOfMemoryException e)
        {
            throw new DeepLabException($"there is not enough memory for a CRF of an image of {image.Height}×{image.Width} and {classes} classes: use a smaller image", e);
        }

        GC.KeepAlive(this);
    }

    /// <summary>Ends the threads and frees the memory.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _pool.Dispose();
        _meanField.Dispose();
        _tiles.Dispose();
        foreach (PermutohedralLattice lattice in Lattices) lattice.Dispose();
    }

    /// <summary>Memory traffic is what costs: the widest vectors that leave no more lanes empty than narrower ones.</summary>
    private static InstructionSet NarrowestTier(int classes) =>
        CpuBackend.BestTier == InstructionSet.Avx512 && MeanField.Stride<Simd256>(classes) < MeanField.Stride<Simd512>(classes) ? InstructionSet.Avx2 : CpuBackend.BestTier;

    private static DeepLabException NoProbability(ReadOnlySpan<float> probabilities, int classes, int width, int index) => new(FormattableString.Invariant(
        $"the probability of class {index % classes} at row {index / classes / width}, column {index / classes % width} is {probabilities[index]}; ")
        + "expected 0 to 1 (scores become probabilities by softmax)");

    private void InferBlocks<T>(ReadOnlySpan<float> probabilities, int classes, RgbImage image, Span<float> marginals)
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
                if (!(probabilities[i] >= 0 && probabilities[i] <= ProbabilityLogs<T>.Largest)) throw NoProbability(probabilities, classes, image.Width, i);
            }
        }

        int stride = MeanField.Stride<T>(classes);
        _tiles.Cut(image.Height, image.Width);
        _closeSmoothness?.LayOut(_tiles);
        _farSmoothness?.LayOut<T>(_tiles, image, stride);
        _appearance?.LayOut<T>(_tiles, image, stride);
        _meanField.Infer<T>(_tiles.Tiles, _tiles.Count, image.Width, _lattices, _options.Iterations, classes, marginals);
    }
}
