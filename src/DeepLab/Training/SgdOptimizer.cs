using DeepLab.Backends;
using DeepLab.Layers;
using DeepLab.Tensors;

namespace DeepLab.Training;

/// <summary>
/// Stochastic gradient descent with momentum as in Caffe: v ← m·v + rate·(g + decay·w), w ← w − v. The rate is inside
/// the velocity, so a falling rate does not shorten steps already under way.
/// </summary>
internal sealed class SgdOptimizer : IDisposable
{
    private readonly Execution _execution;
    private readonly Parameter[] _parameters;
    private readonly Tensor[] _velocities;
    private readonly ScalarBuffer _squares;
    private readonly double[] _hostSquares;

    /// <summary>Allocates a gradient and a velocity, both zero, for each parameter.</summary>
    public SgdOptimizer(Execution execution, IEnumerable<Parameter> parameters)
    {
        _execution = execution;
        _parameters = [.. parameters];
        foreach (Parameter parameter in _parameters) parameter.AllocateGradient();
        _velocities = [.. _parameters.Select(p => p.NewTensor())];
        _squares = execution.Backend.AllocateScalars(_parameters.Length);
        _hostSquares = new double[_parameters.Length];
    }

    /// <summary>
    /// Updates all parameters and sets their gradients to zero. Waits for the device only if the gradient's norm is
    /// limited.
    /// </summary>
    /// <param name="learningRate">The learning rate.</param>
    /// <param name="momentum">The fraction of the previous step that is kept.</param>
    /// <param name="decay">Weight decay.</param>
    /// <param name="clipNorm">The maximum global L2 norm of the gradient, or 0 for no limit.</param>
    public void Step(double learningRate, double momentum, double decay, double clipNorm = 0)
    {
        double scale = clipNorm > 0 ? Math.Min(1, clipNorm / (GradientNorm() + 1e-6)) : 1;
        for (int i = 0; i < _parameters.Length; i++)
        {
            Parameter parameter = _parameters[i];
            var settings = new SgdSettings(
                (float)(learningRate * parameter.LearningRateMultiplier), (float)momentum, (float)(decay * parameter.DecayMultiplier), (float)scale);
            _execution.SgdUpdate(parameter.Value, parameter.RequiredGradient, _velocities[i], settings);
            parameter.MarkChanged();
        }
    }

    /// <summary>Sets all gradients to zero.</summary>
    public void ClearGradients()
    {
        foreach (Parameter parameter in _parameters) _execution.Clear(parameter.RequiredGradient);
    }

    /// <summary>The L2 norm of all gradients together, read from the device once.</summary>
    public double GradientNorm()
    {
        for (int i = 0; i < _parameters.Length; i++) _execution.SumOfSquares(_parameters[i].RequiredGradient, _squares, i);
        _execution.Read(_squares, _hostSquares);
        double sum = 0;
        foreach (double square in _hostSquares) sum += square;
        return Math.Sqrt(sum);
    }

    /// <summary>Frees the memory used to measure the norm.</summary>
    public void Dispose() => _squares.Dispose();
}
