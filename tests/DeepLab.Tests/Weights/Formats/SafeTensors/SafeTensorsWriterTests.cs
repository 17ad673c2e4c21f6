using DeepLab.Weights.Formats.SafeTensors;
using Xunit;

namespace DeepLab.Tests.Weights.Formats.SafeTensors;

public sealed class SafeTensorsWriterTests
{
    [Fact]
    public void Repeated_and_reserved_names_and_data_that_do_not_fit_are_refused()
    {
        using var stream = new MemoryStream();
        float[] data = new float[4];
        Assert.Throws<ArgumentException>(() => SafeTensorsWriter.Write(stream, [("a", [4], data), ("a", [4], data)]));
        Assert.Throws<ArgumentException>(() => SafeTensorsWriter.Write(stream, [("__metadata__", [4], data)]));
        Assert.Throws<ArgumentException>(() => SafeTensorsWriter.Write(stream, [("a", [5], data)]));
        Assert.Throws<ArgumentException>(() => SafeTensorsWriter.Write(stream, [("a", [-2, -2], data)]));
        Assert.Throws<ArgumentException>(() => SafeTensorsWriter.Write(stream, [("a", [1L << 32, 1L << 32], data)]));
        Assert.Equal(0, stream.Length);
    }

    [Fact]
    public void Memory_for_a_callback_is_that_of_the_largest_tensor()
    {
        string path = Path.GetTempFileName();
        try
        {
            var tensors = Enumerable.Range(0, 16).Select(i => ($"t{i}", new long[] { 512, 512 })).ToList();
            long before = GC.GetAllocatedBytesForCurrentThread();
            SafeTensorsWriter.Write(path, tensors, (i, target) => target.Fill(i));
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 1 << 20, 4 << 20);
            using var file = SafeTensorsFile.Open(path);
            var values = new float[512 * 512];
            before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 16; i++)
            {
                file.ReadSingle($"t{i}", values);
                Assert.True(values.AsSpan().IndexOfAnyExcept(i) < 0);
            }

            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
