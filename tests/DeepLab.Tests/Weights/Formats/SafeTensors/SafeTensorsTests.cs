using System.Text;
using DeepLab.Weights;
using DeepLab.Weights.Formats.SafeTensors;
using Xunit;

namespace DeepLab.Tests.Weights.Formats.SafeTensors;

public sealed class SafeTensorsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("deeplab-safetensors-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Tensors_and_metadata_come_back_bit_for_bit()
    {
        uint[] bits = [0x00000000, 0x80000000, 0x00000001, 0x7F800000, 0xFF800000, 0x7FC00000, 0x7FA12345, 0xFFC0DEAD, 0x3F800000, 0x7F7FFFFF];
        float[] values = [.. bits.Select(BitConverter.UInt32BitsToSingle)];
        string path = Path.Combine(_folder, "new", "all.safetensors");
        var metadata = new Dictionary<string, string> { ["depth"] = "101", ["a \"quoted\"\nkey"] = "é✓" };
        SafeTensorsWriter.Write(path, [("b", [2, 5], values), ("a", [], new float[] { 3 }), ("none", [0, 4], default)], metadata);
        using var file = SafeTensorsFile.Open(path);
        Assert.Equal(["b", "a", "none"], file.Tensors.Select(t => t.Name));
        Assert.Equal([2, 5], file.Get("b").Shape);
        Assert.Equal(bits, file.ReadSingle("b").Select(BitConverter.SingleToUInt32Bits));
        Assert.Equal([3f], file.ReadSingle("a"));
        Assert.Empty(file.ReadSingle("none"));
        Assert.Equal(metadata, file.Metadata.ToDictionary());
    }

    [Fact]
    public void Equal_tensors_give_equal_files_with_data_aligned_to_8_bytes_whichever_way_they_are_written()
    {
        string one = Path.Combine(_folder, "one"), two = Path.Combine(_folder, "two");
        float[][] data = [HashUniform.Values(1, 7), HashUniform.Values(2, 30)];
        SafeTensorsWriter.Write(one, [("x", [7], data[0]), ("y", [5, 6], data[1])], new Dictionary<string, string> { ["p"] = "1", ["q"] = "2" });
        SafeTensorsWriter.Write(two, [("x", [7]), ("y", [5, 6])], (i, target) => data[i].CopyTo(target), new Dictionary<string, string> { ["q"] = "2", ["p"] = "1" });
        byte[] bytes = File.ReadAllBytes(one);
        Assert.Equal(bytes, File.ReadAllBytes(two));
        Assert.Equal(0, BitConverter.ToInt64(bytes) % 8);
        Assert.Equal(37 * 4, bytes.Length - 8 - BitConverter.ToInt64(bytes));
        Assert.Equal([one, two], Directory.GetFiles(_folder).Order());
    }

    [Fact]
    public void Other_floating_types_are_converted_on_reading()
    {
        byte[] data = new byte[16 + 4 + 4];
        BitConverter.TryWriteBytes(data, 1.0 / 3);
        BitConverter.TryWriteBytes(data.AsSpan(8), -1e300);
        BitConverter.TryWriteBytes(data.AsSpan(16), (Half)1.5);
        BitConverter.TryWriteBytes(data.AsSpan(18), Half.Epsilon);
        data[21] = 0xC0;
        data[22] = 0x80;
        data[23] = 0x3F;
        using SafeTensorsFile file = Parse("""
            {"d":{"dtype":"F64","shape":[2],"data_offsets":[0,16]},"h":{"dtype":"F16","shape":[2],"data_offsets":[16,20]},
            "b":{"dtype":"BF16","shape":[2],"data_offsets":[20,24]}}
            """, data);
        Assert.Equal([1f / 3, float.NegativeInfinity], file.ReadSingle("d"));
        Assert.Equal([1.0 / 3, -1e300], file.ReadDouble("d"));
        Assert.Equal([1.5f, MathF.ScaleB(1, -24)], file.ReadSingle("h"));
        Assert.Equal([-2f, 1f], file.ReadSingle("b"));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(4, true)]
    public void Singles_at_whole_places_are_mapped(int padding, bool isMapped)
    {
        string path = Path.Combine(_folder, "mapped.safetensors");
        byte[] header = Encoding.UTF8.GetBytes("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[2,3],"data_offsets":[4,28]},"c":{"dtype":"F16","shape":[2],"data_offsets":[28,32]}}""");
        Array.Resize(ref header, ((header.Length + 3) / 4 * 4) + padding);
        header.AsSpan().Replace((byte)0, (byte)' ');
        float[] values = HashUniform.Values(1, 8);
        File.WriteAllBytes(path, [.. BitConverter.GetBytes((long)header.Length), .. header, .. System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan())]);
        using SafeTensorsFile file = SafeTensorsFile.Open(path);
        Assert.Equal(isMapped, file.TryMap("b", out ReadOnlyMemory<float> memory));
        if (isMapped) Assert.Equal(values[1..7], memory.ToArray());
        Assert.Equal(values[1..7], file.ReadSingle("b"));
        Assert.False(file.TryMap("c", out _));
        Assert.False(file.TryMap("d", out _));
    }

    [Fact]
    public void A_missing_tensor_and_one_of_integers_are_named()
    {
        using SafeTensorsFile file = Parse("""{"n":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}""", new byte[8]);
        Assert.Equal("name: has no tensor 'm' among its 1", Assert.Throws<InvalidFileException>(() => file.ReadSingle("m")).Message);
        Assert.Equal("name: tensor 'n' is of type I64; expected F32, F64, F16 or BF16", Assert.Throws<InvalidFileException>(() => file.ReadSingle("n")).Message);
        Assert.Throws<ArgumentException>(() => file.ReadSingle("n", new float[2]));
        Assert.Throws<DeepLabException>(() => SafeTensorsFile.Open(Path.Combine(_folder, "nowhere")));
        Assert.Throws<DeepLabException>(() => SafeTensorsFile.Open(_folder));
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, null)]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}   """, 8, null)]
    [InlineData("{}", 0, null)]
    [InlineData("", 0, "does not start with '{'")]
    [InlineData(" {}", 0, "does not start with '{'")]
    [InlineData("{} {}", 0, "no valid JSON")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}""", 8, "no valid JSON")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 7, "describes 8 bytes of data, but 7 follow it; the file is cut short")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 9, "describes 8 bytes of data, but 9 follow it")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,7]}}""", 7, "spans 7 bytes by its data_offsets, but its dtype and shape need 8")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", 8, "spans -8 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}""", 16, "leave a hole before them; expected 0")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", 8, "something else than integers from 0")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}""", 8, "something else than integers from 0")]
    [InlineData("""{"a":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}}""", 8, "something else than integers from 0")]
    [InlineData("""{"a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}}""", 8, "shape of tensor 'a' is no array")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}}""", 8, "3 data_offsets; expected 2")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}""", 8, "a shape whose product overflows")]
    [InlineData("""{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}}""", 8, "something else than integers from 0")]
    [InlineData("""{"a":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}}""", 8, "unknown dtype 'F33'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2]}}""", 8, "lacks one of")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"more":1}}""", 8, "wrong or repeated entry 'more'")]
    [InlineData("""{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, "wrong or repeated entry 'dtype'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "has 'a' twice")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "overlap those before them")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "overlap those before them")]
    [InlineData("""{"a":[]}""", 0, "the entry of tensor 'a' is no object")]
    [InlineData("""{"__metadata__":{"a":1}}""", 0, "__metadata__ 'a' is no string")]
    [InlineData("""{"__metadata__":{"a":"1","a":"2"}}""", 0, "__metadata__ has 'a' twice")]
    [InlineData("""{"__metadata__":null}""", 0, "__metadata__ is no object")]
    [InlineData("""{"\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, "no valid JSON")]
    public void The_header_is_read_strictly(string header, int dataLength, string? fault)
    {
        if (fault is null)
        {
            Parse(header, new byte[dataLength]).Dispose();
            return;
        }

        var e = Assert.Throws<InvalidFileException>(() => Parse(header, new byte[dataLength]));
        Assert.Contains(fault, e.Message, StringComparison.Ordinal);
        Assert.StartsWith("name: ", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', e.Message);
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(1UL << 63)]
    [InlineData(100_000_000UL)]
    [InlineData(3UL)]
    public void A_header_longer_than_the_file_is_refused_without_allocating_it(ulong length)
    {
        byte[] bytes = [.. BitConverter.GetBytes(length), (byte)'{', (byte)'}'];
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<InvalidFileException>(() => SafeTensorsFile.Parse(bytes, "name"));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    [Fact]
    public void Damaged_files_give_the_documented_error_or_load_and_never_take_more_memory_than_their_size_warrants()
    {
        string path = Path.Combine(_folder, "small.safetensors");
        SafeTensorsWriter.Write(path, [("layer.weight", [4, 3], HashUniform.Values(1, 12)), ("layer.bias", [4], HashUniform.Values(2, 4)), ("scalar", [], new float[1])],
            new Dictionary<string, string> { ["depth"] = "18", ["classes"] = "21" });
        byte[] original = File.ReadAllBytes(path);
        var random = new SeededRandom(7);
        int refused = 0, loaded = 0;
        ReadAll(original);
        for (int i = 0; i < 4000; i++)
        {
            byte[] bytes = Mutate(original, random);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                ReadAll(bytes);
                loaded++;
            }
            catch (InvalidFileException)
            {
                refused++;
            }

            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
        }

        Assert.InRange(refused, 2000, 4000);
        Assert.InRange(loaded, 200, 2000);
    }

    private static void ReadAll(byte[] bytes)
    {
        using SafeTensorsFile file = SafeTensorsFile.Parse(bytes, "name");
        foreach (TensorInfo tensor in file.Tensors.Where(t => t.Type is TensorType.F32 or TensorType.F64 or TensorType.F16 or TensorType.BF16))
            Assert.Equal(tensor.Count, file.ReadSingle(tensor.Name).Length);
    }

    private static byte[] Mutate(byte[] original, SeededRandom random)
    {
        byte[] bytes = [.. original];
        switch (random.NextInt32(6))
        {
            case 0:
                return bytes[..random.NextInt32(bytes.Length)];
            case 1:
                return [.. bytes, .. new byte[1 + random.NextInt32(20)]];
            case 2:
                bytes[random.NextInt32(8)] = (byte)random.NextInt32(256);
                return bytes;
            case 3:
                // One digit replaced by another, or many inserted: sizes and offsets with arbitrary claims.
                int[] digits = [.. Enumerable.Range(8, bytes.Length - 8).Where(i => char.IsAsciiDigit((char)bytes[i]))];
                int at = digits[random.NextInt32(digits.Length)];
                bytes[at] = (byte)('0' + random.NextInt32(10));
                byte[] more = Encoding.ASCII.GetBytes(new string('9', random.NextInt32(20)));
                byte[] longer = [.. bytes[..at], .. more, .. bytes[at..]];
                BitConverter.TryWriteBytes(longer, BitConverter.ToInt64(original) + more.Length);
                return longer;
            default:
                for (int i = random.NextInt32(4); i >= 0; i--)
                    bytes[random.NextInt32(bytes.Length)] ^= (byte)(1 << random.NextInt32(8));
                return bytes;
        }
    }

    private static SafeTensorsFile Parse(string header, byte[] data)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        return SafeTensorsFile.Parse((byte[])[.. BitConverter.GetBytes((long)json.Length), .. json, .. data], "name");
    }
}
