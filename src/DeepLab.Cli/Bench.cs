using System.Diagnostics;
using System.Globalization;
using DeepLab.Backends;
using DeepLab.Data;
using DeepLab.Layers;
using DeepLab.Models;
using DeepLab.Tensors;
using DeepLab.Training;

namespace DeepLab.Cli;

/// <summary>What a job took.</summary>
/// <param name="Job"><c>infer1</c>, <c>infer3</c> or <c>train</c>.</param>
/// <param name="MedianSeconds">The median of the timed runs.</param>
/// <param name="MinSeconds">The fastest run.</param>
/// <param name="PeakMiB">The most memory that the process has held so far; jobs run from the least memory to the most.</param>
/// <param name="Gigaflop">Floating-point operations of the job's convolutions as plain sums, in units of 10⁹.</param>
internal sealed record BenchResult(string Job, double MedianSeconds, double MinSeconds, double PeakMiB, double Gigaflop);

/// <summary>What one kind of work in one layer took, in one run.</summary>
/// <param name="Layer">The convolution's path, or the operation where it is none.</param>
/// <param name="Kind">forward, input gradient, weight gradient; empty where the layer says all.</param>
/// <param name="Seconds">Time.</param>
/// <param name="Gigaflop">Floating-point operations as plain sums, in units of 10⁹.</param>
internal sealed record LayerCost(string Layer, string Kind, double Seconds, double Gigaflop);

/// <summary>
/// Measures whole jobs on one image of noise, as the project's PyTorch reference does: inference at one scale, at three, and the losses and
/// gradients of a training image, without the optimizer's update.
/// </summary>
internal sealed class Bench : IDisposable
{
    /// <summary>Timed runs of each job, after one that is not timed.</summary>
    public const int Runs = 5;

    private const ulong Seed = 1;

    private readonly ProfilingBackend _profiler;
    private readonly MemoryUse _memory;
    private readonly DeepLabResNet _network;
    private readonly TrainingSample _sample = new();
    private readonly RaggedShape _shape;
    private Execution? _execution;

    /// <summary>Draws the network's weights and the image.</summary>
    public Bench(Backend backend, DeepLabConfiguration configuration, int size, MemoryUse memory)
    {
        _memory = memory;
        _profiler = new ProfilingBackend(backend);
        _network = new DeepLabResNet(backend, configuration);
        Initialization.FromScratch(_network, Seed);
        // What drawing the weights left behind is no job's memory.
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        _shape = RaggedShape.Map(size, size, 3);
        _sample.Resize(size, size);
        var random = new SeededRandom(Seed);
        foreach (ref float value in _sample.Pixels.AsSpan()) value = (float)random.NextGaussian();
        foreach (ref byte label in _sample.Labels.AsSpan()) label = (byte)random.NextInt32(configuration.Classes);
    }

    /// <summary>The jobs in the order of the memory that they need.</summary>
    public static IReadOnlyList<string> Jobs { get; } = ["infer1", "infer3", "train"];

    /// <summary>Runs a job once to warm up, then five times.</summary>
    /// <param name="job">One of <see cref="Jobs"/>.</param>
    /// <param name="progress">Told the number of runs done, after each.</param>
    /// <param name="cancellation">Stops between runs.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public BenchResult Measure(string job, Action<int>? progress = null, CancellationToken cancellation = default)
    {
        Action run = Start(job, _network.Backend);
        var seconds = new double[Runs];
        for (int i = 0; i < Runs; i++)
        {
            progress?.Invoke(i);
            cancellation.ThrowIfCancellationRequested();
            long start = Stopwatch.GetTimestamp();
            run();
            seconds[i] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        Array.Sort(seconds);
        double peak = PeakMemory() / (1024.0 * 1024.0);
        return new BenchResult(job, seconds[Runs / 2], seconds[0], peak, CountGigaflop(job));
    }

    /// <summary>The floating-point operations of a job's convolutions as plain sums, in units of 10⁹.</summary>
    private double CountGigaflop(string job)
    {
        ProfilingBackend counter = ProfilingBackend.CountingOnly();
        using var execution = new Execution(counter);
        Prepare(job, execution)();
        return counter.Costs.Values.Sum(c => c.Operations) / 1e9;
    }

    /// <summary>Runs a job twice, and tells what each layer took in the second run, in the order of its first call.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public IReadOnlyList<LayerCost> Profile(string job, CancellationToken cancellation = default)
    {
        Action run = Start(job, _profiler);
        cancellation.ThrowIfCancellationRequested();
        _profiler.Reset();
        run();
        Dictionary<Tensor, string> names = [];
        foreach (Parameter parameter in _network.Parameters)
        {
            names[parameter.Value] = parameter.Name;
            if (parameter.Gradient is not null) names[parameter.Gradient] = parameter.Name;
        }

        return
        [
            .. _profiler.Costs.Select(cost => cost.Key.Weights is Tensor weights
                ? new LayerCost(LayerOf(names[weights]), cost.Key.Kind, cost.Value.Seconds, cost.Value.Operations / 1e9)
                : new LayerCost(cost.Key.Kind, "", cost.Value.Seconds, 0)),
        ];
    }

    /// <summary>Frees the memory of the last job.</summary>
    public void Dispose() => _execution?.Dispose();

    private static string LayerOf(string weights) => weights["Scale.".Length..^".weight".Length];

    /// <summary>Prepares a job and runs it once, which plans its memory and compiles its code.</summary>
    private Action Start(string job, Backend backend)
    {
        // The memory of the job before is given back first, so that each job's peak is its own.
        _execution?.Dispose();
        foreach (Parameter parameter in _network.Parameters) parameter.MarkChanged(); // frees what inference keeps packed
        _execution = new Execution(backend, _memory);
        Action run = Prepare(job, _execution);
        run();
        return run;
    }

    private Action Prepare(string job, Execution execution)
    {
        switch (job)
        {
            case "infer1":
                Action one = () =>
                {
                    Tensor image = execution.Arena.Rent(_shape);
                    execution.Backend.Upload(_sample.Pixels.AsSpan(0, (int)_shape.Length), image);
                    _network.OneScale.Forward(execution, image);
                };
                return () => execution.Run(one, ExecutionMode.Predict, _shape, one);
            case "infer3":
                Action three = () => _network.ThreeScales.Forward(execution, _sample.Pixels.AsSpan(0, (int)_shape.Length), _shape);
                return () => execution.Run(three, ExecutionMode.Predict, _shape, three);
            case "train":
                foreach (Parameter parameter in _network.Parameters) parameter.AllocateGradient();
                var step = new TrainingStep(execution, _network);
                return () => step.Accumulate(_sample, AugmentationRecipe.Caffe, weight: 1);
            default:
                throw new ArgumentOutOfRangeException(nameof(job), job, "There is no such job.");
        }
    }

    // Linux tells the peak of the resident set itself; elsewhere .NET does.
    private static double PeakMemory()
    {
        const string Peak = "VmHWM:", Status = "/proc/self/status";
        if (OperatingSystem.IsLinux() && File.Exists(Status))
        {
            string? line = File.ReadLines(Status).FirstOrDefault(l => l.StartsWith(Peak, StringComparison.Ordinal));
            if (line is not null && double.TryParse(line[Peak.Length..].Replace("kB", "", StringComparison.Ordinal), NumberStyles.Float, CultureInfo.InvariantCulture, out double kib))
                return kib * 1024;
        }

        using Process self = Process.GetCurrentProcess();
        return self.PeakWorkingSet64;
    }
}
