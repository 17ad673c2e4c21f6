using System.Runtime.CompilerServices;

namespace DeepLab.Crf;

/// <summary>
/// Finds the simplex of a permutohedral lattice that a point lies in, and the point's barycentric coordinates. One per
/// thread.
/// </summary>
internal sealed class SimplexLocator(LatticeEmbedding embedding)
{
    private readonly int _dimensions = embedding.Dimensions;
    private readonly LatticeKey[] _steps = embedding.Steps;
    private readonly float[] _elevated = new float[LatticeKey.MostDimensions + 1], _differences = new float[LatticeKey.MostDimensions + 1];
    private readonly float[] _shares = new float[LatticeKey.MostDimensions + 2];
    private readonly int[] _nearest = new int[LatticeKey.MostDimensions + 1], _ranks = new int[LatticeKey.MostDimensions + 1];
    private readonly int[] _coordinateOfRank = new int[LatticeKey.MostDimensions + 1];

    /// <summary>The vertices of a point's simplex and the point's weight for each.</summary>
    /// <param name="features">The point's scaled features.</param>
    /// <param name="vertices">[dimensions + 1]</param>
    /// <param name="weights">[dimensions + 1]; they add up to 1.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Locate(ReadOnlySpan<float> features, Span<LatticeKey> vertices, Span<float> weights)
    {
        int d = _dimensions;
        float over = 1f / (d + 1);
        Elevate(features);

        // The nearest vertex whose coordinates are multiples of d + 1. Rounded one by one, they need not add up to 0 as
        // coordinates must.
        int excess = 0;
        for (int i = 0; i <= d; i++)
        {
            float multiple = MathF.Round(_elevated[i] * over);
            excess += (int)multiple;
            _nearest[i] = (int)multiple * (d + 1);
            _differences[i] = _elevated[i] - _nearest[i];
        }

        Rank();
        _shares.AsSpan(0, d + 2).Clear();
        for (int i = 0; i <= d; i++)
        {
            // Where they do not, those that were rounded furthest in the wrong direction are moved by one multiple.
            int rank = _ranks[i] + excess, wrap = rank < 0 ? d + 1 : rank > d ? -(d + 1) : 0;
            rank += wrap;
            _nearest[i] += wrap;
            _coordinateOfRank[rank] = i;
            float share = (_elevated[i] - _nearest[i]) * over;
            _shares[d - rank] += share;
            _shares[d - rank + 1] -= share;
        }

        _shares[0] += 1 + _shares[d + 1];
        LatticeKey key = LatticeKey.From(_nearest, d);
        for (int i = 0; i <= d; i++)
        {
            // Each vertex of a simplex is one step from the one before, along the directions in the order of falling
            // rank.
            if (i > 0) key += _steps[_coordinateOfRank[d + 1 - i]];
            vertices[i] = key;
            weights[i] = _shares[i];
        }
    }

    /// <summary>Maps d features to d + 1 coordinates that add up to 0.</summary>
    private void Elevate(ReadOnlySpan<float> features)
    {
        float sum = 0;
        for (int i = _dimensions; i > 0; i--)
        {
            float feature = features[i - 1];
            _elevated[i] = sum - (i * feature);
            sum += feature;
        }

        _elevated[0] = sum;
    }

    /// <summary>
    /// For each coordinate, the number of those with a larger difference; of equal ones the first counts as the larger.
    /// </summary>
    private void Rank()
    {
        Span<int> ranks = _ranks.AsSpan(0, _dimensions + 1);
        ReadOnlySpan<float> differences = _differences.AsSpan(0, _dimensions + 1);
        ranks.Clear();
        for (int i = 0; i < ranks.Length; i++)
        {
            for (int j = i + 1; j < ranks.Length; j++)
            {
                int less = differences[i] < differences[j] ? 1 : 0;
                ranks[i] += less;
                ranks[j] += 1 - less;
            }
        }
    }
}
