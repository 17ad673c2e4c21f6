using System.IO.Compression;
using DeepLab.IO;
using DeepLab.Tensors;
using DeepLab.Weights.Formats.PyTorch;
using Xunit;
using static DeepLab.Tests.Weights.Formats.PyTorch.PthBuilder;

namespace DeepLab.Tests.Weights.Formats.PyTorch;

/// <summary>The containers around the pickle: zip archives, small and over 4 GB, and legacy files.</summary>
public sealed class ZipDirectoryTests
{
    private static readonly byte[] Good = Pickle('}', "a", FourSingles(), 's', '.');

    [Fact]
    public void Records_past_4_GB_and_of_more_than_4_GB_are_found_and_read()
    {
        const long Far = 5L << 30;
        string path = Path.GetTempFileName();
        try
        {
            byte[] large = Part('(', "storage", Global("torch", "FloatStorage"), "0", "cpu", (byte)0x8A, (byte)5, BitConverter.GetBytes(Far / 4)[..5], 't', 'Q');
            byte[] pickle = Pickle('}', '(', "near", Tensor(large, 0, [2], [1]), "far", Tensor(large, int.MaxValue / 2, [2], [1]), "behind", Tensor(Storage("1", 3), 0, [3], [1]), 'u', '.');
            using (FileStream stream = File.Create(path))
            {
                // A hole in the file, which takes no space except for two elements at its start and two in its middle.
                var zip = new ZipWriter(stream);
                zip.Begin("archive/data.pkl", pickle.Length, crc: 0);
                stream.Write(pickle);
                zip.Begin("archive/data/0", Far, crc: 0);
                long start = stream.Position;
                stream.Write(Singles(1, 2));
                stream.Position = start + ((long)(int.MaxValue / 2) * 4);
                stream.Write(Singles(3, 4));
                stream.Position = start + Far;
                zip.Begin("archive/data/1", 12, crc: 0);
                stream.Write(Singles(5, 6, 7));
                zip.Finish();
                Assert.Equal(stream.Position, zip.Position);
            }

            using PyTorchFile file = PyTorchFile.Open(path);
            float[] near = new float[2], far = new float[2], behind = new float[3];
            file.ReadSingle("near", near);
            file.ReadSingle("far", far);
            file.ReadSingle("behind", behind);
            Assert.Equal([1f, 2f, 3f, 4f, 5f, 6f, 7f], (float[])[.. near, .. far, .. behind]);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void The_zip64_file_of_Pythons_has_its_fields_in_every_place()
    {
        byte[] bytes = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", "pytorch", "plain-zip64.pth"));
        ZipDirectory directory = ZipDirectory.Read(FileBytes.Of(bytes, "name"));
        int at = bytes.AsSpan().IndexOf("PK\u0001\u0002"u8);
        Assert.Equal(uint.MaxValue, BitConverter.ToUInt32(bytes, at + 20));
        Assert.Equal(uint.MaxValue, BitConverter.ToUInt32(bytes, at + 42));
        Assert.True(bytes.AsSpan().IndexOf("PK\u0006\u0006"u8) > at);
        Assert.Equal("plain/data.pkl", directory.Entries[0].Name);
        Assert.Equal(4 * 30, directory.Locate("plain/data/10").Length);
    }

    [Fact]
    public void A_comment_and_records_of_others_do_no_harm()
    {
        byte[] bytes = [.. Zip(Good, ("byteorder", "little"u8.ToArray()), ("version", "3\n"u8.ToArray()), ("PK\u0005\u0006", new byte[40]))];
        bytes[^2] = 5;
        using PyTorchFile file = PyTorchFile.Parse((byte[])[.. bytes, .. "hello"u8], "name");
        Assert.Single(file.Tensors);
    }

    [Fact]
    public void Compressed_records_are_named()
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, byte[] content, CompressionLevel level) in ((string, byte[], CompressionLevel)[])
                [("w/data.pkl", Good, CompressionLevel.NoCompression), ("w/data/0", new byte[16], CompressionLevel.Optimal)])
            {
                using Stream record = archive.CreateEntry(name, level).Open();
                record.Write(content);
            }
        }

        Assert.Equal(
            "name: not a valid PyTorch archive: its record 'w/data/0' is compressed; PyTorch stores records as they are: pack the archive without compression or password",
            Assert.Throws<InvalidFileException>(() => PyTorchFile.Parse(stream.ToArray(), "name")).Message);
    }

    [Fact]
    public void Archives_of_something_else_and_big_endian_ones_say_so()
    {
        Assert.Contains(
            "was written on a big-endian machine", Assert.Throws<InvalidFileException>(() => PyTorchFile.Parse(Zip(Good, ("byteorder", "big"u8.ToArray())), "name")).Message, StringComparison.Ordinal);
        Assert.Contains(
            "was written on a big-endian machine", Assert.Throws<InvalidFileException>(() => PyTorchFile.Parse(Legacy(Good, littleEndian: false), "name")).Message, StringComparison.Ordinal);
        Assert.Equal(
            "name: its record 'archive/byteorder' of 6 bytes says neither little nor big",
            Assert.Throws<InvalidFileException>(() => PyTorchFile.Parse(Zip(Good, ("byteorder", "middle"u8.ToArray())), "name")).Message);
        byte[] empty = [.. "PK\u0005\u0006"u8, .. new byte[18]];
        Assert.Equal(
            "name: is a zip archive that torch.save did not write: it has no data.pkl but 0 records (none)",
            Assert.Throws<InvalidFileException>(() => PyTorchFile.Parse(empty, "name")).Message);
        byte[] short0 = Pickle('}', "a", Tensor(Storage("0", 5), 0, [4], [1]), 's', '.');
        Assert.Equal(
            "name: storage '0' should have 5 elements of F32, but its record has 16 bytes", Assert.Throws<InvalidFileException>(() => PyTorchFile.Parse(Zip(short0), "name")).Message);
        byte[] missing = Pickle('}', "a", Tensor(Storage("7", 4), 0, [4], [1]), 's', '.');
        Assert.Equal(
            "name: not a valid PyTorch archive: it has no record 'archive/data/7'", Assert.Throws<InvalidFileException>(() => PyTorchFile.Parse(Zip(missing), "name")).Message);
    }

    [Fact]
    public void A_directory_that_contradicts_itself_is_refused()
    {
        byte[] good = Zip(Good);
        int end = good.Length - 22, entry = good.AsSpan().IndexOf("PK\u0001\u0002"u8);
        PyTorchFile.Parse(good, "name").Dispose();
        AssertFault(good, end + 10, [3, 0], "its directory has 2 records, but its end says 3");
        AssertFault(good, end + 16, [255, 255, 255, 127], "its directory of 122 bytes should lie at byte 2147483647, before its end mark at byte ");
        AssertFault(good, end + 12, [0, 0, 0, 255], "its directory of 4278190080 bytes should lie at byte ");
        AssertFault(good, entry, [0], "its directory has no record at byte ");
        AssertFault(good, entry + 28, [255, 255], "takes 65581 bytes, of 122 left");
        AssertFault(good, entry + 8, [1], "its record 'archive/data.pkl' is encrypted");
        AssertFault(good, entry + 20, [1], "its record 'archive/data.pkl' is stored in 1 bytes but has ");
        AssertFault(good, entry + 42, [1], "there is no header of record 'archive/data.pkl' at byte 1");
        AssertFault(good, entry + 42, [0, 0, 0, 127], "its record 'archive/data.pkl' begins at byte 2130706432, but the file has ");
        AssertFault(good, entry + 42, [255, 255, 255, 255], "the zip64 field of its record 'archive/data.pkl' lacks a number");
        AssertFault(good, entry + 20, [0, 0, 0, 1, 0, 0, 0, 1], "its record 'archive/data.pkl' of 16777216 bytes begins at byte 64, but the file has ");
        AssertFault(good[..^1], 0, [], "it has no directory at its end; the file is cut short: fetch or write it again");
        AssertFault(Zip(Good, ("data/0", [])), 0, [], "its directory has 'archive/data/0' twice");
    }

    [Fact]
    public void Legacy_storages_must_be_those_of_the_tensors()
    {
        byte[] twoTypes = Pickle('}', '(', "a", FourSingles(), "b", Part('(', "storage", Global("torch", "LongStorage"), "0", "cpu", 2, 't', 'Q'), 'u', '.');
        AssertLegacyFault(Legacy(twoTypes), "storage '0' is described as 4 elements of F32 and as 2 of I64");
        AssertLegacyFault(Legacy(Good, Pickle(']', '.')), "has no storage '0', though a tensor is in it");
        AssertLegacyFault(Legacy(Good, Pickle(']', "0", 'a', "0", 'a', '.')), "lists the storage '0', which no tensor has or which was listed before");
        AssertLegacyFault(Legacy(Good, Pickle(']', "1", 'a', '.')), "lists the storage '1', which no tensor has or which was listed before");
        AssertLegacyFault(Legacy(Good, Pickle('}', '.')), "has no list of storages after the object");
        AssertLegacyFault(Legacy(Good, storages: [.. BitConverter.GetBytes(3L), .. new byte[16]]), "has 3 elements, but should have 4");
        AssertLegacyFault(Legacy(Good, storages: [.. BitConverter.GetBytes(4L), .. new byte[15]]), "takes 24 bytes, of 23 left; fetch or write it again");
    }

    [Theory]
    [InlineData("nested")]
    [InlineData("checkpoint-legacy")]
    public void A_file_cut_anywhere_is_refused(string name)
    {
        byte[] bytes = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", "pytorch", name + ".pth"));
        for (int length = 0; length < bytes.Length; length++)
            Assert.StartsWith("name: ", Assert.Throws<InvalidFileException>(() => PyTorchFile.Parse(bytes.AsMemory(0, length), "name")).Message, StringComparison.Ordinal);
    }

    private static void AssertFault(byte[] file, int at, byte[] change, string problem)
    {
        byte[] bytes = [.. file];
        change.CopyTo(bytes, at);
        string message = Assert.Throws<InvalidFileException>(() => PyTorchFile.Parse(bytes, "name")).Message;
        Assert.StartsWith("name: not a valid PyTorch archive: ", message, StringComparison.Ordinal);
        Assert.Contains(problem, message, StringComparison.Ordinal);
    }

    private static void AssertLegacyFault(byte[] file, string problem) =>
        Assert.Contains(problem, Assert.Throws<InvalidFileException>(() => PyTorchFile.Parse(file, "name")).Message, StringComparison.Ordinal);
}
