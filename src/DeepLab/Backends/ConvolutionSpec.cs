using System.Collections.Immutable;
using DeepLab.Tensors;

namespace DeepLab.Backends;

/// <summary>A square convolution: where each tap of its kernel reads.</summary>
/// <param name="InChannels">Channels of its input.</param>
/// <param name="OutChannels">Channels of its output.</param>
/// <param name="KernelSize">Taps per side.</param>
/// <param name="Stride">Input pixels between neighboring outputs.</param>
/// <param name="Dilation">Input pixels between neighboring taps.</param>
/// <param name="Padding">Zeros around the input, on each side.</param>
internal readonly record struct ConvolutionSpec(int InChannels, int OutChannels, int KernelSize, int Stride, int Dilation, int Padding)
{
    /// <summary>Taps of the kernel.</summary>
    public int Taps => KernelSize * KernelSize;

    /// <summary>The number of weights.</summary>
    public long WeightCount => (long)Taps * InChannels * OutChannels;

    /// <summary>The shape of the weights as a matrix: [taps · inChannels, outChannels], taps row by row.</summary>
    public RaggedShape WeightShape => RaggedShape.Matrix(Taps * InChannels, OutChannels);

    /// <summary>
    /// Floating-point operations of the convolution computed directly, for the given number of output pixels; a
    /// multiply-add counts as two.
    /// </summary>
    public double FloatingPointOperations(int rows) => 2.0 * Taps * InChannels * OutChannels * rows;

    /// <summary>The side of the output for a given side of the input.</summary>
    /// <exception cref="ArgumentException">The kernel does not fit the padded input.</exception>
    public int OutputSide(int side)
    {
        int span = side + (2 * Padding) - (Dilation * (KernelSize - 1)) - 1;
        return span < 0
            ? throw new ArgumentException($"A side of {side} is too small for a kernel of {KernelSize} with dilation {Dilation} and padding {Padding}.")
            : (span / Stride) + 1;
    }

    /// <summary>The shape of the output for a given shape of the input.</summary>
    public RaggedShape OutputShape(RaggedShape input)
    {
        if (input.Channels != InChannels) throw new ArgumentException($"A convolution of {InChannels} channels got {input}.");
        ConvolutionSpec self = this;
        return new RaggedShape([.. input.Maps.Select(m => new MapSize(self.OutputSide(m.Height), self.OutputSide(m.Width)))], OutChannels);
    }
}

/// <summary>
/// Atrous spatial pyramid pooling: convolutions of one input with different dilations, padded to preserve the size,
/// whose results are summed.
/// </summary>
internal sealed class AsppSpec
{
    /// <summary>Creates the specification.</summary>
    /// <param name="inChannels">Channels of the input.</param>
    /// <param name="outChannels">Channels of the output.</param>
    /// <param name="kernelSize">Taps per side, odd.</param>
    /// <param name="dilations">The dilation of each branch.</param>
    public AsppSpec(int inChannels, int outChannels, int kernelSize, ReadOnlySpan<int> dilations)
    {
        if (dilations.IsEmpty || kernelSize % 2 == 0) throw new ArgumentException($"{dilations.Length} branches of {kernelSize} taps per side are no ASPP.", nameof(dilations));
        OutChannels = outChannels;
        var branches = ImmutableArray.CreateBuilder<ConvolutionSpec>(dilations.Length);
        foreach (int dilation in dilations) branches.Add(new ConvolutionSpec(inChannels, outChannels, kernelSize, 1, dilation, dilation * (kernelSize / 2)));
        Branches = branches.MoveToImmutable();
    }

    /// <summary>Channels of the output.</summary>
    public int OutChannels { get; }

    /// <summary>The convolutions, identical except for dilation and padding.</summary>
    public ImmutableArray<ConvolutionSpec> Branches { get; }

    /// <inheritdoc/>
    public override string ToString() => $"dilations {string.Join(", ", Branches.Select(b => b.Dilation))} of {Branches[0]}";
}

/// <summary>A square max pooling window in Caffe's ceil mode.</summary>
/// <param name="KernelSize">Pixels per side.</param>
/// <param name="Stride">Input pixels between neighboring windows.</param>
/// <param name="Padding">Pixels around the input that never win, on each side.</param>
internal readonly record struct PoolingGeometry(int KernelSize, int Stride, int Padding)
{
    /// <summary>
    /// The side of the output: ⌈(side + 2·padding − kernel) / stride⌉ + 1, minus a last window that would start beyond
    /// the input and its left padding.
    /// </summary>
    public int OutputSide(int side)
    {
        int output = (Math.Max(side + (2 * Padding) - KernelSize, 0) + Stride - 1) / Stride + 1;
        return (output - 1) * Stride >= side + Padding ? output - 1 : output;
    }

    /// <summary>The shape of the output for a given shape of the input.</summary>
    public RaggedShape OutputShape(RaggedShape input)
    {
        PoolingGeometry self = this;
        ImmutableArray<MapSize> maps = [.. input.Maps.Select(m => new MapSize(self.OutputSide(m.Height), self.OutputSide(m.Width)))];
        return new RaggedShape(maps, input.Channels);
    }
}
