using DeepLab.Cpu;

namespace DeepLab.Crf;

/// <summary>
/// Mean-field inference over lattices that have been laid out, Q ← softmax(unary term + Σ messages): the memory of the
/// marginals and the order of the steps. The unary term is ln p, the negative of the unary potential.
/// </summary>
internal sealed unsafe class MeanField(WorkerPool pool) : IDisposable
{
    /// <summary>The largest probability, which rounding may take a little over 1.</summary>
    public const float LargestProbability = 1.001f;

    private readonly NativeArray<float> _unary = new(), _even = new(), _odd = new(), _scratch = new();
    private readonly NativeArray<nint> _scratchStarts = new();
    private long _pixels;

    /// <summary>Floats from one row of classes to the next: whole vectors.</summary>
    public static int Stride<T>(int classes)
        where T : unmanaged, ILanes<T> => checked(classes + T.Width - 1) / T.Width * T.Width;

    /// <summary>
    /// Computes the unary term from probabilities [pixel, classes], none of which counts less than the minimum.
    /// </summary>
    /// <returns>
    /// True if all are from 0 to <see cref="LargestProbability"/>; false if some may not be (−0 counts as a suspect).
    /// </returns>
    public bool Load<T>(ReadOnlySpan<float> probabilities, int pixels, int classes, float minimum)
        where T : unmanaged, ILanes<T>
    {
        if (probabilities.Length != (long)pixels * classes)
            throw new ArgumentException($"{probabilities.Length} probabilities for {pixels} pixels.", nameof(probabilities));
        _pixels = pixels;
        int stride = Stride<T>(classes), outOfRange = 0;
        foreach (NativeArray<float> rows in (ReadOnlySpan<NativeArray<float>>)[_unary, _even, _odd]) rows.Reserve(checked((long)pixels * stride));
        fixed (float* source = probabilities)
        {
            var body = new UnaryTerm<T>
            {
                Probabilities = source,
                Target = _unary.Pointer,
                Pixels = pixels,
                Classes = classes,
                Stride = stride,
                Minimum = minimum,
                OutOfRange = &outOfRange,
            };
            pool.Run(ref body, (pixels + UnaryTerm<T>.UnitPixels - 1) / UnaryTerm<T>.UnitPixels);
        }

        return outOfRange == 0;
    }

    /// <summary>Runs the steps and writes the last one's marginals.</summary>
    /// <param name="tiles">The image, cut.</param>
    /// <param name="lattices">Those of the kernels, laid out for the image.</param>
    /// <param name="iterations">Steps; with none, the marginals are the softmax of the unary term.</param>
    /// <param name="classes">As for <see cref="Load"/>, which comes first.</param>
    /// <param name="marginals">[pixel, classes].</param>
    public void Infer<T>(ImageTiles tiles, ReadOnlySpan<PermutohedralLattice> lattices, int iterations, int classes, Span<float> marginals)
        where T : unmanaged, ILanes<T>
    {
        if (_pixels != (long)tiles.Height * tiles.Width)
            throw new ArgumentException($"tiles of {tiles.Height}×{tiles.Width} for {_pixels} pixels.", nameof(tiles));
        if (marginals.Length != _pixels * classes) throw new ArgumentException($"{marginals.Length} marginals for {_pixels} pixels.", nameof(marginals));
        if (lattices.Length > MeanFieldStep<T>.MostLattices) throw new ArgumentException($"{lattices.Length} lattices.", nameof(lattices));
        int stride = Stride<T>(classes);
        LatticeView* views = stackalloc LatticeView[MeanFieldStep<T>.MostLattices];
        fixed (float* result = marginals)
        {
            var body = new MeanFieldStep<T>
            {
                Tiles = tiles.Tiles.Pointer,
                Lattices = views,
                LatticeCount = lattices.Length,
                Unary = _unary.Pointer,
                After = _even.Pointer,
                ImageWidth = tiles.Width,
                Classes = classes,
                Stride = stride,
                Scratch = Scratch(tiles, lattices, stride),
            };
            for (int step = 0; step <= iterations; step++)
            {
                for (int i = 0; i < lattices.Length; i++)
                {
                    if (step > 0) lattices[i].Blur<T>(stride);
                    views[i] = lattices[i].View;
                }

                if (step == iterations) body.Result = result;
                pool.Run(ref body, tiles.Count);
                body.Before = body.After;
                body.After = body.Before == _even.Pointer ? _odd.Pointer : _even.Pointer;
            }
        }
    }

    public void Dispose()
    {
        foreach (NativeArray<float> rows in (ReadOnlySpan<NativeArray<float>>)[_unary, _even, _odd, _scratch]) rows.Dispose();
        _scratchStarts.Dispose();
    }

    /// <summary>Room for each worker to read any one tile of every lattice.</summary>
    private float** Scratch(ImageTiles tiles, ReadOnlySpan<PermutohedralLattice> lattices, int stride)
    {
        long rows = 0;
        foreach (PermutohedralLattice lattice in lattices)
        {
            if (lattice.TileCount != tiles.Count)
                throw new ArgumentException($"a lattice of {lattice.TileCount} tiles for {tiles.Count}.", nameof(lattices));
            rows += lattice.ScratchRows;
        }

        const int lineFloats = 16;
        long each = ((rows * stride) + lineFloats) / lineFloats * lineFloats;
        _scratch.Reserve(checked(each * pool.Threads));
        _scratchStarts.Reserve(pool.Threads);
        for (int i = 0; i < pool.Threads; i++) _scratchStarts[i] = (nint)(_scratch.Pointer + (i * each));
        return (float**)_scratchStarts.Pointer;
    }
}
