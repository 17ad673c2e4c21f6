using DeepLab.Backends;
using DeepLab.Tensors;

namespace DeepLab.Benchmarks;

/// <summary>Tensors of normally distributed noise, on a backend and as arrays.</summary>
internal static class Buffers
{
    /// <summary>Noise, always the same.</summary>
    public static float[] Noise(long length)
    {
        var random = new SeededRandom(1);
        var values = new float[length];
        foreach (ref float value in values.AsSpan()) value = (float)random.NextGaussian();
        return values;
    }

    /// <summary>A tensor of noise.</summary>
    public static Tensor NewTensor(Backend backend, RaggedShape shape)
    {
        var tensor = new Tensor(shape, backend.Allocate(shape.Length));
        backend.Upload(Noise(shape.Length), tensor);
        return tensor;
    }
}
