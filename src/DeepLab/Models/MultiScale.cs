using System.Collections.Immutable;
using DeepLab.Backends;
using DeepLab.Layers;
using DeepLab.Tensors;

namespace DeepLab.Models;

/// <summary>Score maps of a three-scale pass; or their gradients.</summary>
/// <param name="Full">At scale 1.</param>
/// <param name="ThreeQuarters">At scale 0.75, resized to the first's size.</param>
/// <param name="Half">At scale 0.5, at its own size.</param>
/// <param name="Fused">The elementwise maximum of the three at the first's size.</param>
public readonly record struct MultiScaleScores(Tensor Full, Tensor ThreeQuarters, Tensor Half, Tensor Fused);

/// <summary>
/// Runs any network on images at 1, 0.75 and 0.5 of their size with the same weights (arXiv:1511.03339) and fuses the scores by their
/// maximum. All three travel through the network as one ragged batch. Sides become ⌊0.75·n⌋ + 1 and ⌊0.5·n⌋ + 1.
/// </summary>
public sealed class MultiScale(INetwork network)
{
    private RaggedShape? _lastImages, _lastPyramid;
    private Tensor? _pyramid, _scores, _halfScores, _threeQuarters, _half, _fused;

    /// <summary>The network that all scales share.</summary>
    public INetwork Network => network;

    /// <summary>The score maps, rented from the arena. Nothing of them needs to be given back.</summary>
    /// <param name="execution">Where it runs.</param>
    /// <param name="pixels">The images [h, w, 3], one after another, in host memory.</param>
    /// <param name="images">Their shape.</param>
    public MultiScaleScores Forward(Execution execution, ReadOnlySpan<float> pixels, RaggedShape images)
    {
        int count = images.Maps.Length;
        Tensor pyramid = execution.Arena.Rent(PyramidOf(images));
        Tensor full = execution.Arena.View(pyramid, 0, count);
        execution.Backend.Upload(pixels, full);
        execution.Backend.ResizeForward(full, execution.Arena.View(pyramid, count, count));
        execution.Backend.ResizeForward(full, execution.Arena.View(pyramid, 2 * count, count));
        Tensor scores = network.Forward(execution, pyramid);
        execution.Release(pyramid);

        Tensor fullScores = execution.Arena.View(scores, 0, count);
        _halfScores = execution.Arena.View(scores, 2 * count, count);
        _threeQuarters = execution.Arena.Rent(fullScores.Shape);
        _half = execution.Arena.Rent(fullScores.Shape);
        _fused = execution.Arena.Rent(fullScores.Shape);
        execution.Backend.ResizeForward(execution.Arena.View(scores, count, count), _threeQuarters);
        execution.Backend.ResizeForward(_halfScores, _half);
        execution.Backend.MaximumForward(fullScores, _threeQuarters, _half, _fused);
        _pyramid = pyramid;
        _scores = scores;
        return new MultiScaleScores(fullScores, _threeQuarters, _halfScores, _fused);
    }

    /// <summary>
    /// Adds the gradients of all weights for the gradients of the four score maps that <paramref name="fill"/> writes.
    /// </summary>
    /// <param name="execution">Where it runs.</param>
    /// <param name="scores">What <see cref="Forward"/> returned.</param>
    /// <param name="fill">Writes the gradient of each score map; it is run while planning too.</param>
    public void Backward(Execution execution, in MultiScaleScores scores, Action<MultiScaleScores> fill)
    {
        if (_scores is null || _half is null || _threeQuarters is null || _fused is null || _pyramid is null)
            throw new InvalidOperationException("Backward was called before Forward.");
        int count = scores.Full.Shape.Maps.Length;
        Arena arena = execution.Arena;
        Tensor gradient = arena.Rent(_scores.Shape);
        var gradients = new MultiScaleScores(
            arena.View(gradient, 0, count), arena.Rent(scores.Full.Shape), arena.View(gradient, 2 * count, count), arena.Rent(scores.Full.Shape));
        fill(gradients);

        // The maximum's gradient joins those of the maps that won it, then both resizings go back.
        Tensor half = arena.Rent(scores.Full.Shape);
        execution.Backend.Clear(half);
        execution.Backend.MaximumBackward(
            scores.Full, _threeQuarters, _half, gradients.Fused, gradients.Full, gradients.ThreeQuarters, half);
        execution.Backend.ResizeBackward(gradients.ThreeQuarters, arena.View(gradient, count, count), accumulate: false);
        execution.Backend.ResizeBackward(half, gradients.Half, accumulate: true);
        foreach (Tensor tensor in (ReadOnlySpan<Tensor>)[half, gradients.Fused, gradients.ThreeQuarters]) arena.Return(tensor);
        network.Backward(execution, gradient);
    }

    /// <summary>A side at one of the smaller scales.</summary>
    public static int ScaledSide(int side, double scale) => (int)(side * scale) + 1;

    private RaggedShape PyramidOf(RaggedShape images)
    {
        if (_lastImages is null || !_lastImages.Equals(images))
        {
            ImmutableArray<MapSize> At(double scale) =>
                [.. images.Maps.Select(m => new MapSize(ScaledSide(m.Height, scale), ScaledSide(m.Width, scale)))];
            _lastPyramid = new RaggedShape([.. images.Maps, .. At(0.75), .. At(0.5)], images.Channels);
            _lastImages = images;
        }

        return _lastPyramid!;
    }
}
