using DeepLab.Tensors;

namespace DeepLab.Backends;

// The operations of a device other than convolutions. Each public one checks its shapes and calls one method that the
// device implements. Maps are [height, width, channels]; each operation works on all maps of its tensors. Results are
// bit-identical for any number of threads.
internal abstract partial class Execution
{
    /// <summary>Copies values from the host.</summary>
    public void Upload(ReadOnlySpan<float> source, Tensor target)
    {
        if (source.Length != target.Shape.Length) throw new ArgumentException($"{source.Length} values do not make {target.Shape}.", nameof(source));
        if (!Begin()) return;
        UploadCore(source, target);
        End("upload");
    }

    /// <summary>Copies values to the host, after all earlier operations.</summary>
    public void Download(Tensor source, Span<float> target)
    {
        if (target.Length != source.Shape.Length) throw new ArgumentException($"{source.Shape} does not fit {target.Length} values.", nameof(target));
        if (!Begin()) return;
        DownloadCore(source, target);
        End("download");
    }

    /// <summary>Copies labels from the host.</summary>
    public void Upload(ReadOnlySpan<byte> source, LabelBuffer target)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(source.Length, target.Length);
        if (!Begin()) return;
        UploadCore(source, target);
        End("upload");
    }

    /// <summary>Reads scalars, after all earlier operations: the host waits for the device here.</summary>
    public void Read(ScalarBuffer source, Span<double> target)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(target.Length, source.Length);
        if (!Begin()) return;
        ReadCore(source, target);
        End("download");
    }

    /// <summary>Fills with zeros.</summary>
    public void Clear(Tensor target)
    {
        if (!Begin()) return;
        ClearCore(target);
        End("clear");
    }

    /// <summary>y = the largest value of each window.</summary>
    public void MaxPoolForward(in PoolingGeometry geometry, Tensor x, Tensor y)
    {
        Require.Pooling(geometry, x, y);
        if (!Begin()) return;
        MaxPoolForwardCore(geometry, x, y);
        End("pooling");
    }

    /// <summary>
    /// dx = dy routed to the first largest value of each window; zero elsewhere, and where x is not positive if
    /// <paramref name="mask"/>.
    /// </summary>
    public void MaxPoolBackward(in PoolingGeometry geometry, Tensor x, Tensor y, Tensor dy, Tensor dx, bool mask)
    {
        Require.Pooling(geometry, x, y);
        Require.Same(x, dx);
        Require.Same(y, dy);
        if (!Begin()) return;
        MaxPoolBackwardCore(geometry, x, y, dy, dx, mask);
        End("pooling");
    }

    /// <summary>y = x resized bilinearly on the aligned-corners grid, map by map.</summary>
    public void ResizeForward(Tensor x, Tensor y)
    {
        Require.Pairs(x, y);
        if (!Begin()) return;
        ResizeForwardCore(x, y);
        End("resizing");
    }

    /// <summary>dx = [dx +] the gradient of the input of <see cref="ResizeForward"/>.</summary>
    public void ResizeBackward(Tensor dy, Tensor dx, bool accumulate)
    {
        Require.Pairs(dx, dy);
        if (!Begin()) return;
        ResizeBackwardCore(dy, dx, accumulate);
        End("resizing");
    }

    /// <summary>y = the elementwise maximum of several tensors.</summary>
    public void MaximumForward(ReadOnlySpan<Tensor> inputs, Tensor y)
    {
        ArgumentOutOfRangeException.ThrowIfZero(inputs.Length);
        foreach (Tensor input in inputs) Require.Same(y, input);
        if (!Begin()) return;
        MaximumForwardCore(inputs, y);
        End("maximum");
    }

    /// <summary>Adds dy, elementwise, to the gradient of the first input that attains the maximum.</summary>
    public void MaximumBackward(ReadOnlySpan<Tensor> inputs, Tensor dy, ReadOnlySpan<Tensor> gradients)
    {
        if (inputs.IsEmpty || inputs.Length != gradients.Length) throw new ArgumentException($"{gradients.Length} gradients for {inputs.Length} inputs.", nameof(gradients));
        foreach (Tensor input in inputs) Require.Same(dy, input);
        foreach (Tensor gradient in gradients) Require.Same(dy, gradient);
        if (!Begin()) return;
        MaximumBackwardCore(inputs, dy, gradients);
        End("maximum");
    }

    /// <summary>
    /// Softmax cross-entropy: writes the sum over pixels of −log softmax(scores)[label], taken in double in a fixed
    /// order, and its gradient times <paramref name="gradientScale"/>. Pixels whose label is not a class are ignored.
    /// </summary>
    /// <param name="scores">[.., classes].</param>
    /// <param name="labels">One label per row of scores.</param>
    /// <param name="firstLabel">Where they start in the buffer.</param>
    /// <param name="gradientScale">
    /// What to multiply the gradient by: the loss's weight over the number of pixels.
    /// </param>
    /// <param name="gradient">The gradient of the scores, or null for none.</param>
    /// <param name="losses">The buffer that receives the sum.</param>
    /// <param name="loss">The index of the sum in that buffer.</param>
    public void SoftmaxCrossEntropy(Tensor scores, LabelBuffer labels, int firstLabel, float gradientScale, Tensor? gradient, ScalarBuffer losses, int loss)
    {
        Require.Same(scores, gradient);
        if (scores.Shape.Channels > Require.MostClasses)
            throw new ArgumentException($"{scores.Shape.Channels} classes, but labels are bytes and tell {Require.MostClasses} apart.", nameof(scores));
        ArgumentOutOfRangeException.ThrowIfNegative(firstLabel);
        if (scores.Shape.Rows > labels.Length - firstLabel) throw new ArgumentException($"{labels.Length - firstLabel} labels for {scores.Shape}.", nameof(labels));
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)loss, (uint)losses.Length);
        if (!Begin()) return;
        SoftmaxCrossEntropyCore(scores, labels, firstLabel, gradientScale, gradient, losses, loss);
        End("loss");
    }

    /// <summary>
    /// Caffe's momentum: v = momentum · v + rate · (gradientScale · g + decay · w); w = w − v. The gradient is zero
    /// afterwards.
    /// </summary>
    public void SgdUpdate(Tensor weights, Tensor gradient, Tensor velocity, in SgdSettings settings)
    {
        Require.Same(weights, gradient);
        Require.Same(weights, velocity);
        if (!Begin()) return;
        SgdUpdateCore(weights, gradient, velocity, settings);
        End("update");
    }

    /// <summary>Writes Σ x², taken in double in a fixed order.</summary>
    /// <param name="x">The values.</param>
    /// <param name="sums">The buffer that receives the sum.</param>
    /// <param name="sum">The index of the sum in that buffer.</param>
    public void SumOfSquares(Tensor x, ScalarBuffer sums, int sum)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)sum, (uint)sums.Length);
        if (!Begin()) return;
        SumOfSquaresCore(x, sums, sum);
        End("update");
    }

    /// <summary>Adds each channel's sum and sum of squares over all rows, in double, to the given arrays.</summary>
    public void ChannelMoments(Tensor x, Span<double> sum, Span<double> sumOfSquares)
    {
        if (sum.Length != x.Shape.Channels || sumOfSquares.Length != x.Shape.Channels) throw new ArgumentException($"{sum.Length} sums for {x.Shape}.", nameof(sum));
        if (!Begin()) return;
        ChannelMomentsCore(x, sum, sumOfSquares);
        End("moments");
    }

    /// <summary>
    /// y = x · scale + shift [+ shortcut] per channel, then max(·, 0) if <paramref name="relu"/>; y may be x.
    /// </summary>
    public void Affine(Tensor x, Tensor scale, Tensor shift, Tensor? shortcut, bool relu, Tensor y)
    {
        Require.Same(x, y);
        Require.Same(x, shortcut);
        Require.Channels(scale, x.Shape.Channels);
        Require.Channels(shift, x.Shape.Channels);
        if (!Begin()) return;
        AffineCore(x, scale, shift, shortcut, relu, y);
        End("affine");
    }

    private protected abstract void UploadCore(ReadOnlySpan<float> source, Tensor target);

    private protected abstract void DownloadCore(Tensor source, Span<float> target);

    private protected abstract void UploadCore(ReadOnlySpan<byte> source, LabelBuffer target);

    private protected abstract void ReadCore(ScalarBuffer source, Span<double> target);

    private protected abstract void ClearCore(Tensor target);

    private protected abstract void MaxPoolForwardCore(in PoolingGeometry geometry, Tensor x, Tensor y);

    private protected abstract void MaxPoolBackwardCore(in PoolingGeometry geometry, Tensor x, Tensor y, Tensor dy, Tensor dx, bool mask);

    private protected abstract void ResizeForwardCore(Tensor x, Tensor y);

    private protected abstract void ResizeBackwardCore(Tensor dy, Tensor dx, bool accumulate);

    private protected abstract void MaximumForwardCore(ReadOnlySpan<Tensor> inputs, Tensor y);

    private protected abstract void MaximumBackwardCore(ReadOnlySpan<Tensor> inputs, Tensor dy, ReadOnlySpan<Tensor> gradients);

    private protected abstract void SoftmaxCrossEntropyCore(
        Tensor scores, LabelBuffer labels, int firstLabel, float gradientScale, Tensor? gradient, ScalarBuffer losses, int loss);

    private protected abstract void SgdUpdateCore(Tensor weights, Tensor gradient, Tensor velocity, in SgdSettings settings);

    private protected abstract void SumOfSquaresCore(Tensor x, ScalarBuffer sums, int sum);

    private protected abstract void ChannelMomentsCore(Tensor x, Span<double> sum, Span<double> sumOfSquares);

    private protected abstract void AffineCore(Tensor x, Tensor scale, Tensor shift, Tensor? shortcut, bool relu, Tensor y);
}

/// <summary>The values used by one update of one parameter.</summary>
/// <param name="LearningRate">The learning rate, with the parameter's multiplier.</param>
/// <param name="Momentum">The fraction of the previous step that is kept.</param>
/// <param name="Decay">The weight decay, with the parameter's multiplier.</param>
/// <param name="GradientScale">A factor of the gradient: below 1 when its norm is clipped.</param>
internal readonly record struct SgdSettings(float LearningRate, float Momentum, float Decay, float GradientScale);
