using System.Runtime.InteropServices;
using DeepLab.Cpu;
using DeepLab.Tensors;
using static DeepLab.Backends.Cpu.CpuBuffer;

namespace DeepLab.Backends.Cpu;

// Pooling, resizing, maximum, loss, optimizer and reductions.
internal sealed unsafe partial class CpuExecution
{
    /// <summary>The minimum number of values per unit of an elementwise operation.</summary>
    private const int UnitValues = 1 << 14;

    private protected override void UploadCore(ReadOnlySpan<float> source, Tensor target) => backend.Upload(source, target);

    private protected override void DownloadCore(Tensor source, Span<float> target) => backend.Download(source, target);

    private protected override void UploadCore(ReadOnlySpan<byte> source, LabelBuffer target) => source.CopyTo(((CpuLabels)target).Memory.Slice(0, source.Length));

    private protected override void ReadCore(ScalarBuffer source, Span<double> target) => ((CpuScalars)source).Values[..target.Length].CopyTo(target);

    private protected override void ClearCore(Tensor target)
    {
        NativeMemory.Clear(PointerOf(target), checked((nuint)target.Shape.Length * sizeof(float)));
        KeepAlive(target);
    }

    private protected override void MaxPoolForwardCore(in PoolingGeometry geometry, Tensor x, Tensor y)
    {
        MapPair* maps = stackalloc MapPair[x.Shape.Maps.Length];
        int units = Pair(maps, x, y, null, null, unitsAreOutputRows: true);
        var body = new MaxPooling { Maps = maps, MapCount = x.Shape.Maps.Length, Channels = x.Shape.Channels, Geometry = geometry };
        backend.Run(ref body, units);
        KeepAlive(x, y);
    }

    private protected override void MaxPoolBackwardCore(in PoolingGeometry geometry, Tensor x, Tensor y, Tensor dy, Tensor dx, bool mask)
    {
        MapPair* maps = stackalloc MapPair[x.Shape.Maps.Length];
        Pair(maps, x, y, dx, dy, unitsAreOutputRows: true);
        var body = new MaxPoolingGradient
        {
            Maps = maps,
            Channels = x.Shape.Channels,
            UnitsPerMap = WorkerPool.UnitsOf(x.Shape.Channels, MaxPoolingGradient.UnitChannels),
            Geometry = geometry,
            Mask = mask,
        };
        backend.Run(ref body, body.UnitsPerMap * x.Shape.Maps.Length);
        KeepAlive(x, y, dy, dx);
    }

    private protected override void ResizeForwardCore(Tensor x, Tensor y)
    {
        MapPair* maps = stackalloc MapPair[x.Shape.Maps.Length];
        int units = Pair(maps, x, y, null, null, unitsAreOutputRows: true);
        var body = new BilinearResize { Maps = maps, MapCount = x.Shape.Maps.Length, Channels = x.Shape.Channels };
        backend.Run(ref body, units);
        KeepAlive(x, y);
    }

    private protected override void ResizeBackwardCore(Tensor dy, Tensor dx, bool accumulate)
    {
        MapPair* maps = stackalloc MapPair[dx.Shape.Maps.Length];
        int units = Pair(maps, dx, dy, dx, dy, unitsAreOutputRows: false);
        var body = new BilinearResizeGradient { Maps = maps, MapCount = dx.Shape.Maps.Length, Channels = dx.Shape.Channels, Accumulate = accumulate };
        backend.Run(ref body, units);
        KeepAlive(dy, dx);
    }

    private protected override void MaximumForwardCore(ReadOnlySpan<Tensor> inputs, Tensor y)
    {
        float** sources = stackalloc float*[inputs.Length];
        for (int i = 0; i < inputs.Length; i++) sources[i] = PointerOf(inputs[i]);
        var body = new Maximum { Inputs = sources, Count = inputs.Length, Target = PointerOf(y), Length = y.Shape.Length, UnitValues = UnitValues };
        backend.Run(ref body, WorkerPool.UnitsOf(body.Length, UnitValues));
        KeepAlive(y);
        foreach (Tensor input in inputs) KeepAlive(input);
    }

    private protected override void MaximumBackwardCore(ReadOnlySpan<Tensor> inputs, Tensor dy, ReadOnlySpan<Tensor> gradients)
    {
        float** sources = stackalloc float*[inputs.Length], targets = stackalloc float*[inputs.Length];
        for (int i = 0; i < inputs.Length; i++)
        {
            sources[i] = PointerOf(inputs[i]);
            targets[i] = PointerOf(gradients[i]);
        }

        var body = new MaximumGradient
        {
            Inputs = sources,
            Gradients = targets,
            Count = inputs.Length,
            Gradient = PointerOf(dy),
            Length = dy.Shape.Length,
            UnitValues = UnitValues,
        };
        backend.Run(ref body, WorkerPool.UnitsOf(body.Length, UnitValues));
        KeepAlive(dy);
        for (int i = 0; i < inputs.Length; i++) KeepAlive(inputs[i], gradients[i]);
    }

    private protected override void SoftmaxCrossEntropyCore(
        Tensor scores, LabelBuffer labels, int firstLabel, float gradientScale, Tensor? gradient, ScalarBuffer losses, int loss)
    {
        int units = WorkerPool.UnitsOf(scores.Shape.Rows, CrossEntropyRows.UnitRows);
        var body = new CrossEntropyRows
        {
            Scores = PointerOf(scores),
            Labels = ((CpuLabels)labels).Memory.Pointer + firstLabel,
            Gradient = PointerOrNull(gradient),
            Rows = scores.Shape.Rows,
            Classes = scores.Shape.Channels,
            GradientScale = gradientScale,
            Partials = (double*)Workspace(2L * units),
        };
        backend.Run(ref body, units);
        KeepAlive(scores, labels, gradient);
        ((CpuScalars)losses).Values[loss] = InOrder(body.Partials, units);
    }

    private protected override void SgdUpdateCore(Tensor weights, Tensor gradient, Tensor velocity, in SgdSettings settings)
    {
        var body = new SgdStep
        {
            Weights = PointerOf(weights),
            Gradient = PointerOf(gradient),
            Velocity = PointerOf(velocity),
            Length = weights.Shape.Length,
            UnitValues = UnitValues,
            Settings = settings,
        };
        backend.Run(ref body, WorkerPool.UnitsOf(body.Length, UnitValues));
        KeepAlive(weights, gradient, velocity);
    }

    private protected override void SumOfSquaresCore(Tensor x, ScalarBuffer sums, int sum)
    {
        int units = WorkerPool.UnitsOf(x.Shape.Length, UnitValues);
        var body = new SquareSums { Source = PointerOf(x), Length = x.Shape.Length, UnitValues = UnitValues, Partials = (double*)Workspace(2L * units) };
        backend.Run(ref body, units);
        KeepAlive(x);
        ((CpuScalars)sums).Values[sum] = InOrder(body.Partials, units);
    }

    private protected override void ChannelMomentsCore(Tensor x, Span<double> sum, Span<double> sumOfSquares)
    {
        int channels = x.Shape.Channels;
        fixed (double* sums = sum, squares = sumOfSquares)
        {
            var body = new ColumnMoments { Source = PointerOf(x), Rows = x.Shape.Rows, Columns = channels, Sums = sums, Squares = squares };
            backend.Run(ref body, WorkerPool.UnitsOf(channels, ColumnMoments.UnitColumns));
            KeepAlive(x);
        }
    }

    private protected override void AffineCore(Tensor x, Tensor scale, Tensor shift, Tensor? shortcut, bool relu, Tensor y)
    {
        int unitRows = Math.Max(1, UnitValues / x.Shape.Channels);
        var body = new AffineRows
        {
            Source = PointerOf(x),
            Scale = PointerOf(scale),
            Rows = x.Shape.Rows,
            UnitRows = unitRows,
            Epilogue = new Epilogue { Target = PointerOf(y), Columns = x.Shape.Channels, Shift = PointerOf(shift), Shortcut = PointerOrNull(shortcut), Relu = relu },
            Scratch = backend.Scratch,
        };
        backend.Run(ref body, WorkerPool.UnitsOf(x.Shape.Rows, unitRows));
        KeepAlive(x, scale, shift, shortcut);
        KeepAlive(y);
    }

    private static double InOrder(double* partials, int count)
    {
        double sum = 0;
        for (int i = 0; i < count; i++) sum += partials[i];
        return sum;
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
                Input = PointerOf(x) + input,
                Output = PointerOf(y) + output,
                InputGradient = dx is null ? null : PointerOf(dx) + input,
                OutputGradient = dy is null ? null : PointerOf(dy) + output,
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
