using DeepLab.Tensors;

namespace DeepLab.Backends.Cpu;

// Pooling, resizing, the maximum, the loss, the optimizer and reductions.
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void MaxPoolForward(in PoolingGeometry geometry, Tensor x, Tensor y)
    {
        RequirePooling(geometry, x, y);
        MapPair* maps = stackalloc MapPair[x.Shape.Maps.Length];
        int units = Pair(maps, x, y, null, null, unitsAreOutputRows: true);
        var body = new MaxPooling { Maps = maps, MapCount = x.Shape.Maps.Length, Channels = x.Shape.Channels, Geometry = geometry };
        _pool.Run(ref body, units);
        KeepAlive(x, y);
    }

    /// <inheritdoc/>
    public override void MaxPoolBackward(in PoolingGeometry geometry, Tensor x, Tensor y, Tensor dy, Tensor dx, bool mask)
    {
        RequirePooling(geometry, x, y);
        RequireSame(x, dx);
        RequireSame(y, dy);
        MapPair* maps = stackalloc MapPair[x.Shape.Maps.Length];
        Pair(maps, x, y, dx, dy, unitsAreOutputRows: true);
        var body = new MaxPoolingGradient
        {
            Maps = maps,
            Channels = x.Shape.Channels,
            UnitsPerMap = UnitsOf(x.Shape.Channels, MaxPoolingGradient.UnitChannels),
            Geometry = geometry,
            Mask = mask,
        };
        _pool.Run(ref body, body.UnitsPerMap * x.Shape.Maps.Length);
        KeepAlive(x, y, dy, dx);
    }

    /// <inheritdoc/>
    public override void ResizeForward(Tensor x, Tensor y)
    {
        RequirePairs(x, y);
        MapPair* maps = stackalloc MapPair[x.Shape.Maps.Length];
        int units = Pair(maps, x, y, null, null, unitsAreOutputRows: true);
        var body = new BilinearResize { Maps = maps, MapCount = x.Shape.Maps.Length, Channels = x.Shape.Channels };
        _pool.Run(ref body, units);
        KeepAlive(x, y);
    }

    /// <inheritdoc/>
    public override void ResizeBackward(Tensor dy, Tensor dx, bool accumulate)
    {
        RequirePairs(dx, dy);
        MapPair* maps = stackalloc MapPair[dx.Shape.Maps.Length];
        int units = Pair(maps, dx, dy, dx, dy, unitsAreOutputRows: false);
        var body = new BilinearResizeGradient { Maps = maps, MapCount = dx.Shape.Maps.Length, Channels = dx.Shape.Channels, Accumulate = accumulate };
        _pool.Run(ref body, units);
        KeepAlive(dy, dx);
    }

    /// <inheritdoc/>
    public override void MaximumForward(Tensor a, Tensor b, Tensor c, Tensor y)
    {
        RequireSame(a, b);
        RequireSame(a, c);
        RequireSame(a, y);
        var body = new MaximumOfThree
        {
            A = Pointer(a),
            B = Pointer(b),
            C = Pointer(c),
            Target = Pointer(y),
            Length = a.Shape.Length,
            UnitValues = UnitValues,
        };
        _pool.Run(ref body, UnitsOf(body.Length, UnitValues));
        KeepAlive(a, b, c, y);
    }

    /// <inheritdoc/>
    public override void MaximumBackward(Tensor a, Tensor b, Tensor c, Tensor dy, Tensor da, Tensor db, Tensor dc)
    {
        foreach (Tensor tensor in (ReadOnlySpan<Tensor>)[b, c, dy, da, db, dc]) RequireSame(a, tensor);
        var body = new MaximumOfThreeGradient
        {
            A = Pointer(a),
            B = Pointer(b),
            C = Pointer(c),
            Gradient = Pointer(dy),
            GradientA = Pointer(da),
            GradientB = Pointer(db),
            GradientC = Pointer(dc),
            Length = a.Shape.Length,
            UnitValues = UnitValues,
        };
        _pool.Run(ref body, UnitsOf(body.Length, UnitValues));
        KeepAlive(a, b, c, dy, da, db, dc);
    }

    /// <inheritdoc/>
    public override double SoftmaxCrossEntropy(Tensor scores, ReadOnlySpan<byte> labels, float gradientScale, Tensor? gradient)
    {
        RequireSame(scores, gradient);
        if (labels.Length != scores.Shape.Rows) throw new ArgumentException($"{labels.Length} labels for {scores.Shape}.", nameof(labels));
        if (scores.Shape.Channels > CrossEntropyRows.MostClasses)
            throw new ArgumentException($"{scores.Shape.Channels} classes, but labels are bytes and tell {CrossEntropyRows.MostClasses} apart.", nameof(scores));
        int units = UnitsOf(labels.Length, CrossEntropyRows.UnitRows);
        fixed (byte* pointer = labels)
        {
            var body = new CrossEntropyRows
            {
                Scores = Pointer(scores),
                Labels = pointer,
                Gradient = PointerOrNull(gradient),
                Rows = labels.Length,
                Classes = scores.Shape.Channels,
                GradientScale = gradientScale,
                Partials = (double*)Workspace(2L * units),
            };
            _pool.Run(ref body, units);
            KeepAlive(scores, gradient);
            return InOrder(body.Partials, units);
        }
    }

    /// <inheritdoc/>
    public override void SgdUpdate(Tensor weights, Tensor gradient, Tensor velocity, in SgdSettings settings)
    {
        RequireSame(weights, gradient);
        RequireSame(weights, velocity);
        var body = new SgdStep
        {
            Weights = Pointer(weights),
            Gradient = Pointer(gradient),
            Velocity = Pointer(velocity),
            Length = weights.Shape.Length,
            UnitValues = UnitValues,
            Settings = settings,
        };
        _pool.Run(ref body, UnitsOf(body.Length, UnitValues));
        KeepAlive(weights, gradient, velocity);
    }

    /// <inheritdoc/>
    public override double SumOfSquares(Tensor x)
    {
        int units = UnitsOf(x.Shape.Length, UnitValues);
        var body = new SquareSums { Source = Pointer(x), Length = x.Shape.Length, UnitValues = UnitValues, Partials = (double*)Workspace(2L * units) };
        _pool.Run(ref body, units);
        KeepAlive(x);
        return InOrder(body.Partials, units);
    }

    /// <inheritdoc/>
    public override void ChannelMoments(Tensor x, Span<double> sum, Span<double> sumOfSquares)
    {
        int channels = x.Shape.Channels;
        if (sum.Length != channels || sumOfSquares.Length != channels) throw new ArgumentException($"{sum.Length} sums for {x.Shape}.", nameof(sum));
        fixed (double* sums = sum, squares = sumOfSquares)
        {
            var body = new ColumnMoments { Source = Pointer(x), Rows = x.Shape.Rows, Columns = channels, Sums = sums, Squares = squares };
            _pool.Run(ref body, UnitsOf(channels, ColumnMoments.UnitColumns));
            KeepAlive(x);
        }
    }

    /// <inheritdoc/>
    public override void Affine(Tensor x, Tensor scale, Tensor shift, Tensor? shortcut, bool relu, Tensor y)
    {
        RequireSame(x, y);
        RequireSame(x, shortcut);
        RequireChannels(scale, x.Shape.Channels);
        RequireChannels(shift, x.Shape.Channels);
        int unitRows = Math.Max(1, UnitValues / x.Shape.Channels);
        var body = new AffineRows
        {
            Source = Pointer(x),
            Scale = Pointer(scale),
            Rows = x.Shape.Rows,
            UnitRows = unitRows,
            Epilogue = new Epilogue { Target = Pointer(y), Columns = x.Shape.Channels, Shift = Pointer(shift), Shortcut = PointerOrNull(shortcut), Relu = relu },
            Scratch = _scratch,
        };
        _pool.Run(ref body, UnitsOf(x.Shape.Rows, unitRows));
        KeepAlive(x, scale, shift, shortcut, y);
    }

    private static double InOrder(double* partials, int count)
    {
        double sum = 0;
        for (int i = 0; i < count; i++) sum += partials[i];
        return sum;
    }

    private static void RequirePairs(Tensor x, Tensor y) => Require(
        x.Shape.Channels == y.Shape.Channels && x.Shape.Maps.Length == y.Shape.Maps.Length && x.Shape.Maps.Length <= MaximumMaps,
        "The maps do not fit", x, y);

    private static void RequirePooling(in PoolingGeometry geometry, Tensor x, Tensor y)
    {
        RequirePairs(x, y);
        for (int i = 0; i < x.Shape.Maps.Length; i++)
        {
            MapSize from = x.Shape.Maps[i], to = y.Shape.Maps[i];
            Require(geometry.OutputSide(from.Height) == to.Height && geometry.OutputSide(from.Width) == to.Width, "The sizes do not fit", x, y);
        }
    }

    private static int Pair(MapPair* maps, Tensor x, Tensor y, Tensor? dx, Tensor? dy, bool unitsAreOutputRows)
    {
        int unit = 0, channels = x.Shape.Channels;
        for (int i = 0; i < x.Shape.Maps.Length; i++)
        {
            MapSize from = x.Shape.Maps[i], to = y.Shape.Maps[i];
            long input = (long)x.Shape.FirstRow(i) * channels, output = (long)y.Shape.FirstRow(i) * channels;
            maps[i] = new MapPair
            {
                Input = Pointer(x) + input,
                Output = Pointer(y) + output,
                InputGradient = dx is null ? null : Pointer(dx) + input,
                OutputGradient = dy is null ? null : Pointer(dy) + output,
                InputHeight = from.Height,
                InputWidth = from.Width,
                OutputHeight = to.Height,
                OutputWidth = to.Width,
                FirstUnit = unit,
            };
            unit += unitsAreOutputRows ? to.Height : from.Height;
        }

        return unit;
    }
}
