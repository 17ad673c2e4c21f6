using DeepLab.Backends;
using DeepLab.Backends.Cpu;
using DeepLab.Cpu;
using DeepLab.Tensors;

namespace DeepLab.Tests.Oracle;

/// <summary>The backends that tests run on, by name, and ways to put values in and get them out in double.</summary>
internal static class TestBackends
{
    public const string Oracle = "double";

    /// <summary>The instruction sets available to this process.</summary>
    public static IReadOnlyList<InstructionSet> Tiers { get; } = [.. Enum.GetValues<InstructionSet>().Where(t => t <= InstructionSets.Best)];

    /// <summary>The oracle and every instruction set.</summary>
    public static IReadOnlyList<string> Names { get; } = [Oracle, .. Tiers.Select(t => t.ToString())];

    public static Backend Create(string name, int threads = 2) =>
        name == Oracle ? new DoubleBackend() : new CpuBackend(threads, Enum.Parse<InstructionSet>(name));

    public static void Write(this Backend backend, Tensor tensor, ReadOnlySpan<double> values)
    {
        if (backend is DoubleBackend)
        {
            values.CopyTo(DoubleBackend.Values(tensor));
            return;
        }

        var single = new float[values.Length];
        for (int i = 0; i < single.Length; i++) single[i] = (float)values[i];
        backend.Upload(single, tensor);
    }

    public static double[] Read(this Backend backend, Tensor tensor)
    {
        if (backend is DoubleBackend) return DoubleBackend.Values(tensor).ToArray();
        var single = new float[tensor.Shape.Length];
        backend.Download(tensor, single);
        return [.. single.Select(v => (double)v)];
    }

    /// <summary>A tensor of zeros with its own buffer.</summary>
    public static Tensor NewTensor(this Backend backend, RaggedShape shape) => new(shape, backend.Allocate(shape.Length));

    /// <summary>A tensor with its own buffer.</summary>
    public static Tensor NewTensor(this Backend backend, RaggedShape shape, ReadOnlySpan<double> values)
    {
        Tensor tensor = backend.NewTensor(shape);
        backend.Write(tensor, values);
        return tensor;
    }

    /// <summary>Runs softmax cross-entropy with labels in host memory, and returns its value.</summary>
    public static double Loss(this Execution execution, Tensor scores, ReadOnlySpan<byte> labels, float gradientScale, Tensor? gradient)
    {
        using LabelBuffer onDevice = execution.Backend.AllocateLabels(labels.Length);
        using ScalarBuffer loss = execution.Backend.AllocateScalars(1);
        execution.Upload(labels, onDevice);
        execution.SoftmaxCrossEntropy(scores, onDevice, 0, gradientScale, gradient, loss, 0);
        return execution.Read(loss);
    }

    /// <summary>The sum of squares of a tensor.</summary>
    public static double Squares(this Execution execution, Tensor x)
    {
        using ScalarBuffer sum = execution.Backend.AllocateScalars(1);
        execution.SumOfSquares(x, sum, 0);
        return execution.Read(sum);
    }

    private static double Read(this Execution execution, ScalarBuffer scalars)
    {
        Span<double> value = stackalloc double[1];
        execution.Read(scalars, value);
        return value[0];
    }
}
