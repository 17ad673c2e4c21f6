using DeepLab.Backends;
using DeepLab.Backends.Cpu;
using DeepLab.Cpu;
using DeepLab.Tensors;
using DeepLab.Tests.Oracle;
using Xunit;

namespace DeepLab.Tests.Backends;

/// <summary>Many threads get smaller units of work; the sums stay the same.</summary>
[Trait("Tier", "all")]
public sealed class ThreadBlockingTests
{
    private const int ManyThreads = 40;

    private static readonly ConvolutionSpec[] s_specs =
    [
        new(256, 64, 1, 1, 1, 0), new(64, 300, 1, 1, 1, 0), new(64, 64, 3, 1, 1, 1), new(96, 160, 3, 1, 2, 2), new(32, 48, 3, 2, 1, 1), new(3, 64, 7, 2, 1, 3),
    ];

    public static TheoryData<InstructionSet, int> Cases
    {
        get
        {
            var cases = new TheoryData<InstructionSet, int>();
            foreach (InstructionSet tier in TestBackends.Tiers)
            {
                for (int i = 0; i < s_specs.Length; i++) cases.Add(tier, i);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Smaller_units_change_no_bit(InstructionSet tier, int spec)
    {
        double[][] few = Results(tier, 1, s_specs[spec]), many = Results(tier, ManyThreads, s_specs[spec]);
        for (int i = 0; i < few.Length; i++)
        {
            Assert.Contains(few[i], v => v != 0);
            Assert.True(few[i].AsSpan().SequenceEqual(many[i]), $"result {i} differs");
        }
    }

    [Theory]
    [InlineData(1681, 96, 24, 1, 2, 96)]
    [InlineData(1681, 96, 24, 1, 16, 24)]
    [InlineData(1681, 96, 24, 4, 16, 96)]
    [InlineData(100, 96, 24, 1, 64, 24)]
    [InlineData(64, 128, 32, 36, 8, 128)]
    [InlineData(64, 128, 32, 36, 64, 32)]
    public void Units_are_halved_until_each_thread_has_four(int length, int size, int least, int others, int threads, int expected) =>
        Assert.Equal(expected, GemmBlocking.UnitSize(length, size, least, others, threads));

    // Scratch memory is allocated for blocks of these sizes.
    [Theory]
    [InlineData(4)]
    [InlineData(6)]
    [InlineData(8)]
    public void Blocks_are_never_larger_than_their_scratch_memory(int tileRows)
    {
        for (int rows = 1; rows <= 2100; rows++)
        {
            foreach (int most in (int[])[GemmBlocking.BlockRows, GemmBlocking.GradientBlockRows])
            {
                var cuts = new GemmBlocking(rows, rows, most, tileRows, 32);
                Assert.InRange(cuts.RowsPerBlock, 1, most);
                Assert.InRange(cuts.ColumnsPerBlock, 1, GemmBlocking.BlockColumns);
                for (int threads = 1; threads <= 64; threads *= 4)
                {
                    GemmBlocking shared = cuts.ForThreads(threads, GemmBlocking.LeastBlockRows);
                    Assert.InRange(shared.RowsPerBlock, 1, cuts.RowsPerBlock);
                    Assert.Equal(rows, CoveredRows(shared, tileRows));
                }
            }
        }
    }

    // Blocks are contiguous from the first row, of whole tiles except the last; sizes differ by one tile at most.
    private static int CoveredRows(GemmBlocking cuts, int tileRows)
    {
        int covered = 0;
        for (int unit = 0; unit < cuts.Units; unit += cuts.ColumnBlocks)
        {
            int count = cuts.RowsOf(unit);
            Assert.Equal((covered, 0), (cuts.FirstRow(unit), covered % tileRows));
            Assert.InRange(count, Math.Max(1, cuts.RowsPerBlock - (2 * tileRows) + 1), cuts.RowsPerBlock);
            covered += count;
        }

        return covered;
    }

    // 33 blocks of 96 rows would keep one of two threads waiting for the other's last; 34 do not.
    [Theory]
    [InlineData(3083, 1, 33, 96)]
    [InlineData(3083, 2, 34, 96)]
    [InlineData(1681, 2, 18, 96)]
    [InlineData(3083, 16, 48, 72)]
    [InlineData(3083, 64, 63, 56)]
    [InlineData(5, 64, 1, 8)]
    public void There_are_a_few_blocks_more_where_threads_then_end_together(int rows, int threads, int blocks, int most)
    {
        GemmBlocking cuts = new GemmBlocking(rows, 256, GemmBlocking.BlockRows, 8, 32).ForThreads(threads, GemmBlocking.LeastBlockRows);
        Assert.Equal((blocks, most), (cuts.RowBlocks, cuts.RowsPerBlock));
    }

    private static double[][] Results(InstructionSet tier, int threads, ConvolutionSpec spec)
    {
        using var backend = new CpuBackend(threads, tier);
        using Execution execution = backend.CreateExecution();
        var shape = new RaggedShape([new MapSize(29, 33), new MapSize(15, 17)], spec.InChannels);
        Tensor x = New(shape, 1), y = New(spec.OutputShape(shape), 2), dx = New(shape, 3), gradient = New(spec.WeightShape, 4);
        PreparedConvolution convolution = backend.Prepare(spec, new ConvolutionWeights(New(spec.WeightShape, 5), null, null));
        convolution.Forward(execution, x, y, accumulate: true, relu: true);
        convolution.BackwardInput(execution, y, dx, accumulate: true, x);
        convolution.BackwardWeights(execution, x, y, gradient);
        return [backend.Read(y), backend.Read(dx), backend.Read(gradient)];

        Tensor New(RaggedShape of, int seed) => backend.NewTensor(of, HashUniform.Values("threads", $"{seed}", (int)of.Length, u => u - 0.5).Select(v => (double)v).ToArray());
    }
}
