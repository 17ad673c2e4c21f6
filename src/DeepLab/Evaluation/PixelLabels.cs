using DeepLab.Imaging;

namespace DeepLab.Evaluation;

/// <summary>The checks that every count of labels against predictions makes at its door.</summary>
internal static class PixelLabels
{
    /// <summary>
    /// Throws <see cref="ArgumentException"/> unless each label is a class or 255, and each prediction a class.
    /// </summary>
    public static void Check(ReadOnlySpan<byte> labels, ReadOnlySpan<byte> predictions, int classes)
    {
        if (labels.Length != predictions.Length)
            throw new ArgumentException($"{labels.Length} labels cannot be compared with {predictions.Length} predictions", nameof(predictions));

        byte last = (byte)(classes - 1);
        int wrong = predictions.IndexOfAnyExceptInRange((byte)0, last);
        if (wrong >= 0)
            throw new ArgumentException($"prediction {predictions[wrong]} at pixel {wrong} is none of the {classes} classes", nameof(predictions));

        for (int i = 0; i < labels.Length; i++)
        {
            if (labels[i] > last && labels[i] != LabelMap.IgnoreLabel)
                throw new ArgumentException($"label {labels[i]} at pixel {i} is neither one of the {classes} classes nor {LabelMap.IgnoreLabel}", nameof(labels));
        }
    }
}
