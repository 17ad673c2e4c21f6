using System.Runtime.InteropServices;
using DeepLab.Imaging;
using DeepLab.Models;

namespace DeepLab.Data;

/// <summary>
/// Makes training samples of images by an <see cref="AugmentationRecipe"/>. Keeps its scratch buffers, so one is for
/// one thread at a time.
/// </summary>
/// <param name="preprocessing">How pixels become the network's input; null for the authors'.</param>
internal sealed class Augmenter(Preprocessing? preprocessing = null)
{
    private readonly Preprocessing _preprocessing = preprocessing ?? Preprocessing.Caffe;
    private readonly BilinearResizer _resizer = new();
    private float[] _warped = [];
    private int[] _columns = [];

    /// <summary>
    /// Fills <paramref name="target"/>: the image warped if the recipe says so, scaled bilinearly (its labels to the
    /// nearest), normalized, padded with zero and label 255 to the crop, cropped, and mirrored or not.
    /// </summary>
    /// <remarks>
    /// Of the scaled image only the crop is computed. Four random numbers are drawn: scale, top, left, mirror.
    /// </remarks>
    /// <param name="image">The image [height, width, 3].</param>
    /// <param name="labels">Its labels [height, width].</param>
    /// <param name="recipe">How to augment.</param>
    /// <param name="random">The sample's own random numbers.</param>
    /// <param name="target">Receives the sample; its name and index are left alone.</param>
    /// <exception cref="ArgumentException">The labels' size is not the image's.</exception>
    /// <exception cref="DeepLabException">The scaled image is too large to be kept in one piece.</exception>
    public void Apply(RgbImage image, LabelMap labels, AugmentationRecipe recipe, SeededRandom random, TrainingSample target)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentNullException.ThrowIfNull(recipe);
        ArgumentNullException.ThrowIfNull(random);
        ArgumentNullException.ThrowIfNull(target);
        if ((labels.Height, labels.Width) != (image.Height, image.Width))
            throw new ArgumentException("The labels' size is not the image's.", nameof(labels));
        (int height, int width) = recipe.Warp is int side ? (side, side) : (image.Height, image.Width);

        double scale = recipe.Scales.Draw(random);
        int newHeight = Math.Max(1, (int)(height * scale)), newWidth = Math.Max(1, (int)(width * scale));
        int cropHeight = recipe.Crop ?? newHeight, cropWidth = recipe.Crop ?? newWidth;
        int top = random.NextInt32(Math.Max(newHeight - cropHeight, 0) + 1);
        int left = random.NextInt32(Math.Max(newWidth - cropWidth, 0) + 1);
        bool mirror = random.NextDouble() < recipe.FlipProbability;
        if ((long)cropHeight * cropWidth * 3 > Array.MaxLength)
        {
            throw new DeepLabException(FormattableString.Invariant($"an image of {image.Width}×{image.Height} scaled by {scale} is too large to train on without a crop"))
            {
                Remedy = new Remedy(RemedyKind.Crop),
            };
        }


        var window = new ResizeWindow(newHeight, newWidth, top, left, Math.Min(cropHeight, newHeight), Math.Min(cropWidth, newWidth));
        target.Resize(cropHeight, cropWidth);
        FillPixels(image, recipe.Warp, window, target);
        FillLabels(labels, recipe, window, target);
        if (mirror) Mirror(target);
    }

    private void FillPixels(RgbImage image, int? warp, in ResizeWindow window, TrainingSample target)
    {
        int stride = target.Width * 3;
        if (warp is int side)
        {
            if (_warped.Length < side * side * 3) _warped = new float[side * side * 3];
            _resizer.Resize<byte>(image.Pixels, image.Height, image.Width, ResizeWindow.Whole(side, side), _warped, side * 3);
            _resizer.Resize<float>(_warped, side, side, window, target.Pixels, stride);
        }
        else
        {
            _resizer.Resize<byte>(image.Pixels, image.Height, image.Width, window, target.Pixels, stride);
        }

        for (int y = 0; y < window.Rows; y++)
        {
            Span<float> row = target.Pixels.AsSpan(y * stride, stride);
            NetworkInput.Normalize(row[..(window.Columns * 3)], _preprocessing);
            row[(window.Columns * 3)..].Clear();
        }

        target.Pixels.AsSpan(window.Rows * stride, (target.Height - window.Rows) * stride).Clear();
    }

    private void FillLabels(LabelMap labels, AugmentationRecipe recipe, in ResizeWindow window, TrainingSample target)
    {
        if (_columns.Length < window.Columns) _columns = new int[window.Columns];
        for (int x = 0; x < window.Columns; x++) _columns[x] = SourceIndex(window.Left + x, labels.Width, recipe.Warp, window.NewWidth);
        byte padding = recipe.IgnoredLabel255 ? LabelMap.IgnoreLabel : (byte)0;
        for (int y = 0; y < window.Rows; y++)
        {
            ReadOnlySpan<byte> from = labels.Labels.AsSpan(SourceIndex(window.Top + y, labels.Height, recipe.Warp, window.NewHeight) * labels.Width, labels.Width);
            Span<byte> to = target.Labels.AsSpan(y * target.Width, target.Width);
            for (int x = 0; x < window.Columns; x++) to[x] = from[_columns[x]];
            to[window.Columns..].Fill(padding);
        }

        target.Labels.AsSpan(window.Rows * target.Width, (target.Height - window.Rows) * target.Width).Fill(padding);
        if (!recipe.IgnoredLabel255) target.Labels.AsSpan(0, target.Height * target.Width).Replace(LabelMap.IgnoreLabel, (byte)0);
    }

    /// <summary>
    /// Where a label of the scaled map comes from: the nearest of the warped map, if there is one, and of that the
    /// nearest.
    /// </summary>
    private static int SourceIndex(int i, int size, int? warp, int newSize) =>
        warp is int side ? SamplePosition.Nearest(SamplePosition.Nearest(i, side, newSize), size, side) : SamplePosition.Nearest(i, size, newSize);

    private static void Mirror(TrainingSample sample)
    {
        for (int y = 0; y < sample.Height; y++)
        {
            MemoryMarshal.Cast<float, Pixel>(sample.Pixels.AsSpan(y * sample.Width * 3, sample.Width * 3)).Reverse();
            sample.Labels.AsSpan(y * sample.Width, sample.Width).Reverse();
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Pixel(float First, float Second, float Third);
}
