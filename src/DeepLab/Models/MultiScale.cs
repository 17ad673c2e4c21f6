using System.Collections.Immutable;
using System.Globalization;
using DeepLab.Backends;
using DeepLab.Tensors;

namespace DeepLab.Models;

/// <summary>One of the scales at which a network sees its images.</summary>
/// <param name="Factor">What the sides are multiplied by: n becomes ⌊factor · n⌋ + 1, and stays n at 1.</param>
/// <param name="LossAtFullSize">
/// Whether the loss is computed on the scores resized to the first scale's size, or at their own size.
/// </param>
internal readonly record struct NetworkScale(double Factor, bool LossAtFullSize)
{
    /// <summary>The scales of DeepLab v2 (arXiv:1606.00915), as Caffe's network has them.</summary>
    public static ImmutableArray<NetworkScale> DeepLab { get; } = [new(1, true), new(0.75, true), new(0.5, false)];

    /// <summary>Only the image itself.</summary>
    public static ImmutableArray<NetworkScale> One { get; } = [new(1, true)];

    /// <summary>What names of this scale end in, in logs, Caffe's layers and ONNX graphs: 1, 075, 05.</summary>
    public string Digits => Factor.ToString(CultureInfo.InvariantCulture).Replace(".", "", StringComparison.Ordinal);

    /// <summary>A side at this scale.</summary>
    public int SideOf(int side) => Factor == 1 ? side : (int)(side * Factor) + 1;

    /// <summary>A size at this scale.</summary>
    public MapSize SizeOf(MapSize size) => new(SideOf(size.Height), SideOf(size.Width));
}

/// <summary>
/// The score maps of a pass, or their gradients. The object belongs to the execution and is the same for every pass.
/// </summary>
internal sealed class MultiScaleScores
{
    /// <summary>
    /// The maps that losses are computed on: the scores of each scale, at the size that
    /// <see cref="NetworkScale.LossAtFullSize"/> specifies, and, if there are several scales, their maximum.
    /// </summary>
    public Tensor[] Outputs { get; init; } = [];

    /// <summary>The elementwise maximum of all scales at the first one's size: the network's final result.</summary>
    public Tensor Fused => Outputs[^1];

    /// <summary>The network's own output: the scores of all scales at their own sizes.</summary>
    internal Tensor Raw { get; set; } = null!;

    /// <summary>The scores of each scale at the first one's size.</summary>
    internal Tensor[] Resized { get; init; } = [];
}

/// <summary>
/// Runs any network on images at several scales with the same weights (arXiv:1511.03339) and fuses the scores by their
/// maximum. All scales go through the network as one ragged batch.
/// </summary>
internal sealed class MultiScale
{
    private readonly INetwork _network;

    /// <summary>Wraps a network.</summary>
    /// <param name="network">The network that all scales share.</param>
    /// <param name="scales">The scales; the first is 1.</param>
    public MultiScale(INetwork network, ImmutableArray<NetworkScale> scales)
    {
        if (scales.IsDefaultOrEmpty || scales[0] != new NetworkScale(1, true)) throw new ArgumentException("The first scale is 1, with its loss at full size.", nameof(scales));
        _network = network;
        Scales = scales;
    }

    /// <summary>The scales, the first of which is 1.</summary>
    public ImmutableArray<NetworkScale> Scales { get; }

    /// <summary>The number of losses: one per scale, and one of the maximum if there are several.</summary>
    public int Outputs => Scales.Length == 1 ? 1 : Scales.Length + 1;

    /// <summary>The score maps, rented from the arena. They need not be returned.</summary>
    /// <param name="execution">The execution to run on.</param>
    /// <param name="pixels">The images [h, w, 3], one after another, in host memory.</param>
    /// <param name="images">Their shape.</param>
    public MultiScaleScores Forward(Execution execution, ReadOnlySpan<float> pixels, RaggedShape images)
    {
        int count = images.Maps.Length;
        Activations activations = execution.StateOf<Activations>(this);
        Arena arena = execution.Arena;
        Tensor input = arena.Rent(activations.InputOf(images, Scales));
        Tensor full = arena.View(input, 0, count);
        execution.Upload(pixels, full);
        for (int i = 1; i < Scales.Length; i++) execution.ResizeForward(full, arena.View(input, i * count, count));
        Tensor raw = _network.Forward(execution, input);
        execution.Release(input);

        MultiScaleScores scores = activations.Scores ??= NewScores();
        scores.Raw = raw;
        for (int i = 0; i < Scales.Length; i++) scores.Outputs[i] = arena.View(raw, i * count, count);
        scores.Resized[0] = scores.Outputs[0];
        if (Scales.Length == 1) return scores;
        for (int i = 1; i < Scales.Length; i++) scores.Resized[i] = arena.Rent(scores.Outputs[0].Shape);
        scores.Outputs[^1] = arena.Rent(scores.Outputs[0].Shape);
        for (int i = 1; i < Scales.Length; i++)
        {
            execution.ResizeForward(scores.Outputs[i], scores.Resized[i]);
            if (Scales[i].LossAtFullSize) scores.Outputs[i] = scores.Resized[i];
        }

        execution.MaximumForward(scores.Resized, scores.Fused);
        return scores;
    }

    /// <summary>
    /// Rents the gradients of <see cref="MultiScaleScores.Outputs"/>, which the losses overwrite completely;
    /// <see cref="Backward"/> returns them to the arena.
    /// </summary>
    public MultiScaleScores RentGradients(Execution execution, MultiScaleScores scores)
    {
        Activations activations = execution.StateOf<Activations>(this);
        Arena arena = execution.Arena;
        int count = scores.Fused.Shape.Maps.Length;
        MultiScaleScores gradients = activations.Gradients ??= NewScores();
        gradients.Raw = arena.Rent(scores.Raw.Shape);
        for (int i = 0; i < Scales.Length; i++)
            gradients.Outputs[i] = i > 0 && Scales[i].LossAtFullSize ? arena.Rent(scores.Fused.Shape) : arena.View(gradients.Raw, i * count, count);
        if (Scales.Length > 1) gradients.Outputs[^1] = arena.Rent(scores.Fused.Shape);
        return gradients;
    }

    /// <summary>Accumulates the gradients of all weights, given the gradients of the score maps.</summary>
    /// <param name="execution">The execution to run on.</param>
    /// <param name="scores">What <see cref="Forward"/> returned.</param>
    /// <param name="gradients">What <see cref="RentGradients"/> returned, filled in.</param>
    public void Backward(Execution execution, MultiScaleScores scores, MultiScaleScores gradients)
    {
        Arena arena = execution.Arena;
        int count = scores.Fused.Shape.Maps.Length;
        if (Scales.Length > 1)
        {
            // The maximum's gradient is added to those of the maps that attained it, then backward goes through the
            // resizes.
            for (int i = 0; i < Scales.Length; i++)
            {
                gradients.Resized[i] = gradients.Outputs[i];
                if (Scales[i].LossAtFullSize) continue;
                gradients.Resized[i] = arena.Rent(scores.Fused.Shape);
                execution.Clear(gradients.Resized[i]);
            }

            execution.MaximumBackward(scores.Resized, gradients.Fused, gradients.Resized);
            for (int i = 1; i < Scales.Length; i++)
            {
                bool ownSize = !Scales[i].LossAtFullSize;
                execution.ResizeBackward(gradients.Resized[i], ownSize ? gradients.Outputs[i] : arena.View(gradients.Raw, i * count, count), accumulate: ownSize);
                arena.Return(gradients.Resized[i]);
            }

            arena.Return(gradients.Fused);
        }

        _network.Backward(execution, gradients.Raw);
    }

    private MultiScaleScores NewScores() => new() { Outputs = new Tensor[Outputs], Resized = new Tensor[Scales.Length] };

    private sealed class Activations
    {
        private RaggedShape? _images, _input;

        public MultiScaleScores? Scores, Gradients;

        public RaggedShape InputOf(RaggedShape images, ImmutableArray<NetworkScale> scales)
        {
            if (!images.Equals(_images)) (_images, _input) = (images, AtAll(images, scales));
            return _input!;
        }

        // A separate method, because its closure would otherwise be allocated on each call.
        private static RaggedShape AtAll(RaggedShape images, ImmutableArray<NetworkScale> scales) =>
            new([.. scales.SelectMany(s => images.Maps.Select(s.SizeOf))], images.Channels);
    }
}
