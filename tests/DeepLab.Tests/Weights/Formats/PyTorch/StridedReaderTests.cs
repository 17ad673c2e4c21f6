using System.Runtime.InteropServices;
using DeepLab.IO;
using DeepLab.Weights;
using DeepLab.Weights.Formats.PyTorch;
using Xunit;

namespace DeepLab.Tests.Weights.Formats.PyTorch;

public sealed class StridedReaderTests
{
    [Fact]
    public void Any_view_is_what_its_strides_say()
    {
        float[] data = HashUniform.Values(1, 60_000);
        using FileBytes bytes = FileBytes.Of(MemoryMarshal.AsBytes(data.AsSpan()).ToArray(), "name");
        var random = new SeededRandom(5);
        for (int i = 0; i < 400; i++)
        {
            // Dimensions of any size and stride: nested, overlapping, repeated and far apart.
            int count = random.NextInt32(5);
            long[] sizes = new long[count], strides = new long[count];
            long last = 0, elements = 1;
            for (int side = 0; side < count; side++)
            {
                sizes[side] = random.NextInt32(3) == 0 ? 1 + random.NextInt32(40) : 1 + random.NextInt32(5);
                strides[side] = random.NextInt32(4) switch { 0 => random.NextInt32(3), 1 => elements, 2 => random.NextInt32(100), _ => random.NextInt32(6000) };
                if (last + ((sizes[side] - 1) * strides[side]) >= data.Length || elements * sizes[side] > 20_000) sizes[side] = 1;
                last += (sizes[side] - 1) * strides[side];
                elements *= sizes[side];
            }

            Check(bytes, data, random.NextInt32((int)(data.Length - last)), sizes, strides);
        }
    }

    [Theory]
    [InlineData(TensorType.F64)]
    [InlineData(TensorType.F16)]
    [InlineData(TensorType.BF16)]
    public void Transposed_arrays_of_other_types_are_converted(TensorType type)
    {
        float[] data = [.. Enumerable.Range(0, 200 * 300).Select(i => (i % 255) - 100f)];
        byte[] raw = type switch
        {
            TensorType.F64 => [.. data.SelectMany(v => BitConverter.GetBytes((double)v))],
            TensorType.F16 => [.. data.SelectMany(v => BitConverter.GetBytes((Half)v))],
            _ => [.. data.SelectMany(v => BitConverter.GetBytes((ushort)(BitConverter.SingleToUInt32Bits(v) >> 16)))],
        };
        using FileBytes bytes = FileBytes.Of(raw, "name");
        Check(bytes, data, 0, [300, 200], [1, 300], type);
    }

    [Fact]
    public void A_large_transposed_array_takes_no_memory_of_its_size()
    {
        float[] data = HashUniform.Values(2, 1 << 20);
        using FileBytes bytes = FileBytes.Of(MemoryMarshal.AsBytes(data.AsSpan()).ToArray(), "name");
        var target = new float[1 << 20];
        long before = GC.GetAllocatedBytesForCurrentThread();
        StridedReader.ReadSingle(bytes, TensorType.F32, 0, [1 << 10, 1 << 10], [1, 1 << 10], target);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
        for (int y = 0; y < 1 << 10; y++)
        {
            for (int x = 0; x < 1 << 10; x++)
            {
                if (target[(y << 10) + x] != data[(x << 10) + y]) Assert.Fail($"[{y}, {x}]");
            }
        }
    }

    private static void Check(FileBytes bytes, float[] data, int offset, long[] sizes, long[] strides, TensorType type = TensorType.F32)
    {
        var expected = new List<float>();
        void Visit(int side, long position)
        {
            if (side == sizes.Length)
            {
                expected.Add(data[position]);
                return;
            }

            for (long i = 0; i < sizes[side]; i++)
                Visit(side + 1, position + (i * strides[side]));
        }

        Visit(0, offset);
        var target = new float[expected.Count];
        StridedReader.ReadSingle(bytes, type, (long)offset * type.Size(), sizes, strides, target);
        Assert.True(expected.SequenceEqual(target), $"[{string.Join(", ", sizes)}] with strides [{string.Join(", ", strides)}] from {offset} on");
    }
}
