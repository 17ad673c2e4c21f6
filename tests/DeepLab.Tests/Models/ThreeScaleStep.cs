using DeepLab.Backends;
using DeepLab.Data;
using DeepLab.Layers;
using DeepLab.Models;
using DeepLab.Tensors;
using DeepLab.Tests.Layers;
using DeepLab.Tests.Oracle;
using DeepLab.Weights.Formats.PyTorch;

namespace DeepLab.Tests.Models;

/// <summary>
/// A training step as the trainer takes it: three scales forward, the mean losses of the four score maps, backward, and an update. Nothing
/// is allocated after the first step.
/// </summary>
internal sealed class ThreeScaleStep : IDisposable
{
    // The one network that most tests use.
    private static readonly Lazy<IReadOnlyDictionary<string, GoldenWeights.Tensor>> s_small = new(() => GoldenWeights.StateDict(18, 21));

    private readonly float[] _pixels;
    private readonly byte[] _labels;
    private readonly RaggedShape _images;
    private readonly Execution _prediction;
    private readonly Action _body, _predict;
    private readonly Action<MultiScaleScores> _fill;
    private readonly Parameter[] _parameters;
    private readonly Tensor[] _velocities;
    private readonly byte[]?[] _shrunk = new byte[]?[4];
    private MultiScaleScores _scores;

    public ThreeScaleStep(DeepLabResNet network, float[] pixels, byte[] labels, MapSize size, MemoryUse memory = MemoryUse.Normal)
    {
        Network = network;
        Execution = new Execution(network.Backend, memory);
        _pixels = pixels;
        _labels = labels;
        _images = RaggedShape.Map(size.Height, size.Width, 3);
        _prediction = new Execution(network.Backend);
        _body = Body;
        _predict = Predict;
        _fill = FillGradients;
        _parameters = [.. network.Parameters];
        foreach (Parameter parameter in _parameters) parameter.AllocateGradient();
        _velocities = [.. _parameters.Select(p => p.NewTensor())];
    }

    /// <summary>Weights, image (100 u) and labels from their names, as golden files have them.</summary>
    public static ThreeScaleStep FromNames(Backend backend, int depth, int classes, string name, string image, MapSize size, MemoryUse memory = MemoryUse.Normal)
    {
        float[] pixels = HashUniform.Values(name, image, 3 * size.Pixels, u => 100 * u), interleaved = new float[pixels.Length];
        for (int k = 0; k < pixels.Length; k++) interleaved[(k % size.Pixels * 3) + (k / size.Pixels)] = pixels[k];
        byte[] labels = HashUniform.Labels(name, "label", size.Height, size.Width, classes);
        return new ThreeScaleStep(NewNetwork(backend, depth, classes), interleaved, labels, size, memory);
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

    public Execution Execution { get; }

    /// <summary>The mean losses of the scores at 1, 0.75, 0.5 and of the fused ones.</summary>
    public double[] Losses { get; } = new double[4];

    public double TotalLoss => Losses[0] + Losses[1] + Losses[2] + Losses[3];

    /// <summary>Called with the four score maps of each step, if set.</summary>
    public Action<MultiScaleScores>? Inspect { get; set; }

    /// <summary>Adds gradients to what is there.</summary>
    public void Run() => Execution.Run(this, ExecutionMode.Train, _images, _body);

    /// <summary>Takes the losses without gradients, in memory of its own, as prediction runs.</summary>
    public void RunForward() => _prediction.Run(this, ExecutionMode.Predict, _images, _predict);

    /// <summary>Updates all parameters; gradients are zero afterwards.</summary>
    public void Update(float rate)
    {
        for (int i = 0; i < _parameters.Length; i++)
        {
            Parameter parameter = _parameters[i];
            var settings = new SgdSettings(rate * parameter.RateMultiplier, 0.9f, 5e-4f * parameter.DecayMultiplier, 1);
            Network.Backend.SgdUpdate(parameter.Value, parameter.Gradient!, _velocities[i], settings);
            parameter.MarkChanged();
        }
    }

    /// <summary>A parameter's gradient in PyTorch's order.</summary>
    public double[] Gradient(Parameter parameter) => LayerBench.InFileOrder(parameter, Network.Backend.Read(parameter.Gradient!));

    public void Dispose()
    {
        Execution.Dispose();
        _prediction.Dispose();
    }

    private void Body()
    {
        _scores = Network.ThreeScales.Forward(Execution, _pixels, _images);
        if (!Execution.Arena.IsPlanning) Inspect?.Invoke(_scores);
        Network.ThreeScales.Backward(Execution, _scores, _fill);
    }

    private void Predict()
    {
        MultiScaleScores scores = Network.ThreeScales.Forward(_prediction, _pixels, _images);
        if (!_prediction.Arena.IsPlanning) Inspect?.Invoke(scores);
        Losses[0] = MeanLoss(_prediction, 0, scores.Full, null);
        Losses[1] = MeanLoss(_prediction, 1, scores.ThreeQuarters, null);
        Losses[2] = MeanLoss(_prediction, 2, scores.Half, null);
        Losses[3] = MeanLoss(_prediction, 3, scores.Fused, null);
    }

    private void FillGradients(MultiScaleScores gradients)
    {
        Losses[0] = MeanLoss(Execution, 0, _scores.Full, gradients.Full);
        Losses[1] = MeanLoss(Execution, 1, _scores.ThreeQuarters, gradients.ThreeQuarters);
        Losses[2] = MeanLoss(Execution, 2, _scores.Half, gradients.Half);
        Losses[3] = MeanLoss(Execution, 3, _scores.Fused, gradients.Fused);
    }

    private double MeanLoss(Execution execution, int index, Tensor scores, Tensor? gradient)
    {
        byte[] labels = _shrunk[index] ??= Shrink(scores.Shape.Maps[0]);
        int counted = 0;
        foreach (byte label in labels) counted += label < scores.Shape.Channels ? 1 : 0;
        return execution.Backend.SoftmaxCrossEntropy(scores, labels, 1f / counted, gradient) / counted;
    }

    private byte[] Shrink(MapSize size)
    {
        var labels = new byte[size.Pixels];
        LabelDownsampler.Downsample(_labels, _images.Maps[0].Height, _images.Maps[0].Width, labels, size.Height, size.Width, LabelDownsampling.Nearest);
        return labels;
    }
}
