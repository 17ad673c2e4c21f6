using System.Text;
using DeepLab.IO;
using Xunit;

namespace DeepLab.Tests.IO;

public sealed class NpyFileTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void A_score_map_is_the_file_that_numpy_writes()
    {
        float[] data = HashUniform.Values(1, 12);
        NpyFile.Write(_path, [2, 3, 2], data);
        byte[] bytes = File.ReadAllBytes(_path);
        Assert.Equal("\u0093NUMPY\u0001\0v\0{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 2), }", Encoding.Latin1.GetString(bytes[..128]).TrimEnd('\n', ' '));
        Assert.Equal((byte)'\n', bytes[127]);
        Assert.Equal(128 + 48, bytes.Length);
        Assert.Equal(data[11], BitConverter.ToSingle(bytes, bytes.Length - 4));
    }

    [Theory]
    [InlineData()]
    [InlineData(3)]
    [InlineData(2, 0)]
    [InlineData(2, 3, 4, 5)]
    public void Arrays_come_back_bit_for_bit(params int[] shape)
    {
        float[] data = HashUniform.Values(1, shape.Aggregate(1, (a, b) => a * b));
        if (data.Length > 1) data[1] = BitConverter.UInt32BitsToSingle(0x7FA12345);
        NpyFile.Write(_path, shape, data);
        (int[] readShape, float[] read) = NpyFile.Read(_path);
        Assert.Equal(shape, readShape);
        Assert.Equal(data.Select(BitConverter.SingleToUInt32Bits), read.Select(BitConverter.SingleToUInt32Bits));
    }

    [Fact]
    public void Damaged_files_give_the_documented_error_or_load()
    {
        NpyFile.Write(_path, [2, 3], new float[6]);
        NpyFile.Read(_path); // what the first call sets up is not counted for any file
        byte[] original = File.ReadAllBytes(_path);
        var random = new SeededRandom(3);
        int refused = 0;
        for (int i = 0; i < 500; i++)
        {
            byte[] bytes = random.NextInt32(4) == 0 ? original[..random.NextInt32(original.Length)] : [.. original];
            if (bytes.Length == original.Length) bytes[random.NextInt32(90)] = (byte)random.NextInt32(256);
            File.WriteAllBytes(_path, bytes);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                NpyFile.Read(_path);
            }
            catch (InvalidFileException)
            {
                refused++;
            }

            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 300_000);
        }

        Assert.InRange(refused, 300, 500);
    }

    [Fact]
    public void Elements_that_do_not_fit_the_shape_are_refused() =>
        Assert.Throws<ArgumentException>(() => NpyFile.Write(_path, [2, 3], new float[5]));
}
