using DeepLab.Backends;
using DeepLab.Layers;
using DeepLab.Tensors;

namespace DeepLab.Training;

/// <summary>
/// Stochastic gradient descent with momentum as Caffe has it: v ← m·v + rate·(g + decay·w), w ← w − v. The rate is inside the velocity, so a falling
/// rate does not shorten steps already under way.
/// </summary>
public sealed class SgdOptimizer
{
    private readonly Backend _backend;
    private readonly Parameter[] _parameters;
    private readonly Tensor[] _velocities;

    /// <summary>Allocates a gradient and a velocity, both zero, for each parameter.</summary>
    public SgdOptimizer(Backend backend, IEnumerable<Parameter> parameters)
    {
        _backend = backend;
        _parameters = [.. parameters];
        foreach (Parameter parameter in _parameters) parameter.AllocateGradient();
        _velocities = [.. _parameters.Select(p => p.NewTensor())];
    }

    /// <summary>Updates all parameters and sets their gradients to zero.</summary>
    /// <param name="rate">The learning rate.</param>
    /// <param name="momentum">The share of the last step that is kept.</param>
    /// <param name="decay">Weight decay.</param>
    /// <param name="clipNorm">The largest global L2 norm of the gradient, or 0 for none.</param>
    public void Step(double rate, double momentum, double decay, double clipNorm = 0)
    {
        double scale = clipNorm > 0 ? Math.Min(1, clipNorm / (GradientNorm() + 1e-6)) : 1;
        for (int i = 0; i < _parameters.Length; i++)
        {
            Parameter parameter = _parameters[i];
            var settings = new SgdSettings(
                (float)(rate * parameter.RateMultiplier), (float)momentum, (float)(decay * parameter.DecayMultiplier), (float)scale);
            _backend.SgdUpdate(parameter.Value, parameter.Gradient!, _velocities[i], settings);
            parameter.MarkChanged();
        }
    }

    /// <summary>The L2 norm of all gradients together.</summary>
    public double GradientNorm()
    {
        double sum = 0;
        foreach (Parameter parameter in _parameters) sum += _backend.SumOfSquares(parameter.Gradient!);
        return Math.Sqrt(sum);
    }
}
