using System.Runtime.CompilerServices;
using DeepLab.Imaging;

namespace DeepLab.Crf;

/// <summary>
/// Where the pixels of an image lie in a permutohedral lattice (Adams, Baek and Davis, 2010): position and, if the
/// kernel has one, colour, each divided by its standard deviation and scaled so that the lattice's blur is a Gaussian
/// of deviation 1. Everything is computed in single precision in the order of pydensecrf, so that a pixel on the border
/// between two simplices falls into the same one.
/// </summary>
internal sealed class LatticeEmbedding
{
    private const int Levels = 256;

    private readonly float[] _scales;
    private readonly float[] _levels;
    private float[] _positions = [];

    /// <param name="positionDeviation">σxy in pixels.</param>
    /// <param name="colorDeviation">σrgb in levels, or null for a kernel of positions alone.</param>
    public LatticeEmbedding(float positionDeviation, float? colorDeviation)
    {
        PositionDeviation = positionDeviation;
        Dimensions = colorDeviation is null ? 2 : 5;
        _scales = new float[Dimensions];
        float deviations = (float)(Math.Sqrt(2.0 / 3) * (Dimensions + 1));
        for (int i = 0; i < Dimensions; i++) _scales[i] = (float)(1 / Math.Sqrt((i + 2) * (i + 1)) * deviations);

        _levels = new float[(Dimensions - 2) * Levels];
        for (int i = 0; i < _levels.Length; i++) _levels[i] = i % Levels / colorDeviation!.Value * _scales[2 + (i / Levels)];

        Steps = new LatticeKey[Dimensions + 1];
        for (int direction = 0; direction <= Dimensions; direction++)
        {
            for (int i = 0; i < Dimensions; i++)
                Steps[direction] += LatticeKey.Step(i, Dimensions, i == direction ? -Dimensions : 1);
        }
    }

    /// <summary>σxy in pixels.</summary>
    public float PositionDeviation { get; }

    /// <summary>2 for positions alone, 5 with colours.</summary>
    public int Dimensions { get; }

    /// <summary>
    /// The step from a vertex to its neighbour in each direction; the other neighbour is the same step back.
    /// </summary>
    public LatticeKey[] Steps { get; }

    /// <summary>Prepares for images of this size.</summary>
    /// <exception cref="DeepLabException">The lattice would have too many vertices per side.</exception>
    public void Fit(int height, int width)
    {
        int longest = Math.Max(height, width);
        if (_positions.Length < longest)
        {
            _positions = new float[longest];
            for (int i = 0; i < longest; i++) _positions[i] = i / PositionDeviation;
        }

        // No coordinate is larger than the sum of the features times the dimensions.
        double extent = (double)longest / PositionDeviation * (_scales[0] + _scales[1]);
        for (int i = Levels - 1; i < _levels.Length; i += Levels) extent += _levels[i];
        if (extent * Dimensions > LatticeKey.Limit)
        {
            throw new DeepLabException(FormattableString.Invariant(
                $"a CRF kernel with σxy {PositionDeviation} is too narrow for an image of {height}×{width}: use a larger deviation"));
        }
    }

    /// <summary>
    /// The scaled features of some pixels of row y, from x on: [pixel, dimension]. Without colours the image is not
    /// read.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Features(RgbImage? image, int y, int x, int count, Span<float> features)
    {
        float row = _positions[y] * _scales[1];
        ReadOnlySpan<float> columns = _positions.AsSpan(x, count);
        if (Dimensions == 2)
        {
            for (int i = 0; i < columns.Length; i++)
            {
                features[2 * i] = columns[i] * _scales[0];
                features[(2 * i) + 1] = row;
            }

            return;
        }

        ReadOnlySpan<byte> pixels = image!.Pixels.AsSpan(((y * image.Width) + x) * 3, count * 3);
        for (int i = 0; i < columns.Length; i++)
        {
            Span<float> target = features.Slice(5 * i, 5);
            target[0] = columns[i] * _scales[0];
            target[1] = row;
            for (int channel = 0; channel < 3; channel++) target[2 + channel] = _levels[(channel * Levels) + pixels[(3 * i) + channel]];
        }
    }
}
