using DeepLab.Cpu;
using Xunit;

namespace DeepLab.Tests.Cpu;

public sealed class NativeArrayTests
{
    [Fact]
    public void Memory_grows_and_stays()
    {
        using var array = new NativeArray<int>();
        array.Reserve(100);
        array.Slice(0, 100).Fill(7);
        array.Reserve(50);
        Assert.Equal(100, array.Length);
        Assert.Equal(7, array[99]);
        array.Reserve(200);
        Assert.InRange(array.Length, 200, 250);
    }

    [Fact]
    public void Values_outside_are_refused()
    {
        using var array = new NativeArray<short>();
        array.Reserve(10);
        Assert.Throws<ArgumentOutOfRangeException>(() => array.Slice(0, 11).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => array.Slice(-1, 2).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => array.Slice(10, 1).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => array[10] = 1);
    }

    [Fact]
    public void Memory_that_is_not_there_is_refused_before_it_is_touched()
    {
        using var array = new NativeArray<double>();
        DeepLabException e = Assert.Throws<DeepLabException>(() => array.Reserve(1L << 50));
        Assert.EndsWith("MiB of memory are needed for this image and these classes, more than there is: use a smaller image", e.Message);
    }
}
