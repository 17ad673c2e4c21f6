using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using DeepLab.Backends.Cpu;
using DeepLab.Layers;
using DeepLab.Models;
using DeepLab.Weights;
using DeepLab.Weights.Formats.SafeTensors;
using Xunit;

namespace DeepLab.Tests.Weights;

public sealed class NetworkFileTests : IDisposable
{
    private const string AnyWeight = "Scale.layer2.1.conv2.weight";

    private readonly string _folder = Directory.CreateTempSubdirectory("deeplab-network-").FullName;
    private readonly CpuBackend _backend = new(threads: 1);

    private string FilePath => Path.Combine(_folder, "net.safetensors");

    public void Dispose()
    {
        _backend.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(18, 3)]
    [InlineData(50, 2)]
    public void A_network_comes_back_bit_for_bit(int depth, int classes)
    {
        DeepLabResNet saved = TinyNetwork.WithAnyValues(_backend, depth, classes);
        NetworkFile.Save(FilePath, saved);
        DeepLabResNet loaded = NetworkFile.Load(FilePath, _backend);
        Assert.Equal(saved.Configuration, loaded.Configuration);
        Assert.Equal(saved.State.Select(t => t.Name), loaded.State.Select(t => t.Name));
        foreach ((StateTensor expected, StateTensor actual) in saved.State.Zip(loaded.State))
            Assert.True(expected.ToArray().AsSpan().SequenceEqual(actual.ToArray()), expected.Name);
    }

    [Theory]
    [InlineData("net.safetensors")]
    [InlineData("net.pth")]
    public void A_mapped_network_is_the_loaded_one_and_outlives_its_open_file(string name)
    {
        string path = Path.Combine(_folder, name);
        DeepLabResNet saved = TinyNetwork.WithAnyValues(_backend, 18, 3), mapped;
        NetworkFile.Save(path, saved);
        using (NetworkWeights weights = NetworkWeights.Open(path)) mapped = NetworkFile.Map(weights, _backend);
        if (OperatingSystem.IsLinux()) File.Delete(path); // the name goes; the mapping stays
        GC.Collect();
        GC.WaitForPendingFinalizers();
        foreach ((StateTensor expected, StateTensor actual) in saved.State.Zip(mapped.State))
            Assert.True(expected.ToArray().AsSpan().SequenceEqual(actual.ToArray()), expected.Name);
    }

    [Theory]
    [InlineData("net.safetensors")]
    [InlineData("net.pth")]
    public void Kernels_of_a_mapped_network_stay_in_the_file_until_they_are_used(string name)
    {
        if (!OperatingSystem.IsLinux()) return; // elsewhere a mapped file may not be written to
        string path = Path.Combine(_folder, name), other = Path.Combine(_folder, "other-" + name);
        DeepLabResNet saved = TinyNetwork.WithAnyValues(_backend, 18, 3), halved = TinyNetwork.WithAnyValues(_backend, 18, 3), mapped;
        foreach (StateTensor tensor in halved.State) tensor.CopyFrom([.. tensor.ToArray().Select(v => v / 2)]);
        NetworkFile.Save(path, saved);
        NetworkFile.Save(other, halved);
        using (NetworkWeights weights = NetworkWeights.Open(path)) mapped = NetworkFile.Map(weights, _backend);
        using (var stream = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite)) stream.Write(File.ReadAllBytes(other));
        for (int i = 0; i < mapped.State.Count; i++)
        {
            StateTensor actual = mapped.State[i], expected = (actual.Shape.Count == 4 ? halved : saved).State[i];
            Assert.True(expected.ToArray().AsSpan().SequenceEqual(actual.ToArray()), actual.Name);
        }
    }

    [Fact]
    public void A_file_is_inspected_without_building_the_network()
    {
        WriteHeaderOf(18, 3, data: true);
        using NetworkWeights weights = NetworkWeights.Open(FilePath);
        Assert.Equal(new DeepLabConfiguration(18, 3), weights.Configuration);

        // torchvision's resnet18 without its last layer has 11,176,512 parameters; the head adds 4 · (512 · 9 + 1) · 3.
        Assert.Equal(11_176_512 + (4 * ((512 * 9) + 1) * 3), weights.Parameters);
        Assert.Equal("BGR", weights.Metadata["channel_order"]);
        Assert.Equal((20 * 5) + 8, weights.FileTensors.Count);
    }

    [Theory]
    [InlineData(18, 21)]
    [InlineData(34, 2)]
    [InlineData(50, 11)]
    [InlineData(101, 255)]
    [InlineData(152, 3)]
    public void Depth_and_classes_are_recognised_without_metadata(int depth, int classes)
    {
        WriteHeaderOf(depth, classes, data: true, header => header.Remove("__metadata__"));
        Assert.Equal(new DeepLabConfiguration(depth, classes), NetworkFile.ReadConfiguration(FilePath));
    }

    [Fact]
    public void Missing_leftover_and_misshapen_tensors_are_all_listed()
    {
        WriteHeaderOf(18, 3, data: true, header =>
        {
            header.Remove("Scale.layer3.0.bn2.running_var");
            header["extra\nname"] = Entry([2]);
            header["Scale.bn1.num_batches_tracked"] = Entry([]);
            header[AnyWeight] = Entry([128, 128, 1, 1]);
            header["Scale.bn1.bias"]!["dtype"] = "I32";
        });
        string message = Assert.Throws<InvalidFileException>(() => NetworkFile.Load(FilePath, _backend)).Message;
        Assert.Equal(
            $"{FilePath}: does not fit a DeepLab-ResNet-18: Scale.bn1.bias is of type I32, not F32, F64, F16 or BF16; "
            + $"{AnyWeight} is [128, 128, 1, 1], not [128, 128, 3, 3]; "
            + "Scale.layer3.0.bn2.running_var is missing; 'extra name' is not part of the network",
            message);
        Assert.Equal(message, Assert.Throws<InvalidFileException>(() => NetworkFile.ReadConfiguration(FilePath)).Message);
    }

    [Fact]
    public void All_problems_are_listed()
    {
        WriteHeaderOf(18, 3, data: false);
        string message = Assert.Throws<InvalidFileException>(() => NetworkFile.Load(FilePath, _backend)).Message;
        Assert.Contains("Scale.conv1.weight is [0, 3, 7, 7], not [64, 3, 7, 7]", message, StringComparison.Ordinal);
        Assert.Equal(108, message.Split("; ").Length);
        Assert.EndsWith("Scale.layer5.conv2d_list.3.bias is [0], not [3]", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("depth", "101", "18")]
    [InlineData("classes", "4", "3")]
    [InlineData("format", "deeplab-resnet-2", "deeplab-resnet")]
    [InlineData("channel_order", "RGB", "BGR")]
    [InlineData("mean", "0 0 0", "104.008 116.669 122.675")]
    public void Metadata_that_contradict_the_tensors_are_refused(string key, string value, string expected)
    {
        WriteHeaderOf(18, 3, data: true, header => header["__metadata__"]![key] = value);
        string message = Assert.Throws<InvalidFileException>(() => NetworkFile.Load(FilePath, _backend)).Message;
        Assert.Equal($"{FilePath}: its metadata say {key} '{value}', but {expected} was expected", message);
    }

    [Fact]
    public void Another_depth_is_refused_and_other_classes_leave_the_last_layer_alone()
    {
        DeepLabResNet three = TinyNetwork.WithAnyValues(_backend, 18, 3);
        NetworkFile.Save(FilePath, three);
        var deeper = new DeepLabResNet(_backend, new DeepLabConfiguration(34, 3));
        Assert.Equal($"{FilePath}: holds a network of depth 18, not 34", Assert.Throws<InvalidFileException>(() => NetworkFile.LoadInto(FilePath, deeper)).Message);

        var two = new DeepLabResNet(_backend, new DeepLabConfiguration(18, 2));
        Assert.False(NetworkFile.LoadInto(FilePath, two));
        Assert.True(NetworkFile.LoadInto(FilePath, new DeepLabResNet(_backend, three.Configuration)));
        for (int i = 0; i < two.State.Count; i++)
        {
            bool head = two.State[i].Name.StartsWith("Scale.layer5.", StringComparison.Ordinal);
            float[] values = two.State[i].ToArray();
            Assert.True(head ? values.All(v => v == 0) : values.AsSpan().SequenceEqual(three.State[i].ToArray()), two.State[i].Name);
        }
    }

    [Theory]
    [InlineData("F16", 2)]
    [InlineData("BF16", 2)]
    [InlineData("F64", 8)]
    public void Networks_of_other_floating_types_are_converted(string type, int size)
    {
        // 0.5 is exact in every type, so every value must come back unchanged.
        byte[] half = type switch
        {
            "F16" => BitConverter.GetBytes((Half)0.5f),
            "BF16" => BitConverter.GetBytes((ushort)(BitConverter.SingleToUInt32Bits(0.5f) >> 16)),
            _ => BitConverter.GetBytes(0.5),
        };
        WriteHeaderOf(18, 2, data: true, type: type, value: half);
        Assert.Equal(size, half.Length);
        DeepLabResNet network = NetworkFile.Load(FilePath, _backend);
        Assert.All(network.State, t => Assert.True(t.ToArray().AsSpan().IndexOfAnyExcept(0.5f) < 0, t.Name));
    }

    [Fact]
    public void A_file_cut_short_anywhere_is_refused()
    {
        WriteHeaderOf(18, 3, data: true);
        long length = new FileInfo(FilePath).Length;
        using FileStream stream = File.Open(FilePath, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        foreach (long cut in (long[])[length - 1, length / 2, 20_000, 9000, 500, 9, 8, 7, 0])
        {
            stream.SetLength(cut);
            stream.Flush();
            Assert.StartsWith($"{FilePath}: ", Assert.Throws<InvalidFileException>(() => NetworkFile.Load(FilePath, _backend)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Mutated_headers_are_refused_without_building_the_network_they_claim()
    {
        // Every tensor is empty: a 20 kB file that claims to be ResNet-152, whose weights would take 230 MB.
        WriteHeaderOf(152, 255, data: false);
        byte[] original = File.ReadAllBytes(FilePath);

        // The first file with unknown names creates the layouts of all depths, which the process keeps: it is not
        // counted.
        File.WriteAllBytes(FilePath, Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(original).Replace("Scale.conv1", "Scale.conv9", StringComparison.Ordinal)));
        Assert.StartsWith($"{FilePath}: holds no DeepLab-ResNet", Assert.Throws<InvalidFileException>(() => NetworkFile.Load(FilePath, _backend)).Message, StringComparison.Ordinal);
        var random = new SeededRandom(11);
        for (int i = 0; i < 500; i++)
        {
            byte[] bytes = [.. original];
            for (int n = 1 + random.NextInt32(3); n > 0; n--)
                bytes[random.NextInt32(2) == 0 ? random.NextInt32(bytes.Length) : random.NextInt32(400)] = (byte)(32 + random.NextInt32(95));
            if (random.NextInt32(5) == 0) bytes = bytes[..random.NextInt32(bytes.Length)];
            File.WriteAllBytes(FilePath, bytes);
            long before = GC.GetAllocatedBytesForCurrentThread();
            string message = Assert.Throws<InvalidFileException>(() => NetworkFile.Load(FilePath, _backend)).Message;
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 8_000_000);
            Assert.InRange(message.Length, FilePath.Length, 100_000);
            Assert.DoesNotContain('\n', message);
        }
    }

    [Fact]
    public void A_file_of_something_else_says_what_it_holds()
    {
        SafeTensorsWriter.Write(FilePath, [("embedding", [2, 3], new float[6])]);
        Assert.Equal(
            $"{FilePath}: holds no DeepLab-ResNet of 18, 34, 50, 101 or 152 layers that is known, but 'embedding'; none of them is a name that is known",
            Assert.Throws<InvalidFileException>(() => NetworkFile.Load(FilePath, _backend)).Message);
    }

    private static JsonObject Entry(int[] shape) => new() { ["dtype"] = "F32", ["shape"] = new JsonArray([.. shape.Select(s => JsonValue.Create(s))]) };

    /// <summary>
    /// Writes the header of a network, changed by <paramref name="change"/>, and matching data: a hole in the file, or
    /// <paramref name="value"/> repeated. Without data, every tensor's first dimension is 0.
    /// </summary>
    private void WriteHeaderOf(int depth, int classes, bool data, Action<JsonObject>? change = null, string type = "F32", byte[]? value = null)
    {
        var header = new JsonObject
        {
            ["__metadata__"] = new JsonObject
            {
                ["depth"] = $"{depth}",
                ["classes"] = $"{classes}",
                ["mean"] = "104.008 116.669 122.675",
                ["channel_order"] = "BGR",
            },
        };
        foreach (NetworkTensor tensor in NetworkLayout.Of(new DeepLabConfiguration(depth, classes)).Tensors)
        {
            bool isHead = tensor.Name == "Scale.layer5.conv2d_list.0.weight"; // its first dimension is the class count
            int[] shape = [.. tensor.Shape.Select(side => (int)side)];
            if (!data) shape[isHead ? 1 : 0] = 0;
            header[tensor.Name] = Entry(shape);
            header[tensor.Name]!["dtype"] = type;
        }

        change?.Invoke(header);
        long position = 0;
        foreach ((string name, JsonNode? entry) in header)
        {
            if (name == "__metadata__") continue;
            long bytes = entry!["shape"]!.AsArray().Aggregate(value?.LongLength ?? 4, (product, side) => product * (int)side!);
            entry["data_offsets"] = new JsonArray(JsonValue.Create(position), JsonValue.Create(position += bytes));
        }

        byte[] json = Encoding.UTF8.GetBytes(header.ToJsonString(new JsonSerializerOptions()));
        using FileStream stream = File.Create(FilePath);
        stream.Write(BitConverter.GetBytes((long)json.Length));
        stream.Write(json);
        stream.SetLength(stream.Position + position);
        if (value is null) return;
        byte[] chunk = [.. Enumerable.Repeat(value, 1 << 16).SelectMany(v => v)];
        for (; position > 0; position -= chunk.Length) stream.Write(chunk, 0, (int)Math.Min(position, chunk.Length));
    }
}
