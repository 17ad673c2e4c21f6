using DeepLab.Backends;
using DeepLab.Layers;
using DeepLab.Tensors;

namespace DeepLab.Models;

/// <summary>
/// ResNet (arXiv:1512.03385) at output stride 8 with atrous convolutions and the ASPP head of DeepLab v2
/// (arXiv:1606.00915): from images [h, w, 3] to scores [about ⌈h/8⌉, .., classes].
/// </summary>
internal sealed class ResNet : INetwork
{
    private const int StemWidth = 64;

    private readonly Conv _conv1;
    private readonly MaxPool _pool1;
    private readonly List<ResidualBlock> _blocks = [];
    private readonly List<bool> _recomputable = [];
    private readonly Aspp _layer5;

    // Blocks whose maps training recomputes instead of keeping: those of the first two stages of bottlenecks, which are
    // a twentieth of a ResNet-101's forward pass and an eighth of its maps. With basic blocks, they would be a third of
    // the pass.
    private readonly int _earlyBlocks;

    /// <summary>Creates the network with zero weights.</summary>
    /// <param name="backend">The backend that holds its parameters.</param>
    /// <param name="configuration">Depth and classes.</param>
    /// <param name="prefix">The prefix of its parameters' names.</param>
    public ResNet(Backend backend, DeepLabConfiguration configuration, string prefix = "Scale.")
    {
        configuration.Validate();
        IReadOnlyList<int> blocks = configuration.BlocksPerStage;
        _earlyBlocks = configuration.HasBottlenecks ? blocks[0] + blocks[1] : 0;
        _conv1 = new Conv(backend, $"{prefix}conv1", new ConvolutionSpec(3, StemWidth, 7, 2, 1, 3), $"{prefix}bn1", relu: true);
        _pool1 = new MaxPool(new PoolingGeometry(3, 2, 1));
        int channels = StemWidth;
        channels = AddStage(backend, configuration, $"{prefix}layer1", channels, 64, blocks[0], stride: 1, dilation: 1);
        channels = AddStage(backend, configuration, $"{prefix}layer2", channels, 128, blocks[1], stride: 2, dilation: 1);
        channels = AddStage(backend, configuration, $"{prefix}layer3", channels, 256, blocks[2], stride: 1, dilation: 2);
        channels = AddStage(backend, configuration, $"{prefix}layer4", channels, 512, blocks[3], stride: 1, dilation: 4);
        _layer5 = new Aspp(backend, $"{prefix}layer5", channels, configuration.Classes, [6, 12, 18, 24]);
    }

    /// <summary>The first layer.</summary>
    public Conv Stem => _conv1;

    /// <summary>The blocks of all stages, in order.</summary>
    public IReadOnlyList<ResidualBlock> Blocks => _blocks;

    /// <summary>The last layer.</summary>
    public Aspp Head => _layer5;

    /// <inheritdoc/>
    public IEnumerable<Conv> Convolutions => [_conv1, .. _blocks.SelectMany(b => b.Convolutions), .. _layer5.Branches];

    /// <summary>Frees the packed copies of the weights.</summary>
    public void ReleasePrepacked()
    {
        foreach (Conv convolution in Convolutions) convolution.ReleasePrepacked();
        _layer5.ReleasePrepacked();
    }

    /// <inheritdoc/>
    public Tensor Forward(Execution execution, Tensor image)
    {
        bool keep = execution.KeepsMaps;
        int early = EarlyBlocks(execution);
        execution.KeepsMaps = keep && early == 0;
        Tensor x = ForwardEarly(execution, image, early);
        execution.KeepsMaps = keep;
        Activations activations = execution.StateOf<Activations>(this);
        (activations.Image, activations.EarlyOutput) = (image, x);
        for (int i = early; i < _blocks.Count; i++)
        {
            Tensor y = _blocks[i].Forward(execution, x);
            if (IsRecomputed(execution, i - 1)) execution.Arena.Return(x);
            else if (y != x) execution.Release(x);
            x = y;
        }

        Tensor scores = _layer5.Forward(execution, x);
        execution.Release(x);
        return scores;
    }

    /// <inheritdoc/>
    public void Backward(Execution execution, Tensor scoreGradient)
    {
        Tensor gradient = _layer5.Backward(execution, scoreGradient);
        for (int i = _blocks.Count - 1; i >= 0; i--)
        {
            if (IsRecomputed(execution, i - 1)) _blocks[i].MoveInput(execution, _blocks[i - 1].RecomputeOutput(execution));
            if (i == EarlyBlocks(execution) - 1) RecomputeEarly(execution);
            gradient = _blocks[i].Backward(execution, gradient);
        }

        Tensor stemGradient = _pool1.Backward(execution, gradient);
        execution.Arena.Return(gradient);
        _conv1.BackwardWeights(execution, stemGradient); // the image's gradient is not needed
        execution.Arena.Return(stemGradient);
        execution.Arena.Return(execution.StateOf<Activations>(this).StemOutput!);
    }

    private int EarlyBlocks(Execution execution) => execution.Checkpointing == ActivationCheckpointing.None ? 0 : _earlyBlocks;

    // The stem, the pooling and the given number of blocks.
    private Tensor ForwardEarly(Execution execution, Tensor image, int blocks)
    {
        Tensor stem = _conv1.Forward(execution, image);
        Tensor x = _pool1.Forward(execution, stem);
        execution.Release(stem);
        for (int i = 0; i < blocks; i++)
        {
            Tensor y = _blocks[i].Forward(execution, x);
            if (y != x) execution.Release(x);
            x = y;
        }

        execution.StateOf<Activations>(this).StemOutput = stem;
        return x;
    }

    // Runs once the later blocks are done, when memory is free again.
    private void RecomputeEarly(Execution execution)
    {
        Activations activations = execution.StateOf<Activations>(this);
        if (activations.Image is null || activations.EarlyOutput is null) throw new InvalidOperationException("Backward was called before Forward.");
        execution.Arena.Return(activations.EarlyOutput);
        ForwardEarly(execution, activations.Image, EarlyBlocks(execution));
    }

    // Every other block of a stage, so that what an output is recomputed from is always available. The last block's
    // output is read immediately.
    private bool IsRecomputed(Execution execution, int block) =>
        execution is { Checkpointing: ActivationCheckpointing.AlternateBlocks, Mode: ExecutionMode.Train }
        && block >= EarlyBlocks(execution) && _recomputable[block] && block < _blocks.Count - 1;

    private int AddStage(
        Backend backend, DeepLabConfiguration configuration, string name, int inChannels, int width, int blocks, int stride, int dilation)
    {
        int outChannels = width * (configuration.HasBottlenecks ? Bottleneck.Expansion : BasicBlock.Expansion);
        for (int i = 0; i < blocks; i++)
        {
            bool project = i == 0 && (stride != 1 || inChannels != outChannels);
            _recomputable.Add(i % 2 == 1);
            int channels = i == 0 ? inChannels : outChannels, step = i == 0 ? stride : 1;
            _blocks.Add(configuration.HasBottlenecks
                ? new Bottleneck(backend, $"{name}.{i}", channels, width, step, dilation, project, configuration.StrideOn3x3)
                : new BasicBlock(backend, $"{name}.{i}", channels, width, step, dilation, project));
        }

        return outChannels;
    }

    private sealed class Activations
    {
        public Tensor? Image, StemOutput, EarlyOutput;
    }
}
