using DeepLab.Backends;
using DeepLab.Backends.Cpu;
using Xunit;

namespace DeepLab.Tests.Backends;

public sealed class AsppTapsTests
{
    [Fact]
    public void Taps_that_read_the_same_place_are_merged_and_groups_begin_at_whole_panels()
    {
        var (taps, groups, columns) = Describe(new AsppSpec(2048, 21, 3, [6, 12, 18, 24]));
        Assert.Equal(33, taps.Length);
        Assert.Equal([-24, -18, -12, -6, 0, 6, 12, 18, 24], groups.Select(g => g.OffsetY));
        Assert.Equal([3, 3, 3, 3, 9, 3, 3, 3, 3], groups.Select(g => g.TapCount));
        Assert.Equal([0, 64, 128, 192, 256, 448, 512, 576, 640], groups.Select(g => g.FirstColumn));
        Assert.Equal(704, columns);
        Assert.Equal(4, taps.Single(t => (t.OffsetY, t.OffsetX) == (0, 0)).SourceCount);
    }

    private static unsafe (AsppTap[] Taps, AsppGroup[] Groups, int Columns) Describe(AsppSpec spec)
    {
        AsppTap* taps = stackalloc AsppTap[AsppTaps.Most];
        AsppGroup* groups = stackalloc AsppGroup[AsppTaps.Most];
        int* sources = stackalloc int[AsppTaps.Most];
        AsppTaps all = AsppTaps.Of(spec, 32, taps, groups, sources);
        return (new Span<AsppTap>(taps, all.Count).ToArray(), new Span<AsppGroup>(groups, all.GroupCount).ToArray(), all.Columns);
    }
}
