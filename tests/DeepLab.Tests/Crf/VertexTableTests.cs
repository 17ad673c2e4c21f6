using DeepLab.Crf;
using Xunit;

namespace DeepLab.Tests.Crf;

public sealed class VertexTableTests
{
    [Fact]
    public void Vertices_are_numbered_in_the_order_in_which_they_are_met()
    {
        var table = new VertexTable();
        var random = new SeededRandom(1);
        for (int round = 0; round < 3; round++)
        {
            var expected = new Dictionary<(int, int, int, int, int), int>();
            for (int i = 0; i < 20_000; i++)
            {
                int[] c = [.. Enumerable.Range(0, 5).Select(_ => random.NextInt32(9) - 4)];
                expected.TryAdd((c[0], c[1], c[2], c[3], c[4]), expected.Count);
                Assert.Equal(expected[(c[0], c[1], c[2], c[3], c[4])], table.Add(LatticeKey.From(c, 5)));
            }

            Assert.Equal(expected.Count, table.Count);
            Assert.Equal(-1, table.Find(LatticeKey.From([5, 0, 0, 0, 0], 5), -1));
            table.Clear();
            Assert.Equal(-1, table.Find(LatticeKey.From([0, 0, 0, 0, 0], 5), -1));
        }
    }

    [Fact]
    public void Steps_lead_from_vertex_to_vertex_up_to_the_limit()
    {
        int far = LatticeKey.Limit;
        LatticeKey key = LatticeKey.From([far, -far, far, -far, far], 5);
        for (int i = 0; i < 5; i++)
        {
            int[] expected = [far, -far, far, -far, far];
            expected[i] -= 2 * Math.Sign(expected[i]) * far;
            Assert.Equal(LatticeKey.From(expected, 5), key + LatticeKey.Step(i, 5, i % 2 == 0 ? -2 * far : 2 * far));
        }

        Assert.Equal(key, key + LatticeKey.Step(5, 5, 7));
    }
}
