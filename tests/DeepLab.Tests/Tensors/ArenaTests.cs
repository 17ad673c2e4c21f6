using DeepLab.Tensors;
using DeepLab.Tests.Oracle;
using Xunit;

namespace DeepLab.Tests.Tensors;

public sealed class ArenaTests
{
    [Fact]
    public void Tensors_that_live_at_once_never_overlap()
    {
        for (ulong seed = 0; seed < 100; seed++)
        {
            using var arena = new Arena(new DoubleBackend());
            var random = new SeededRandom(seed);
            var live = new List<Tensor>();
            var neighbours = new List<(Tensor, Tensor)>();
            long most = 0;
            arena.BeginPlan();
            for (int i = 0; i < 60; i++)
            {
                if (live.Count > 0 && random.NextDouble() < 0.45)
                {
                    int index = random.NextInt32(live.Count);
                    arena.Return(live[index]);
                    live.RemoveAt(index);
                    continue;
                }

                Tensor tensor = arena.Rent(RaggedShape.Map(1 + random.NextInt32(9), 1 + random.NextInt32(9), 1 + random.NextInt32(20)));
                long end = tensor.Offset + tensor.Shape.Length;
                Assert.All(live, other => Assert.True(end <= other.Offset || other.Offset + other.Shape.Length <= tensor.Offset));
                Assert.Equal(0, tensor.Offset % 16);
                neighbours.AddRange(live.Select(other => (other, tensor)));
                live.Add(tensor);
                most = Math.Max(most, live.Sum(t => t.Shape.Length));
                Assert.InRange(arena.Extent, Math.Max(end, most), long.MaxValue);
            }

            long extent = arena.Extent;
            arena.CommitPlan();
            Assert.InRange(arena.Extent, most, extent);
            Assert.All(neighbours, pair => Assert.True(End(pair.Item1) <= pair.Item2.Offset || End(pair.Item2) <= pair.Item1.Offset));
            Assert.All(neighbours, pair => Assert.Equal((0, true), (pair.Item2.Offset % 16, End(pair.Item2) <= arena.Extent)));
            Assert.All(live, tensor => Assert.True(tensor.Offset + tensor.Shape.Length <= tensor.Buffer.Length));
        }
    }

    // Rented in turn, the third finds no gap that is long enough: 1 + 2 + 3 rows. Once all lifetimes are known, it
    // overlaps the first, which has ended by then.
    [Fact]
    public void Tensors_are_laid_out_anew_where_that_takes_less()
    {
        using var arena = new Arena(new DoubleBackend());
        arena.BeginPlan();
        Tensor first = arena.Rent(RaggedShape.Matrix(1, 16)), second = arena.Rent(new RaggedShape([new MapSize(1, 1), new MapSize(1, 1)], 16));
        Tensor view = arena.View(second, 1, 1);
        arena.Return(first);
        Tensor third = arena.Rent(RaggedShape.Matrix(3, 16));
        Assert.Equal((96L, 48L), (arena.Extent, third.Offset));
        arena.CommitPlan();
        Assert.Equal((80L, 0L, 48L, 64L), (arena.Extent, third.Offset, second.Offset, view.Offset));
        Assert.Same(third.Buffer, view.Buffer);
    }

    [Fact]
    public void Returned_memory_serves_the_next_tensors()
    {
        using var arena = new Arena(new DoubleBackend());
        arena.BeginPlan();
        Tensor first = arena.Rent(RaggedShape.Matrix(10, 16)), second = arena.Rent(RaggedShape.Matrix(3, 16));
        arena.Return(first);
        Tensor third = arena.Rent(RaggedShape.Matrix(4, 16)), fourth = arena.Rent(RaggedShape.Matrix(6, 16)), fifth = arena.Rent(RaggedShape.Matrix(1, 1));
        Assert.Equal([0, 160, 0, 64, 208], new[] { first, second, third, fourth, fifth }.Select(t => t.Offset));
        Assert.Equal(224, arena.Extent);
    }

    [Fact]
    public void A_replay_hands_out_the_planned_tensors()
    {
        using var arena = new Arena(new DoubleBackend());
        Tensor[] Step()
        {
            Tensor a = arena.Rent(RaggedShape.Map(2, 3, 4)), b = arena.Rent(RaggedShape.Map(5, 5, 1));
            arena.Return(a);
            return [a, b, arena.Rent(RaggedShape.Map(1, 1, 9)), arena.View(b, 0, 1)];
        }

        arena.BeginPlan();
        Tensor[] planned = Step();
        Assert.Throws<InvalidOperationException>(() => planned[0].Buffer);
        arena.CommitPlan();
        for (int run = 0; run < 2; run++)
        {
            arena.Rewind();
            Tensor[] replayed = Step();
            for (int i = 0; i < planned.Length; i++) Assert.Same(planned[i], replayed[i]);
        }

        Assert.Same(planned[1].Buffer, planned[3].Buffer);
        Assert.Equal(planned[1].Offset, planned[3].Offset);
    }

    [Fact]
    public void A_replay_that_differs_from_the_plan_is_refused()
    {
        using var arena = new Arena(new DoubleBackend());
        arena.BeginPlan();
        Tensor pair = arena.Rent(new RaggedShape([new MapSize(2, 2), new MapSize(3, 3)], 4));
        arena.View(pair, 1, 1);
        arena.CommitPlan();

        arena.Rewind();
        Assert.Throws<InvalidOperationException>(() => arena.Rent(new RaggedShape([new MapSize(2, 2), new MapSize(3, 3)], 5)));
        arena.Rewind();
        arena.Rent(pair.Shape);
        Assert.Throws<InvalidOperationException>(() => arena.View(pair, 0, 1));
        arena.Rewind();
        arena.Rent(pair.Shape);
        arena.View(pair, 1, 1);
        Assert.Throws<InvalidOperationException>(() => arena.Rent(pair.Shape));
    }

    [Fact]
    public void A_tensor_is_returned_once()
    {
        using var arena = new Arena(new DoubleBackend());
        arena.BeginPlan();
        Tensor tensor = arena.Rent(RaggedShape.Matrix(2, 2));
        arena.Return(tensor);
        Assert.Throws<InvalidOperationException>(() => arena.Return(tensor));
    }

    [Fact]
    public void Memory_is_kept_for_a_smaller_plan_and_replaced_for_a_larger_one()
    {
        using var arena = new Arena(new DoubleBackend());
        DeviceBuffer Plan(int rows)
        {
            arena.BeginPlan();
            Tensor tensor = arena.Rent(RaggedShape.Matrix(rows, 16));
            arena.CommitPlan();
            return tensor.Buffer;
        }

        DeviceBuffer first = Plan(4);
        Assert.Same(first, Plan(2));
        Assert.Equal(80, Plan(5).Length);
    }

    private static long End(Tensor tensor) => tensor.Offset + tensor.Shape.Length;
}
