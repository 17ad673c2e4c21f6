using DeepLab.Backends;
using DeepLab.Layers;
using DeepLab.Tensors;

namespace DeepLab.Models;

/// <summary>A network from images to score maps.</summary>
internal interface INetwork
{
    /// <summary>Its convolutions, which hold all its parameters, in the order of weights files.</summary>
    IEnumerable<Conv> Convolutions { get; }

    /// <summary>The scores, rented from the arena. The caller still owns the images.</summary>
    Tensor Forward(Execution execution, Tensor image);

    /// <summary>
    /// Accumulates the gradients of all weights. The gradient and all maps of the forward pass except images and scores
    /// are returned to the arena.
    /// </summary>
    void Backward(Execution execution, Tensor scoreGradient);
}
