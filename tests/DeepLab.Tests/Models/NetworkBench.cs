using DeepLab.Backends;
using DeepLab.Data;
using DeepLab.Layers;
using DeepLab.Models;
using DeepLab.Tensors;
using DeepLab.Tests.Layers;
using DeepLab.Tests.Oracle;
using DeepLab.Training;

namespace DeepLab.Tests.Models;

/// <summary>
/// A network with the library's own training step and update on one image, and the same losses without gradients, run
/// as in prediction. Nothing is allocated after the first call.
/// </summary>
internal sealed class NetworkBench : IDisposable
{
    // The one network that most tests use.
    private static readonly Lazy<IReadOnlyDictionary<string, GoldenWeights.Tensor>> s_small = new(() => GoldenWeights.StateDict(18, 21));

    private readonly TrainingSample _sample = new();
    private readonly TrainingStep _step;
    private readonly SgdOptimizer _optimizer;
    private readonly Execution _execution, _prediction;
    private readonly RaggedShape _images;
    private readonly Action _predict;
    private readonly LabelBuffer?[] _labels;
    private readonly ScalarBuffer _losses;
    private readonly int[] _counted;

    public NetworkBench(DeepLabResNet network, float[] pixels, byte[] labels, MapSize size, ActivationCheckpointing checkpointing = ActivationCheckpointing.EarlyStages)
    {
        Network = network;
        _sample.Resize(size.Height, size.Width);
        pixels.CopyTo(_sample.Pixels, 0);
        labels.CopyTo(_sample.Labels, 0);
        _images = RaggedShape.Map(size.Height, size.Width, 3);
        _execution = network.Backend.CreateExecution(new ExecutionOptions { Checkpointing = checkpointing });
        _prediction = network.Backend.CreateExecution();
        _optimizer = new SgdOptimizer(_execution, network.Parameters);
        _step = new TrainingStep(_execution, network, 1);
        Losses = new double[_step.Outputs];
        _predict = Predict;
        _labels = new LabelBuffer?[_step.Outputs];
        _losses = network.Backend.AllocateScalars(_step.Outputs);
        _counted = new int[_step.Outputs];
    }

    /// <summary>Weights, image (100 u) and labels from their names, as in golden files.</summary>
    public static NetworkBench FromNames(Backend backend, int depth, int classes, string name, string image, MapSize size, ActivationCheckpointing checkpointing = ActivationCheckpointing.EarlyStages)
    {
        float[] pixels = HashUniform.Values(name, image, 3 * size.Pixels, u => 100 * u), interleaved = new float[pixels.Length];
        for (int k = 0; k < pixels.Length; k++) interleaved[(k % size.Pixels * 3) + (k / size.Pixels)] = pixels[k];
        byte[] labels = HashUniform.Labels(name, "label", size.Height, size.Width, classes);
        return new NetworkBench(NewNetwork(backend, depth, classes), interleaved, labels, size, checkpointing);
    }

    /// <summary>A network with the weights of golden files.</summary>
    public static DeepLabResNet NewNetwork(Backend backend, int depth, int classes)
    {
        var network = new DeepLabResNet(backend, new DeepLabConfiguration(depth, classes));
        IReadOnlyDictionary<string, GoldenWeights.Tensor> state = (depth, classes) == (18, 21) ? s_small.Value : GoldenWeights.StateDict(depth, classes);
        foreach (StateTensor tensor in network.State) tensor.CopyFrom(state[tensor.Name].Data);
        return network;
    }

    public DeepLabResNet Network { get; }

    /// <summary>The mean losses of the scores at 1, 0.75 and 0.5, and of the fused scores.</summary>
    public double[] Losses { get; }

    public double TotalLoss => Losses.Sum();

    /// <summary>Called with the score maps of each pass, if set.</summary>
    public Action<MultiScaleScores>? Inspect
    {
        get => _step.Inspect;
        set => _step.Inspect = value;
    }

    /// <summary>Accumulates gradients.</summary>
    public void Run()
    {
        _step.Accumulate(_sample, AugmentationRecipe.Caffe, weight: 1);
        _step.ReadLosses(Losses);
    }

    /// <summary>Computes the losses without gradients, in its own memory, as in prediction.</summary>
    public void RunForward()
    {
        _prediction.Run(this, ExecutionMode.Predict, _images, _predict);
        _prediction.Read(_losses, Losses);
        for (int i = 0; i < Losses.Length; i++) Losses[i] /= _counted[i];
    }

    /// <summary>Updates all parameters; gradients are zero afterwards.</summary>
    public void Update(float learningRate) => _optimizer.Step(learningRate, 0.9f, 5e-4f);

    /// <summary>A parameter's gradient in PyTorch's order.</summary>
    public double[] Gradient(Parameter parameter) => LayerBench.InFileOrder(parameter, Network.Backend.Read(parameter.Gradient!));

    public void Dispose()
    {
        _step.Dispose();
        _optimizer.Dispose();
        _execution.Dispose();
        _prediction.Dispose();
        _losses.Dispose();
        foreach (LabelBuffer? labels in _labels) labels?.Dispose();
    }

    private void Predict()
    {
        MultiScaleScores scores = Network.MultiScale.Forward(_prediction, _sample.Pixels.AsSpan(0, (int)_images.Length), _images);
        if (!_prediction.IsPlanning) Inspect?.Invoke(scores);
        for (int i = 0; i < Losses.Length; i++)
        {
            if (_labels[i] is not LabelBuffer labels) (labels, _counted[i]) = Labels(scores.Outputs[i]);
            _labels[i] = labels;
            _prediction.SoftmaxCrossEntropy(scores.Outputs[i], labels, 0, 1, null, _losses, i);
        }
    }

    private (LabelBuffer Labels, int Counted) Labels(Tensor scores)
    {
        MapSize from = _images.Maps[0], to = scores.Shape.Maps[0];
        var host = new byte[to.Pixels];
        LabelDownsampler.Downsample(_sample.Labels.AsSpan(0, from.Pixels), from.Height, from.Width, host, to.Height, to.Width, LabelDownsampling.Nearest);
        LabelBuffer labels = Network.Backend.AllocateLabels(host.Length);
        using Execution upload = Network.Backend.CreateExecution();
        upload.Upload(host, labels);
        return (labels, host.Count(l => l < scores.Shape.Channels));
    }
}
