namespace DeepLab.Imaging;

/// <summary>
/// Where a sample of a resized axis lies among those of the original: between two neighbors, some share of the way from
/// the first to the second. The arithmetic is in double precision; only the share is rounded to single.
/// </summary>
/// <param name="Low">The index of the first neighbor.</param>
/// <param name="High">The index of the second: the next one, or the same at the end of the axis.</param>
/// <param name="Share">How far the sample is from the first to the second, 0 to 1.</param>
internal readonly record struct SamplePosition(int Low, int High, float Share)
{
    /// <summary>
    /// The position with half-pixel centers, as cv2.resize, PIL and PyTorch's <c>align_corners=False</c> have it:
    /// sample i is centered on (i + ½)·size/newSize − ½, clamped at the ends.
    /// </summary>
    /// <param name="index">The sample of the resized axis.</param>
    /// <param name="size">Samples of the original axis.</param>
    /// <param name="newSize">Samples of the resized axis.</param>
    public static SamplePosition HalfPixel(int index, int size, int newSize) => At(HalfPixelCenter(index, size, newSize), size);

    /// <summary>
    /// The position on the aligned-corners grid, as Caffe's Interp and PyTorch's <c>align_corners=True</c> have it: the
    /// first samples of both axes coincide, and the last ones.
    /// </summary>
    /// <param name="index">The sample of the resized axis; a place between two samples too.</param>
    /// <param name="size">Samples of the original axis.</param>
    /// <param name="newSize">Samples of the resized axis; a single one is the original's first.</param>
    public static SamplePosition AlignedCorners(double index, int size, int newSize) =>
        At(newSize > 1 ? index * (size - 1) / (newSize - 1) : 0, size);

    /// <summary>
    /// The center of a sample in the original's coordinates, with half-pixel centers and clamped at the ends.
    /// </summary>
    /// <inheritdoc cref="HalfPixel"/>
    public static double HalfPixelCenter(int index, int size, int newSize) => Math.Clamp(((index + 0.5) * size / newSize) - 0.5, 0, size - 1);

    /// <summary>
    /// The index of the original's sample that a sample's center lies in: ⌊(i + ½)·size/newSize⌋, in integers.
    /// </summary>
    /// <inheritdoc cref="HalfPixel"/>
    public static int Nearest(int index, int size, int newSize) => (int)(((2L * index) + 1) * size / (2L * newSize));

    private static SamplePosition At(double position, int size)
    {
        int low = Math.Min((int)position, size - 1);
        return new SamplePosition(low, Math.Min(low + 1, size - 1), (float)(position - low));
    }
}
