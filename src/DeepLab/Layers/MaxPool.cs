using DeepLab.Backends;
using DeepLab.Tensors;

namespace DeepLab.Layers;

/// <summary>Max pooling in ceil mode over the output of a ReLU.</summary>
internal sealed class MaxPool(PoolingGeometry geometry)
{
    /// <summary>The largest value of each window.</summary>
    public Tensor Forward(Execution execution, Tensor x)
    {
        Activations activations = execution.StateOf<Activations>(this);
        if (!x.Shape.Equals(activations.InputShape)) (activations.InputShape, activations.OutputShape) = (x.Shape, geometry.OutputShape(x.Shape));
        Tensor y = execution.Arena.Rent(activations.OutputShape!);
        execution.MaxPoolForward(geometry, x, y);
        (activations.Input, activations.Output) = (x, y);
        return y;
    }

    /// <summary>The gradient of the input, masked by its ReLU. The output is returned to the arena.</summary>
    public Tensor Backward(Execution execution, Tensor dy)
    {
        Activations activations = execution.StateOf<Activations>(this);
        if (activations.Input is not Tensor x || activations.Output is not Tensor y) throw new InvalidOperationException("Backward was called before Forward.");
        Tensor dx = execution.Arena.Rent(x.Shape);
        execution.MaxPoolBackward(geometry, x, y, dy, dx, mask: true);
        execution.Arena.Return(y);
        return dx;
    }

    private sealed class Activations
    {
        public RaggedShape? InputShape, OutputShape;
        public Tensor? Input, Output;
    }
}
