using DeepLab.Backends.Cpu;
using DeepLab.Cpu;
using DeepLab.Crf;
using DeepLab.Imaging;

namespace DeepLab.Tests.Crf;

/// <summary>An image and its pixels' class probabilities, generated from a seed.</summary>
internal sealed class CrfCase
{
    private CrfCase(RgbImage image, int classes, float[] probabilities) => (Image, Classes, Probabilities) = (image, classes, probabilities);

    public RgbImage Image { get; }

    public int Classes { get; }

    /// <summary>[height, width, classes].</summary>
    public float[] Probabilities { get; }

    public int Pixels => Image.Height * Image.Width;

    /// <summary>
    /// Colors that vary little between blocks of 6×6 pixels and less within them, and each block's scores with much
    /// noise.
    /// </summary>
    public static CrfCase Blocks(int height, int width, int classes, ulong seed = 1)
    {
        var random = new SeededRandom(seed);
        int columns = (width + 5) / 6;
        var levels = new int[(height + 5) / 6 * columns * 3];
        for (int i = 0; i < levels.Length; i++) levels[i] = 90 + random.NextInt32(60);
        var image = new RgbImage(height, width);
        var probabilities = new float[height * width * classes];
        var scores = new double[classes];
        for (int pixel = 0; pixel < height * width; pixel++)
        {
            int block = (pixel / width / 6 * columns) + (pixel % width / 6);
            for (int c = 0; c < 3; c++) image.Pixels[(3 * pixel) + c] = (byte)(levels[(3 * block) + c] + random.NextInt32(7));
            for (int c = 0; c < classes; c++) scores[c] = (3 * random.NextDouble()) + (levels[3 * block] % classes == c ? 1.5 : 0);
            double sum = scores.Sum(Math.Exp);
            for (int c = 0; c < classes; c++) probabilities[(pixel * classes) + c] = (float)(Math.Exp(scores[c]) / sum);
        }

        return new CrfCase(image, classes, probabilities);
    }

    public static CrfCase Of(RgbImage image, int classes, float[] probabilities) => new(image, classes, probabilities);

    public float[] Infer(DenseCrfOptions? options = null, int threads = 2, InstructionSet? tier = null)
    {
        using var crf = new DenseCrf(options, threads, tier);
        return Infer(crf);
    }

    public float[] Infer(DenseCrf crf)
    {
        var marginals = new float[Probabilities.Length];
        crf.Infer(Probabilities, Classes, Image, marginals);
        return marginals;
    }
}
