using System.Text;
using DeepLab.Weights;
using DeepLab.Weights.Formats.Caffe;
using Xunit;
using static DeepLab.Tests.Weights.Formats.Caffe.CaffeBytes;

namespace DeepLab.Tests.Weights.Formats.Caffe;

public sealed class CaffeModelFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("deeplab-caffe-").FullName;

    public static string Golden(string name) => Path.Combine(AppContext.BaseDirectory, "Golden", "caffe", name + ".caffemodel");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("current", "conv1[0] F32 [4, 3, 3, 3]; conv1[1] F32 [4]; bn_conv1[0] F32 [4]; bn_conv1[1] F32 [4]; bn_conv1[2] F32 [1]; "
        + "scale_conv1[0] F32 [4]; scale_conv1[1] F32 [4]; fc[0] F32 [5, 36]; fc[1] F32 [5]; volume[0] F32 [2, 1, 2, 3, 2]; scalar[0] F32 []")]
    [InlineData("v1", "conv1[0] F32 [4, 3, 3, 3]; conv1[1] F32 [1, 1, 1, 4]; fc[0] F32 [1, 1, 2, 144]; fc[1] F32 [1, 1, 1, 2]")]
    [InlineData("double", "fc[0] F64 [3, 5]; fc[1] F64 [3]")]
    public void Files_written_by_another_protobuf_hold_the_blobs_and_values_that_were_written(string name, string blobs)
    {
        using CaffeModelFile file = CaffeModelFile.Open(Golden(name));
        Assert.Equal(blobs, string.Join("; ", file.Tensors));
        Assert.Equal("Caffe", file.Format);
        Assert.Equal(Golden(name), file.Path);
        foreach (TensorInfo tensor in file.Tensors)
        {
            float[] values = Read(file, tensor.Name);
            float[] expected = HashUniform.Values(name, tensor.Name, values.Length, tensor.Type == TensorType.F64 ? u => u / 3 : null);
            Assert.True(expected.AsSpan().SequenceEqual(values), tensor.Name);
        }
    }

    [Fact]
    public void The_networks_name_is_the_only_metadata()
    {
        using CaffeModelFile current = CaffeModelFile.Open(Golden("current")), older = CaffeModelFile.Open(Golden("v1")), nameless = CaffeModelFile.Open(Golden("double"));
        Assert.Equal([KeyValuePair.Create("name", "current")], current.Metadata);
        Assert.Equal("an older network", older.Metadata["name"]);
        Assert.Empty(nameless.Metadata);
    }

    [Fact]
    public void Sides_may_be_unpacked_blobs_empty_and_names_last()
    {
        byte[] bytes = Field(100, Message(
            Field(7, Message(Field(7, Message(Field(1, 2), Field(1, Varints(1, 1)))), Field(5, Floats(3, 4)))),
            Field(7, Shape(0, 7)),
            Field(1, "é")));
        using CaffeModelFile file = CaffeModelFile.Parse(bytes, "name");
        Assert.Equal(["é[0] F32 [2, 1, 1]", "é[1] F32 [0, 7]"], file.Tensors.Select(t => t.ToString()));
        Assert.Equal([3f, 4f], Read(file, "é[0]"));
        Assert.Empty(Read(file, "é[1]"));
    }

    [Fact]
    public void Where_a_blob_has_both_shapes_the_old_one_counts_as_in_Caffe()
    {
        byte[] blob = Message(Field(1, 1), Field(2, 1), Field(3, 1), Field(4, 2), Field(5, Floats(3, 4)), Shape(2));
        using CaffeModelFile file = CaffeModelFile.Parse(Layer("x", blob), "name");
        Assert.Equal([1L, 1, 1, 2], file.Tensors[0].Shape);
    }

    [Fact]
    public void A_missing_blob_and_a_target_of_another_length_are_refused()
    {
        using CaffeModelFile file = CaffeModelFile.Parse(Layer("x", Blob([2], 3, 4)), "name");
        Assert.False(file.TryGet("x", out _));
        Assert.Equal("name: has no blob 'x[1]' among its 1", Assert.Throws<InvalidFileException>(() => file.ReadSingle("x[1]", new float[2])).Message);
        Assert.Throws<ArgumentException>(() => file.ReadSingle("x[0]", new float[3]));
        Assert.Throws<DeepLabException>(() => CaffeModelFile.Open(Path.Combine(_folder, "nowhere")));
    }

    [Fact]
    public void Elements_are_found_without_being_read_and_take_no_memory()
    {
        // 64 MB of them are a hole in the file.
        const int Count = 16 << 20;
        string path = Path.Combine(_folder, "large.caffemodel");
        byte[] shape = Shape(Count), name = Field(1, "large"), head = Head(5, Count * 4);
        byte[] blobHead = Head(7, (ulong)(shape.Length + head.Length + (Count * 4)));
        byte[] layerHead = Head(100, (ulong)(name.Length + blobHead.Length + shape.Length + head.Length + (Count * 4)));
        using (FileStream stream = File.Create(path))
        {
            stream.Write(Message(layerHead, name, blobHead, shape, head));
            stream.SetLength(stream.Position + (Count * 4));
            stream.Position = stream.Length;
            stream.Write(Layer("after", Blob([1], 5)));
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        using CaffeModelFile file = CaffeModelFile.Open(path);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 50_000);
        Assert.Equal(["large[0] F32 [16777216]", "after[0] F32 [1]"], file.Tensors.Select(t => t.ToString()));
        Assert.Equal([5f], Read(file, "after[0]"));
    }

    public static TheoryData<string, byte[], string> Faults() => new()
    {
        { "nothing", [], "not a Caffe model with weights: it has 0 layers and none with blobs" },
        { "no weights", Layer("conv1"), "not a Caffe model with weights: it has 1 layers and none with blobs" },
        { "a layer cut short", Layer("conv1", Blob([2], 3, 4))[..^1], "at byte 0: field 100 takes 29 bytes, but 28 are left of the file; if it is a Caffe model, it is cut short" },
        { "a blob longer than its layer", [.. Field(100, Message(Field(1, "x"), Head(7, 9))), .. Layer("y", Blob([1], 1))], "at byte 6: field 7 takes 9 bytes, but 0 are left of the message around it" },
        { "a huge length", Head(100, ulong.MaxValue), "at byte 0: field 100 takes 18446744073709551615 bytes, but 0 are left of the file" },
        { "a length of 2^63", Head(100, 1UL << 63), "at byte 0: field 100 takes 9223372036854775808 bytes" },
        { "a tag of 0", [0], "at byte 0: expected a field of a protobuf message" },
        { "a number that never ends", [0x20, .. Enumerable.Repeat((byte)0xFF, 12)], "at byte 0: expected a field of a protobuf message" },
        { "a tag without its field", [0xA2], "at byte 0: expected a field of a protobuf message within the file" },
        { "a group", [0x0B, 0x0C], "at byte 0: field 1 is of wire type 3; expected 0, 1, 2 or 5" },
        { "a layer that is a number", Field(100, 5), "at byte 0: a layer is of wire type 0; expected 2" },
        { "a name that is a number", Field(100, Message(Field(1, 5), Field(7, Blob([1], 1)))), "at byte 3: a layer's name is of wire type 0; expected 2" },
        { "a name of 257 bytes", [.. Field(1, new string('x', 257)), .. Layer("x", Blob([1], 1))], "at byte 0: the network's name takes 257 bytes; at most 256 are allowed" },
        { "a name that is no text", Field(100, Message(Field(1, [0xC3, 0x28]), Field(7, Blob([1], 1)))), "at byte 3: a layer's name is no valid UTF-8" },
        { "no name", Field(100, Field(7, Blob([1], 1))), "at byte 0: a layer has blobs and no name" },
        { "a name twice", [.. Layer("x"), .. Layer("x", Blob([1], 1)), .. Layer("x", Blob([1], 1))], "at byte 35: a second layer of the name 'x' has blobs" },
        { "the first format", Field(2, Field(1, Field(1, "conv1"))), "at byte 2: a layer is written in Caffe's first format (V0); convert the file with Caffe's upgrade_net_proto_binary" },
        { "65 blobs", Layer("x", [.. Enumerable.Repeat(Blob([1], 1), 65)]), "at byte 0: a layer has more than 64 blobs" },
        { "a shape that is a number", Layer("x", Field(7, 5)), "the shape of blob 'x[0]' is of wire type 0; expected 2" },
        { "a side that is a single", Layer("x", Field(7, Field(1, 5f))), "a side of blob 'x[0]' is of wire type 5; expected 0" },
        { "an old side that is bytes", Layer("x", Field(1, "1")), "a side of blob 'x[0]' is of wire type 2; expected 0" },
        { "33 sides", Layer("x", Blob([.. Enumerable.Repeat(1L, 33)], 1)), "blob 'x[0]' has more than 32 sides" },
        { "a negative side", Layer("x", Blob([-2], 1)), "blob 'x[0]' has the side -2; expected 0 or more" },
        { "a negative old side", Layer("x", Message(Field(1, -1), Field(5, Floats(1)))), "blob 'x[0]' has the side -1; expected 0 or more" },
        { "a side that is cut short", [.. Layer("x", Field(7, Field(1, [0x80]))), .. Layer("y", Blob([1], 1))], "a varint reaches past the end of its field" },
        { "a product that overflows", Layer("x", Blob([1L << 32, 1L << 32], 1)), "blob 'x[0]' has the shape [4294967296, 4294967296], whose product overflows" },
        { "a huge side", Layer("x", Blob([long.MaxValue], 1)), "holds 4 bytes of F32, but its shape [9223372036854775807] needs 9223372036854775807 elements of 4 bytes" },
        { "too few elements", Layer("x\ny", Blob([2, 2], 1, 2, 3)), "blob 'x y[0]' holds 12 bytes of F32, but its shape [2, 2] needs 4 elements of 4 bytes" },
        { "too many elements", Layer("x", Blob([2], 1, 2, 3)), "holds 12 bytes of F32, but its shape [2] needs 2" },
        { "three of four bytes", Layer("x", Message(Field(5, new byte[7]), Shape(1))), "holds 7 bytes of F32, but its shape [1] needs 1 elements of 4 bytes" },
        { "elements without a shape", Layer("x", Field(5, Floats(1, 2))), "holds 8 bytes of F32, but its shape [] needs 1 elements" },
        { "no elements", Layer("x", Shape(2, 3)), "blob 'x[0]' of shape [2, 3] holds no elements: the file was saved without weights" },
        { "an empty blob", Layer("x", Message()), "blob 'x[0]' of shape [] holds no elements" },
        { "unpacked elements", Layer("x", Message(Field(5, 1f), Shape(1))), "the elements of blob 'x[0]' are of wire type 5; expected them packed, of wire type 2" },
        { "elements in two parts", Layer("x", Message(Field(5, Floats(1)), Field(5, Floats(2)), Shape(2))), "the elements of blob 'x[0]' come in more than one part; expected one" },
        { "singles and doubles", Layer("x", Message(Field(5, Floats(1, 2)), Field(8, Floats(1, 2)), Shape(1))), "come in more than one part" },
    };

    [Theory]
    [MemberData(nameof(Faults), DisableDiscoveryEnumeration = true)]
    public void A_fault_is_told_with_its_byte_and_what_was_expected(string what, byte[] bytes, string message)
    {
        var e = Assert.Throws<InvalidFileException>(() => CaffeModelFile.Parse(bytes, "name"));
        Assert.True(e.Message.Contains(message, StringComparison.Ordinal), $"{what}: {e.Message}");
        Assert.StartsWith("name: not a ", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', e.Message);
        string path = Path.Combine(_folder, "file");
        File.WriteAllBytes(path, bytes);
        Assert.Equal(path + e.Message["name".Length..], Assert.Throws<InvalidFileException>(() => CaffeModelFile.Open(path)).Message);
        File.Delete(path); // on Windows this fails if the reader keeps the file open
    }

    [Fact]
    public void Nesting_that_no_network_has_is_passed_over_however_deep()
    {
        byte[] nested = Field(1, "x");
        for (int i = 0; i < 3000; i++) nested = Field(100, nested);
        using CaffeModelFile file = CaffeModelFile.Parse((byte[])[.. nested, .. Layer("x", Message(Blob([1], 1), Field(10, nested)))], "name");
        Assert.Single(file.Tensors);
    }

    [Fact]
    public void More_blobs_than_any_network_has_are_refused_before_they_take_memory()
    {
        byte[][] empty = [.. Enumerable.Repeat(Shape(0), 64)];
        byte[] bytes = [.. Enumerable.Range(0, 1025).SelectMany(i => Layer($"{i}", empty))];
        var e = Assert.Throws<InvalidFileException>(() => CaffeModelFile.Parse(bytes, "name"));
        Assert.Contains("the layers have more than 65536 blobs together", e.Message, StringComparison.Ordinal);
    }

    internal static float[] Read(ITensorFile file, string name)
    {
        Assert.True(file.TryGet(name, out TensorInfo? tensor));
        var values = new float[tensor.Count];
        file.ReadSingle(name, values);
        return values;
    }
}
