using System.IO.Compression;
using System.Text;
using DeepLab.IO;
using DeepLab.Weights.Formats.PyTorch;
using Xunit;

namespace DeepLab.Tests.Weights.Formats.PyTorch;

public sealed class PyTorchWriterTests : IDisposable
{
    private static readonly (string Name, long[] Shape)[] Tensors = [("Scale.conv1.weight", [2, 3, 1, 2]), ("größe", []), ("empty", [0, 4]), ("long", [300, 7])];

    private static readonly Dictionary<string, string> Metadata = new() { ["mean"] = "104.008 116.669 122.675", ["classes"] = "21", ["名\n"] = "\"é\"" };

    private readonly string _folder = Directory.CreateTempSubdirectory("deeplab-pth-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Elements_and_metadata_come_back_bit_for_bit()
    {
        uint[] bits = [0x00000000, 0x80000000, 0x00000001, 0x807FFFFF, 0x7F800000, 0xFF800000, 0x7FC00000, 0x7FA12345, 0xFFC0DEAD, 0x3F800000, 0x7F7FFFFF, 0x00800000];
        string path = Path.Combine(_folder, "new", "all.pth");
        PyTorchWriter.Write(path, Tensors, (i, target) => Fill(i, target, bits), Metadata);
        using PyTorchFile file = PyTorchFile.Open(path);
        Assert.Equal("PyTorch (zip)", file.Format);
        Assert.Equal(["Scale.conv1.weight F32 [2, 3, 1, 2]", "größe F32 []", "empty F32 [0, 4]", "long F32 [300, 7]"], file.Tensors.Select(t => t.ToString()));
        Assert.Equal(Metadata, file.Metadata.ToDictionary());
        for (int i = 0; i < Tensors.Length; i++)
        {
            float[] expected = new float[file.Tensors[i].Count], actual = new float[file.Tensors[i].Count];
            Fill(i, expected, bits);
            file.ReadSingle(Tensors[i].Name, actual);
            Assert.Equal(expected.Select(BitConverter.SingleToUInt32Bits), actual.Select(BitConverter.SingleToUInt32Bits));
        }

        PyTorchWriter.Write(path, [], (_, _) => throw new InvalidOperationException());
        using PyTorchFile none = PyTorchFile.Open(path);
        Assert.Empty(none.Tensors);
        Assert.Empty(none.Metadata);
    }

    /// <summary>make_pth.py checks that PyTorch reads exactly this file.</summary>
    [Fact]
    public void Files_are_those_that_PyTorch_was_seen_to_read_whatever_their_name_and_the_order_of_metadata()
    {
        string path = Path.Combine(_folder, "other.pth");
        PyTorchWriter.Write(path, Tensors, (i, target) => Fill(i, target, []), Metadata.Reverse().ToDictionary());
        Assert.Equal(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", "pytorch", "written.pth")), File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFiles(_folder));
    }

    [Fact]
    public void Records_are_aligned_to_64_bytes_and_their_checksums_are_right()
    {
        using var stream = new MemoryStream();
        PyTorchWriter.Write(stream, Tensors, (i, target) => Fill(i, target, []), Metadata);
        byte[] bytes = stream.ToArray();
        ZipDirectory directory = ZipDirectory.Read(FileBytes.Of(bytes, "name"));
        using var archive = new ZipArchive(stream, ZipArchiveMode.Read);
        Assert.Equal(
            ["archive/data.pkl", "archive/byteorder", "archive/data/0", "archive/data/1", "archive/data/2", "archive/data/3", "archive/version"],
            archive.Entries.Select(e => e.FullName));
        foreach (ZipArchiveEntry entry in archive.Entries)
        {
            (long offset, long length) = directory.Locate(entry.FullName);
            Assert.Equal(0, offset % 64);
            Assert.Equal(entry.Length, length);
            Assert.Equal(Crc(bytes.AsSpan((int)offset, (int)length)), entry.Crc32);
            Assert.Equal(new DateTime(1980, 1, 1), entry.LastWriteTime.DateTime);
            using Stream content = entry.Open();
            using var copy = new MemoryStream();
            content.CopyTo(copy);
            Assert.Equal(bytes[(int)offset..(int)(offset + length)], copy.ToArray());
        }
    }

    [Fact]
    public void Repeated_names_and_shapes_that_no_array_has_are_refused_before_a_file_is_made()
    {
        string path = Path.Combine(_folder, "never.pth");
        Assert.Throws<ArgumentException>(() => PyTorchWriter.Write(path, [("a", [1]), ("a", [1])], (_, _) => { }));
        Assert.Throws<ArgumentException>(() => PyTorchWriter.Write(path, [("a", [-1])], (_, _) => { }));
        Assert.Throws<ArgumentException>(() => PyTorchWriter.Write(path, [("a", [1L << 32, 1L << 32])], (_, _) => { }));
        Assert.ThrowsAny<ArgumentException>(() => PyTorchWriter.Write(path, [("\ud800", [1])], (_, _) => { }));
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public void Memory_is_that_of_the_largest_tensor()
    {
        string path = Path.Combine(_folder, "large.pth");
        var tensors = Enumerable.Range(0, 300).Select(i => ($"t{i}", new long[] { i == 3 ? 512 : 2, 512 })).ToList();
        long before = GC.GetAllocatedBytesForCurrentThread();
        PyTorchWriter.Write(path, tensors, (i, target) => target.Fill(i));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 1 << 20, 4 << 20);
        using PyTorchFile file = PyTorchFile.Open(path);
        var values = new float[512 * 512];
        before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 300; i++)
        {
            Span<float> part = values.AsSpan(0, i == 3 ? 512 * 512 : 1024);
            file.ReadSingle($"t{i}", part);
            Assert.True(part.IndexOfAnyExcept(i) < 0);
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 400_000);
    }

    [Fact]
    public void Archives_of_more_than_65535_records_have_a_zip64_end()
    {
        using var stream = new MemoryStream();
        var zip = new ZipWriter(stream);
        for (int i = 0; i < 66_000; i++)
            zip.Begin($"a/{i}", 0, 0);
        zip.Finish();
        ZipDirectory directory = ZipDirectory.Read(FileBytes.Of(stream.GetBuffer().AsMemory(0, (int)stream.Length), "name"));
        Assert.Equal(66_000, directory.Entries.Count);
        Assert.Equal("a/65999", directory.Entries[^1].Name);
    }

    private static void Fill(int index, Span<float> target, ReadOnlySpan<uint> bits)
    {
        for (int i = 0; i < target.Length; i++)
            target[i] = index == 0 && bits.Length > 0 ? BitConverter.UInt32BitsToSingle(bits[i]) : (i * 0.25f) - index;
    }

    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in bytes)
        {
            crc ^= b;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ (0xEDB88320 & (0 - (crc & 1)));
        }

        return ~crc;
    }
}
