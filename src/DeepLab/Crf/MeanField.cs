using DeepLab.Cpu;

namespace DeepLab.Crf;

/// <summary>Mean-field inference over lattices that have been laid out: the marginals' memory and the order of the steps.</summary>
internal sealed unsafe class MeanField(WorkerPool pool) : IDisposable
{
    private readonly NativeArray<float> _logs = new(), _even = new(), _odd = new(), _scratch = new();
    private readonly NativeArray<nint> _scratchStarts = new();
    private long _pixels;

    /// <summary>Floats between a row of classes and the next: whole vectors.</summary>
    public static int Stride<T>(int classes)
        where T : unmanaged, ILanes<T> => checked(classes + T.Width - 1) / T.Width * T.Width;

    /// <summary>Takes the probabilities [pixel, classes]; none counts less than the minimum.</summary>
    /// <returns>False if one of them may be outside of 0 to 1 or no number.</returns>
    public bool Load<T>(ReadOnlySpan<float> probabilities, int pixels, int classes, float minimum)
        where T : unmanaged, ILanes<T>
    {
        if (probabilities.Length != (long)pixels * classes) throw new ArgumentException($"{probabilities.Length} probabilities for {pixels} pixels.", nameof(probabilities));
        _pixels = pixels;
        int stride = Stride<T>(classes), suspicious = 0;
        foreach (NativeArray<float> rows in (ReadOnlySpan<NativeArray<float>>)[_logs, _even, _odd]) rows.Reserve(checked((long)pixels * stride));
        fixed (float* source = probabilities)
        {
            var body = new ProbabilityLogs<T>
            {
                Probabilities = source,
                Target = _logs.Pointer,
                Pixels = pixels,
                Classes = classes,
                Stride = stride,
                Minimum = minimum,
                Suspicious = &suspicious,
            };
            pool.Run(ref body, (pixels + ProbabilityLogs<T>.UnitPixels - 1) / ProbabilityLogs<T>.UnitPixels);
        }

        return suspicious == 0;
    }

    /// <summary>Runs the steps and writes the last one's marginals.</summary>
    /// <param name="tiles">The image's tiles, which every lattice is cut along.</param>
    /// <param name="tileCount">How many there are.</param>
    /// <param name="imageWidth">Pixels a row of the image.</param>
    /// <param name="lattices">Those of the kernels, laid out for the image.</param>
    /// <param name="iterations">Steps; with none, the marginals are the probabilities.</param>
    /// <param name="classes">As for <see cref="Load"/>, which comes first.</param>
    /// <param name="marginals">[pixel, classes].</param>
    public void Infer<T>(
        NativeArray<LatticeTile> tiles, int tileCount, int imageWidth, ReadOnlySpan<LatticeData> lattices, int iterations, int classes, Span<float> marginals)
        where T : unmanaged, ILanes<T>
    {
        if (marginals.Length != _pixels * classes) throw new ArgumentException($"{marginals.Length} marginals for {_pixels} pixels.", nameof(marginals));
        if (lattices.Length > MeanFieldTiles<T>.MostLattices) throw new ArgumentException($"{lattices.Length} lattices.", nameof(lattices));
        int stride = Stride<T>(classes);
        LatticeView* views = stackalloc LatticeView[MeanFieldTiles<T>.MostLattices];
        fixed (float* target = marginals)
        {
            var body = new MeanFieldTiles<T>
            {
                Tiles = tiles.Pointer,
                Lattices = views,
                LatticeCount = lattices.Length,
                LogProbabilities = _logs.Pointer,
                After = _even.Pointer,
                ImageWidth = imageWidth,
                Classes = classes,
                Stride = stride,
                Scratch = Scratch(tileCount, lattices, stride),
            };
            for (int step = 0; step <= iterations; step++)
            {
                for (int i = 0; i < lattices.Length; i++)
                {
                    if (step > 0 && !lattices[i].Closed) lattices[i].Blur<T>(pool, stride);
                    views[i] = lattices[i].View;
                }

                if (step == iterations) body.Marginals = target;
                pool.Run(ref body, tileCount);
                body.Before = body.After;
                body.After = body.Before == _even.Pointer ? _odd.Pointer : _even.Pointer;
            }
        }
    }

    public void Dispose()
    {
        foreach (NativeArray<float> rows in (ReadOnlySpan<NativeArray<float>>)[_logs, _even, _odd, _scratch]) rows.Dispose();
        _scratchStarts.Dispose();
    }

    /// <summary>Room for each worker to hold the vertices of the largest tile of every lattice; twice where the tile is blurred there.</summary>
    private float** Scratch(int tileCount, ReadOnlySpan<LatticeData> lattices, int stride)
    {
        long rows = 0;
        foreach (LatticeData lattice in lattices)
        {
            int largest = 0;
            foreach (ref readonly LatticeTile tile in lattice.Tiles.Slice(0, tileCount)) largest = Math.Max(largest, tile.Vertices);
            rows += (lattice.Closed ? 2L : 1L) * (largest + 1);
        }

        const int lineFloats = 16;
        long each = ((rows * stride) + lineFloats) / lineFloats * lineFloats;
        _scratch.Reserve(checked(each * pool.Threads));
        _scratchStarts.Reserve(pool.Threads);
        for (int i = 0; i < pool.Threads; i++) _scratchStarts.Pointer[i] = (nint)(_scratch.Pointer + (i * each));
        return (float**)_scratchStarts.Pointer;
    }
}
