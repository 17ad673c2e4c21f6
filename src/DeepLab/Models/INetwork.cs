using DeepLab.Backends;
using DeepLab.Layers;
using DeepLab.Tensors;

namespace DeepLab.Models;

/// <summary>A network from images to score maps.</summary>
internal interface INetwork
{
    /// <summary>Its convolutions, which hold all its parameters, in the order of weights files.</summary>
    IEnumerable<Conv> Convolutions { get; }

    /// <summary>The scores, rented from the arena. The images stay the caller's.</summary>
    Tensor Forward(Execution execution, Tensor image);

    /// <summary>Adds the gradients of all weights. The gradient and all maps of the forward pass but image and scores are given back.</summary>
    void Backward(Execution execution, Tensor scoreGradient);
}
