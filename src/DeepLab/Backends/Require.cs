using DeepLab.Tensors;

namespace DeepLab.Backends;

/// <summary>The shape checks that every operation makes on entry. All throw <see cref="ArgumentException"/>.</summary>
internal static class Require
{
    /// <summary>The maximum number of maps in a tensor: kernels list them on the stack.</summary>
    public const int MostMaps = 4096;

    /// <summary>The maximum number of taps of a kernel.</summary>
    public const int MostTaps = 1024;

    /// <summary>The maximum number of classes: labels are bytes.</summary>
    public const int MostClasses = 256;

    /// <summary>Both have the same shape; null matches any.</summary>
    public static void Same(Tensor a, Tensor? b)
    {
        if (b is not null) That(a.Shape.Equals(b.Shape), "The shapes differ", a, b);
    }

    /// <summary>A vector with one value per channel, or null.</summary>
    public static void Channels(Tensor? vector, int channels)
    {
        if (vector is not null && vector.Shape.Length != channels)
            throw new ArgumentException($"{vector.Shape} is not one value per channel for {channels} channels.");
    }

    /// <summary>The same numbers of maps and channels.</summary>
    public static void Pairs(Tensor x, Tensor y) => That(
        x.Shape.Channels == y.Shape.Channels && x.Shape.Maps.Length == y.Shape.Maps.Length && x.Shape.Maps.Length <= MostMaps, "The maps do not fit", x, y);

    /// <summary>The input and output of a convolution.</summary>
    public static void Convolution(in ConvolutionSpec spec, Tensor x, Tensor y)
    {
        That(x.Shape.Channels == spec.InChannels && y.Shape.Channels == spec.OutChannels, "The channels do not fit", x, y);
        That(x.Shape.Maps.Length == y.Shape.Maps.Length && x.Shape.Maps.Length <= MostMaps, "The maps do not fit", x, y);
        if (spec.Taps > MostTaps) throw new ArgumentException($"A kernel of {spec.Taps} taps is too large.");
        for (int i = 0; i < x.Shape.Maps.Length; i++)
        {
            MapSize from = x.Shape.Maps[i], to = y.Shape.Maps[i];
            That(spec.OutputSide(from.Height) == to.Height && spec.OutputSide(from.Width) == to.Width, "The sizes do not fit", x, y);
        }
    }

    /// <summary>The gradient of a convolution's kernel.</summary>
    public static void KernelGradient(in ConvolutionSpec spec, Tensor gradient)
    {
        if (gradient.Shape.Length != spec.WeightCount) throw new ArgumentException($"The weights do not fit: {gradient.Shape} and {spec}.");
    }

    /// <summary>The input and output of a pooling.</summary>
    public static void Pooling(in PoolingGeometry geometry, Tensor x, Tensor y)
    {
        Pairs(x, y);
        for (int i = 0; i < x.Shape.Maps.Length; i++)
        {
            MapSize from = x.Shape.Maps[i], to = y.Shape.Maps[i];
            That(geometry.OutputSide(from.Height) == to.Height && geometry.OutputSide(from.Width) == to.Width, "The sizes do not fit", x, y);
        }
    }

    private static void That(bool condition, string problem, Tensor a, Tensor b)
    {
        if (!condition) throw new ArgumentException($"{problem}: {a.Shape} and {b.Shape}.");
    }
}
