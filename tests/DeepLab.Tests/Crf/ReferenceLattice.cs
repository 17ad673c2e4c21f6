namespace DeepLab.Tests.Crf;

/// <summary>
/// The permutohedral lattice as Adams, Baek and Davis (2010) describe it, written for readability: a dictionary from
/// coordinates to vertices, values in double. Only the choice of simplices is in single precision, as in the code under
/// test.
/// </summary>
internal sealed class ReferenceLattice : IPixelFilter
{
    private readonly (int Vertex, double Share)[][] _corners;
    private readonly int[][][] _neighbours;     // [direction][vertex][2], −1 where there is none
    private readonly double[] _roots;

    public ReferenceLattice(float[][] features)
    {
        int d = features[0].Length;
        var numbers = new Dictionary<string, int>();
        var vertices = new List<int[]>();
        _corners = [.. features.Select(point => Simplex(point).Select(corner =>
        {
            if (numbers.TryAdd(string.Join(' ', corner.Vertex), vertices.Count)) vertices.Add(corner.Vertex);
            return (numbers[string.Join(' ', corner.Vertex)], corner.Share);
        }).ToArray())];
        _neighbours = [.. Enumerable.Range(0, d + 1).Select(direction => vertices.Select(vertex => new[] { -1, 1 }
            .Select(sign => numbers.GetValueOrDefault(string.Join(' ', vertex.Select((v, i) => v + (sign * (i == direction ? -d : 1)))), -1)).ToArray()).ToArray())];
        Sums = Raw([.. Enumerable.Repeat(1.0, features.Length)], transposed: false);
        _roots = [.. Sums.Select(Math.Sqrt)];
    }

    /// <summary>The sums over the kernel's rows, before normalization.</summary>
    public double[] Sums { get; }

    public double[] Apply(double[] values) => Apply(values, transposed: false);

    /// <summary>
    /// The filter, or its transpose. The two differ: blurs do not commute where neighbors are missing.
    /// </summary>
    public double[] Apply(double[] values, bool transposed) =>
        [.. Raw([.. values.Select((v, i) => v / _roots[i])], transposed).Select((v, i) => v / _roots[i])];

    private static IEnumerable<(int[] Vertex, double Share)> Simplex(float[] point)
    {
        int d = point.Length;
        var elevated = new float[d + 1];
        for (int i = d; i > 0; i--)
        {
            float feature = point[i - 1] * (float)(1 / Math.Sqrt((i + 1) * i) * (float)(Math.Sqrt(2.0 / 3) * (d + 1)));
            elevated[i] = elevated[0] - (i * feature);
            elevated[0] += feature;
        }

        int[] nearest = [.. elevated.Select(e => (int)MathF.Round(e * (1f / (d + 1))) * (d + 1))];
        int excess = nearest.Sum() / (d + 1);
        int[] order = [.. Enumerable.Range(0, d + 1).OrderByDescending(i => elevated[i] - nearest[i])];
        var atRank = new int[d + 1];
        for (int position = 0; position <= d; position++)
        {
            int rank = position + excess, wrap = rank < 0 ? d + 1 : rank > d ? -d - 1 : 0;
            nearest[order[position]] += wrap;
            atRank[rank + wrap] = order[position];
        }

        // Differences in descending order; the k-th corner's weight is the gap between two of them.
        double[] sorted = [.. atRank.Select(i => (double)(elevated[i] - nearest[i]) / (d + 1))];
        for (int k = 0; k <= d; k++)
        {
            var vertex = (int[])nearest.Clone();
            for (int rank = 0; rank <= d; rank++) vertex[atRank[rank]] += rank <= d - k ? k : k - d - 1;
            yield return (vertex, k == 0 ? 1 + sorted[d] - sorted[0] : sorted[d - k] - sorted[d - k + 1]);
        }
    }

    private double[] Raw(double[] values, bool transposed)
    {
        var sums = new double[_neighbours[0].Length];
        for (int i = 0; i < values.Length; i++)
        {
            foreach ((int vertex, double share) in _corners[i]) sums[vertex] += share * values[i];
        }

        foreach (int[][] along in transposed ? _neighbours.Reverse() : _neighbours)
            sums = [.. sums.Select((sum, vertex) => sum + along[vertex].Sum(n => n < 0 ? 0 : sums[n] / 2))];
        return [.. _corners.Select(corners => corners.Sum(corner => corner.Share * sums[corner.Vertex]))];
    }
}
