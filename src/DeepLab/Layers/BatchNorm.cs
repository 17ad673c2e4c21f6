using DeepLab.Backends;
using DeepLab.Tensors;

namespace DeepLab.Layers;

/// <summary>
/// Frozen batch norm: y = (x − mean) / √(variance + ε) · gamma + beta, stored as the affine map that the preceding
/// convolution applies. Its parameters and statistics do not change during training (Caffe's <c>use_global_stats</c>).
/// </summary>
internal sealed class BatchNorm
{
    /// <summary>ε of every batch norm in the network.</summary>
    public const double Epsilon = 1e-5;

    private readonly Backend _backend;
    private readonly Action _changed;

    internal BatchNorm(Backend backend, string name, int channels, Action changed)
    {
        _backend = backend;
        _changed = changed;
        Gamma = new Vector(this, $"{name}.weight", channels, 1);
        Beta = new Vector(this, $"{name}.bias", channels, 0);
        Mean = new Vector(this, $"{name}.running_mean", channels, 0);
        Variance = new Vector(this, $"{name}.running_var", channels, 1);
        RaggedShape shape = RaggedShape.Matrix(1, channels);
        Scale = backend.AllocateParameter(shape);
        Shift = backend.AllocateParameter(shape);
        Fold();
    }

    /// <summary>The factor of the normalized value, one per channel.</summary>
    public StateTensor Gamma { get; }

    /// <summary>The offset, one per channel.</summary>
    public StateTensor Beta { get; }

    /// <summary>The mean, one per channel.</summary>
    public StateTensor Mean { get; }

    /// <summary>The variance, one per channel.</summary>
    public StateTensor Variance { get; }

    /// <summary>gamma / √(variance + ε), on the device.</summary>
    public Tensor Scale { get; }

    /// <summary>beta − mean · scale, on the device.</summary>
    public Tensor Shift { get; }

    /// <summary>The four arrays, in the order of PyTorch's state dictionaries.</summary>
    public IEnumerable<StateTensor> State => [Gamma, Beta, Mean, Variance];

    /// <summary>Measures mean and (biased) variance over all rows of x and sets them.</summary>
    internal void Measure(Execution execution, Tensor x)
    {
        int channels = Gamma.Length;
        var sum = new double[channels];
        var squares = new double[channels];
        execution.ChannelMoments(x, sum, squares);
        var mean = new float[channels];
        var variance = new float[channels];
        for (int i = 0; i < channels; i++)
        {
            double average = sum[i] / x.Shape.Rows;
            mean[i] = (float)average;
            variance[i] = (float)Math.Max(0, (squares[i] / x.Shape.Rows) - (average * average));
        }

        Mean.CopyFrom(mean);
        Variance.CopyFrom(variance);
    }

    private void Fold()
    {
        float[] gamma = Gamma.ToArray(), beta = Beta.ToArray(), mean = Mean.ToArray(), variance = Variance.ToArray();
        var scale = new float[gamma.Length];
        var shift = new float[gamma.Length];
        for (int i = 0; i < scale.Length; i++)
        {
            double factor = gamma[i] / Math.Sqrt(variance[i] + Epsilon);
            scale[i] = (float)factor;
            shift[i] = (float)(beta[i] - (mean[i] * factor));
        }

        _backend.Upload(scale, Scale);
        _backend.Upload(shift, Shift);
        _changed();
    }

    private sealed class Vector : StateTensor
    {
        private readonly BatchNorm _owner;
        private readonly float[] _values;

        public Vector(BatchNorm owner, string name, int channels, float value)
            : base(name, channels)
        {
            _owner = owner;
            _values = new float[channels];
            Array.Fill(_values, value);
        }

        protected override void Read(Span<float> target) => _values.CopyTo(target);

        protected override void Write(ReadOnlySpan<float> source)
        {
            source.CopyTo(_values);
            _owner.Fold();
        }
    }
}
