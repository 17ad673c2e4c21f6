using DeepLab.Backends;
using DeepLab.Layers;
using DeepLab.Tensors;
using DeepLab.Tests.Oracle;

namespace DeepLab.Tests.Layers;

/// <summary>
/// Runs layers on a backend; inputs and results are arrays of doubles. While memory is planned, values are zeros.
/// </summary>
internal sealed class LayerBench : IDisposable
{
    private readonly List<Tensor> _tensors = [];

    public LayerBench(Backend backend)
    {
        Backend = backend;
        Execution = backend.CreateExecution();
    }

    public LayerBench(string backend)
        : this(TestBackends.Create(backend))
    {
    }

    public Backend Backend { get; }

    public Execution Execution { get; }

    /// <summary>Plans a step, then runs it.</summary>
    public void Train(Action body) => Execution.Run(new object(), ExecutionMode.Train, RaggedShape.Map(1, 1, 1), body);

    public Tensor Rent(RaggedShape shape, ReadOnlySpan<double> values)
    {
        Tensor tensor = Execution.Arena.Rent(shape);
        if (!Execution.Arena.IsPlanning) Backend.Write(tensor, values);
        return tensor;
    }

    /// <summary>
    /// A tensor that lives as long as the bench: kernels see only pointers, so something must hold its buffer.
    /// </summary>
    public Tensor NewTensor(RaggedShape shape, ReadOnlySpan<double> values = default)
    {
        Tensor tensor = values.IsEmpty ? Backend.NewTensor(shape) : Backend.NewTensor(shape, values);
        _tensors.Add(tensor);
        return tensor;
    }

    public double[] Read(Tensor tensor) => Execution.Arena.IsPlanning ? new double[tensor.Shape.Length] : Backend.Read(tensor);

    /// <summary>A parameter's gradient in PyTorch's order, in double on the oracle.</summary>
    public double[] Gradient(Parameter parameter) => InFileOrder(parameter, Read(parameter.Gradient!));

    public static double[] InFileOrder(Parameter parameter, double[] device)
    {
        if (parameter.Shape.Count == 1) return device;
        int outs = parameter.Shape[0], ins = parameter.Shape[1], taps = parameter.Shape[2] * parameter.Shape[3];
        var values = new double[device.Length];
        for (int k = 0; k < values.Length; k++)
        {
            int tap = k % taps, i = k / taps % ins, o = k / taps / ins;
            values[k] = device[(((tap * ins) + i) * outs) + o];
        }

        return values;
    }

    public static double[] Where(double[] values, double[] positive) => [.. values.Select((v, i) => positive[i] > 0 ? v : 0)];

    public void Dispose()
    {
        foreach (Tensor tensor in _tensors) tensor.Buffer.Dispose();
        Execution.Dispose();
        Backend.Dispose();
    }
}
