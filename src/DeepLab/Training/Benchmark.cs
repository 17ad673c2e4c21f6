using System.Diagnostics;
using System.Globalization;
using DeepLab.Backends;
using DeepLab.Data;
using DeepLab.Layers;
using DeepLab.Models;
using DeepLab.Tensors;

namespace DeepLab.Training;

/// <summary>The cost of a job.</summary>
/// <param name="Job"><c>infer1</c>, <c>infer3</c> or <c>train</c>.</param>
/// <param name="MedianSeconds">The median of the timed runs.</param>
/// <param name="MinSeconds">The fastest run.</param>
/// <param name="PeakMiB">The process's peak memory so far; jobs run in order of increasing memory.</param>
/// <param name="Gigaflop">
/// Floating-point operations of the job's convolutions computed directly, in units of 10⁹.
/// </param>
public sealed record BenchmarkResult(string Job, double MedianSeconds, double MinSeconds, double PeakMiB, double Gigaflop);

/// <summary>The cost of one kind of work in one layer, in one run.</summary>
/// <param name="Layer">
/// The convolution's path, <c>layer3.7.conv2</c>; the operation's name if it belongs to no convolution.
/// </param>
/// <param name="Kind">forward, input gradient, weight gradient; empty where the layer says it all.</param>
/// <param name="Seconds">Time.</param>
/// <param name="Gigaflop">Floating-point operations of convolutions computed directly, in units of 10⁹.</param>
public sealed record LayerCost(string Layer, string Kind, double Seconds, double Gigaflop);

/// <summary>
/// Measures whole jobs on one image of noise, as the project's PyTorch reference does: inference at one scale, at
/// three, and the losses and gradients of a training image, without the optimizer's update.
/// </summary>
public sealed class Benchmark : IDisposable
{
    /// <summary>Timed runs of each job, after one that is not timed.</summary>
    public const int Runs = 5;

    private const string Prefix = "Scale.";
    private const ulong Seed = 1;

    private readonly ActivationCheckpointing _checkpointing;
    private readonly DeepLabResNet _network;
    private readonly TrainingSample _sample = new();
    private readonly RaggedShape _shape;
    private Execution? _execution;
    private TrainingStep? _step;

    /// <summary>Initializes the network's weights and the image at random.</summary>
    /// <param name="backend">The backend to compute on.</param>
    /// <param name="configuration">The network.</param>
    /// <param name="size">The side of the image, in pixels.</param>
    /// <param name="checkpointing">What a training step keeps.</param>
    public Benchmark(Backend backend, DeepLabConfiguration configuration, int size, ActivationCheckpointing checkpointing)
    {
        _checkpointing = checkpointing;
        _network = new DeepLabResNet(backend, configuration);
        Initialization.FromScratch(_network, Seed);

        // Memory left over from initializing the weights belongs to no job.
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
    /// <param name="progress">Called before each run with the number of runs done.</param>
    /// <param name="cancellation">Checked between runs.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such job.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public BenchmarkResult Measure(string job, Action<int>? progress = null, CancellationToken cancellation = default)
    {
        Action run = Start(job);
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
        return new BenchmarkResult(job, seconds[Runs / 2], seconds[0], peak, _execution!.PlannedFloatingPointOperations / 1e9);
    }

    /// <summary>
    /// Runs a job twice and reports the cost of each layer in the second run, in the order of first calls.
    /// </summary>
    /// <param name="job">One of <see cref="Jobs"/>.</param>
    /// <param name="cancellation">Checked between the runs.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such job.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public IReadOnlyList<LayerCost> Profile(string job, CancellationToken cancellation = default)
    {
        Action run = Start(job);
        cancellation.ThrowIfCancellationRequested();
        Profile profile = _execution!.Profile = new Profile();
        run();
        _execution.Profile = null;
        return
        [
            .. profile.Costs.Select(cost => cost.Key.Layer.Length > 0
                ? new LayerCost(cost.Key.Layer[Prefix.Length..], cost.Key.Kind, cost.Value.Seconds, cost.Value.FloatingPointOperations / 1e9)
                : new LayerCost(cost.Key.Kind, "", cost.Value.Seconds, 0)),
        ];
    }

    /// <summary>Frees the memory of the last job.</summary>
    public void Dispose()
    {
        _step?.Dispose();
        _execution?.Dispose();
        _network.ReleasePrepacked();
    }

    // Prepares a job and runs it once, which plans its memory and compiles its code. The memory of the previous job is
    // freed first, so that each job's peak is its own.
    private Action Start(string job)
    {
        Dispose();
        _execution = _network.Backend.CreateExecution(new ExecutionOptions { Checkpointing = _checkpointing });
        _step = null;
        Action run = Prepare(job, _execution);
        run();
        return run;
    }

    private Action Prepare(string job, Execution execution)
    {
        switch (job)
        {
            case "infer1":
                return Inference(execution, new MultiScale(_network.ResNet, NetworkScale.One));
            case "infer3":
                return Inference(execution, _network.MultiScale);
            case "train":
                foreach (Parameter parameter in _network.Parameters) parameter.AllocateGradient();
                TrainingStep step = _step = new TrainingStep(execution, _network, 1);
                var losses = new double[step.Outputs];
                return () =>
                {
                    step.Accumulate(_sample, AugmentationRecipe.Caffe, weight: 1);
                    step.ReadLosses(losses);
                };
            default:
                throw new ArgumentOutOfRangeException(nameof(job), job, "There is no such job.");
        }
    }

    private Action Inference(Execution execution, MultiScale scales)
    {
        Action forward = () => scales.Forward(execution, _sample.Pixels.AsSpan(0, (int)_shape.Length), _shape);
        return () => execution.Run(forward, ExecutionMode.Predict, _shape, forward);
    }

    // Linux itself reports the peak of the resident set; elsewhere .NET does.
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
