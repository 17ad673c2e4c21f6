using DeepLab.Backends;
using DeepLab.Tensors;

namespace DeepLab.Layers;

/// <summary>Max pooling in ceil mode over maps that came out of a ReLU.</summary>
public sealed class MaxPool(PoolingGeometry geometry)
{
    private RaggedShape? _lastInputShape, _lastOutputShape;
    private Tensor? _x, _y;

    /// <summary>The largest value of each window.</summary>
    public Tensor Forward(Execution execution, Tensor x)
    {
        if (_lastInputShape is null || !_lastInputShape.Equals(x.Shape))
        {
            _lastOutputShape = geometry.OutputShape(x.Shape);
            _lastInputShape = x.Shape;
        }

        _x = x;
        _y = execution.Arena.Rent(_lastOutputShape!);
        execution.Backend.MaxPoolForward(geometry, x, _y);
        return _y;
    }

    /// <summary>The gradient of the input, masked by its ReLU. The output is given back.</summary>
    public Tensor Backward(Execution execution, Tensor dy)
    {
        if (_x is null || _y is null) throw new InvalidOperationException("Backward was called before Forward.");
        Tensor dx = execution.Arena.Rent(_x.Shape);
        execution.Backend.MaxPoolBackward(geometry, _x, _y, dy, dx, mask: true);
        execution.Arena.Return(_y);
        return dx;
    }
}
