namespace DeepLab.Data;

/// <summary>
/// An augmented image with its labels, ready for a training step. Its buffers are used again and only ever grow, so
/// they may be longer than the sample is.
/// </summary>
internal sealed class TrainingSample
{
    /// <summary>
    /// The pixels, blue, green, red, mean subtracted: the first Height × Width × 3 numbers are [Height, Width, 3].
    /// </summary>
    public float[] Pixels { get; private set; } = [];

    /// <summary>The labels: the first Height × Width bytes are [Height, Width]; 255 is ignored.</summary>
    public byte[] Labels { get; private set; } = [];

    /// <summary>Rows.</summary>
    public int Height { get; private set; }

    /// <summary>Columns.</summary>
    public int Width { get; private set; }

    /// <summary>The name of the image that it was made from.</summary>
    public string Name { get; internal set; } = "";

    /// <summary>Its position in the order of training, from 0.</summary>
    public long Index { get; internal set; }

    /// <summary>Gives the sample a size; what the buffers hold is then undefined.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A side is not positive.</exception>
    public void Resize(int height, int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        int area = checked(height * width);
        if (Pixels.Length < checked(area * 3)) Pixels = new float[area * 3];
        if (Labels.Length < area) Labels = new byte[area];
        (Height, Width) = (height, width);
    }
}
