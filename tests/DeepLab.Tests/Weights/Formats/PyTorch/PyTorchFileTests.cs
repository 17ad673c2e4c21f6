using DeepLab.Weights;
using DeepLab.Weights.Formats.PyTorch;
using Xunit;

namespace DeepLab.Tests.Weights.Formats.PyTorch;

/// <summary>
/// Files that PyTorch wrote (tests/reference/make_pth.py): every type and view, every variant of the format, and those
/// that are refused.
/// </summary>
public sealed class PyTorchFileTests
{
    [Theory]
    [InlineData("plain", "PyTorch (zip)")]
    [InlineData("plain-protocol4", "PyTorch (zip)")]
    [InlineData("plain-zip64", "PyTorch (zip)")]
    [InlineData("plain-legacy", "PyTorch (legacy)")]
    [InlineData("plain-legacy-protocol4", "PyTorch (legacy)")]
    public void Tensors_of_every_type_and_view_are_read_as_PyTorch_has_them(string name, string format)
    {
        using PyTorchFile file = Open(name);
        Assert.Equal(format, file.Format);
        Assert.Empty(file.Metadata);
        Assert.Equal(PlainShapes, file.Tensors.Select(t => t.ToString()));
        foreach ((string tensor, float[] expected) in Plain())
            AssertBits(expected, Read(file, tensor), tensor);
    }

    [Theory]
    [InlineData("checkpoint")]
    [InlineData("checkpoint-legacy")]
    public void The_state_dict_of_a_checkpoint_is_found_under_its_own_names(string name)
    {
        using PyTorchFile file = Open(name);
        Assert.Equal(
            [
                "module.conv1.weight F32 [2, 3, 3, 3]", "module.bn1.weight F32 [2]", "module.bn1.bias F32 [2]",
                "module.bn1.running_mean F32 [2]", "module.bn1.running_var F32 [2]", "module.bn1.num_batches_tracked I64 []",
            ],
            file.Tensors.Select(t => t.ToString()));
        foreach (TensorInfo tensor in file.Tensors.Where(t => t.Type == TensorType.F32))
            AssertBits(HashUniform.Values("pth", tensor.Name, (int)tensor.Count), Read(file, tensor.Name), tensor.Name);
    }

    [Fact]
    public void A_state_dict_may_lie_two_dicts_deep_and_beside_tensors()
    {
        using PyTorchFile file = Open("nested");
        Assert.Equal(["a F32 [2]"], file.Tensors.Select(t => t.ToString()));
        AssertBits(HashUniform.Values("pth", "nested.a", 2), Read(file, "a"), "a");
    }

    [Fact]
    public void Files_of_Python_2_and_views_of_storages_are_read()
    {
        using PyTorchFile file = Open("python2-legacy");
        float[] whole = HashUniform.Values("pth", "python2.93", 12);
        Assert.Equal(["conv1.weight F32 [3, 4]", "view F32 [2, 2]", "doubles F64 [3]"], file.Tensors.Select(t => t.ToString()));
        AssertBits(whole, Read(file, "conv1.weight"), "conv1.weight");
        AssertBits(whole[5..9], Read(file, "view"), "view");
        AssertBits([.. HashUniform.Values("pth", "python2.95", 3).Select(v => (float)(v / 3.0))], Read(file, "doubles"), "doubles");
    }

    [Theory]
    [InlineData("namespace", "asks for 'argparse.Namespace', which tensors do not need; it was not run. If you trust the file, load it in Python and save its state dict alone")]
    [InlineData("numpy", "asks for 'numpy.core.multiarray.scalar', which tensors do not need")]
    [InlineData("module", "asks for 'torch.nn.modules.linear.Linear', which tensors do not need")]
    [InlineData("module-legacy", "asks for 'torch.nn.modules.linear.Linear', which tensors do not need")]
    [InlineData("quantized", "asks for 'torch._utils._rebuild_qtensor': it holds quantized tensors, which are not read")]
    [InlineData("sparse", "asks for 'torch._utils._rebuild_sparse_tensor': it holds sparse tensors, which are not read")]
    [InlineData("meta", "asks for 'torch._utils._rebuild_meta_tensor_no_storage': it holds tensors without elements")]
    [InlineData("complex", "asks for 'torch.ComplexFloatStorage': it holds complex numbers, which are not read")]
    [InlineData("list", "holds a list; expected a state dict: names and tensors")]
    [InlineData("two", "holds no state dict: a dict with 'generator', 'discriminator', and no tensors by name in it or under state_dict, model_state_dict,")]
    [InlineData("script", "is a TorchScript archive (torch.jit.save), whose network is a program; save the weights alone: torch.save(model.state_dict(), path)")]
    public void What_is_no_state_dict_of_dense_tensors_is_refused_by_name(string name, string problem)
    {
        string message = Assert.Throws<InvalidFileException>(() => Open($"refused-{name}")).Message;
        Assert.StartsWith(Golden($"refused-{name}"), message, StringComparison.Ordinal);
        Assert.Contains(problem, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void A_missing_tensor_one_of_integers_and_a_target_of_another_length_are_named()
    {
        using PyTorchFile file = Open("plain");
        Assert.True(file.TryGet("half", out TensorInfo? half));
        Assert.Equal("half F16 [3, 4]", half.ToString());
        Assert.False(file.TryGet("nothing", out _));
        Assert.EndsWith("has no tensor 'nothing' among its 23", Assert.Throws<InvalidFileException>(() => file.ReadSingle("nothing", [])).Message, StringComparison.Ordinal);
        Assert.EndsWith(
            "tensor 'bn.num_batches_tracked' is of type I64; expected F32, F64, F16 or BF16",
            Assert.Throws<InvalidFileException>(() => file.ReadSingle("bn.num_batches_tracked", new float[1])).Message,
            StringComparison.Ordinal);
        Assert.StartsWith(
            "The target has 2 elements; tensor 'parameter' has 3.", Assert.Throws<ArgumentException>(() => file.ReadSingle("parameter", new float[2])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_is_recognised_by_its_first_bytes()
    {
        byte[] tar = new byte[512];
        "ustar"u8.CopyTo(tar.AsSpan(257));
        foreach (string name in (string[])["plain", "plain-protocol4", "plain-legacy", "plain-legacy-protocol4", "python2-legacy"])
            Assert.True(PyTorchFile.LooksLike(File.ReadAllBytes(Golden(name)).AsSpan(0, 32)), name);
        Assert.True(PyTorchFile.LooksLike(tar));
        Assert.False(PyTorchFile.LooksLike(tar.AsSpan(0, 261)));
        Assert.False(PyTorchFile.LooksLike([]));
        Assert.False(PyTorchFile.LooksLike(PthBuilder.Pickle('}', '.')));

        Assert.Equal(
            "old: is a tar archive, as PyTorch wrote them before 0.1.10, which are not read; load it in Python and save it again",
            Assert.Throws<InvalidFileException>(() => PyTorchFile.Parse(tar, "old")).Message);
        Assert.Equal(
            "other: not a PyTorch file: it begins with 80027D2E; expected a zip archive or the magic number of torch.save",
            Assert.Throws<InvalidFileException>(() => PyTorchFile.Parse(PthBuilder.Pickle('}', '.'), "other")).Message);
        Assert.Contains("begins with nothing", Assert.Throws<InvalidFileException>(() => PyTorchFile.Parse(default, "empty")).Message, StringComparison.Ordinal);
        Assert.IsNotType<InvalidFileException>(Assert.ThrowsAny<DeepLabException>(() => PyTorchFile.Open("nowhere.pth")));
    }

    // The zip archive's storages begin at multiples of 64 bytes, the legacy file's anywhere.
    [Fact]
    public void Only_singles_that_lie_in_the_file_as_in_memory_are_mapped()
    {
        using PyTorchFile file = Open("plain");
        var mapped = new List<string>();
        foreach ((string name, float[] values) in Plain())
        {
            if (!file.TryMap(name, out ReadOnlyMemory<float> memory)) continue;
            mapped.Add(name);
            AssertBits(values, memory.ToArray(), name);
        }

        Assert.Equal(["conv.weight", "base", "base.row", "scalar", "parameter", "größe"], mapped);
        Assert.False(file.TryMap("nothing", out _));
        Assert.False(PyTorchFile.Parse(File.ReadAllBytes(Golden("plain")), "memory").TryMap("base", out _));
    }

    private static readonly string[] PlainShapes =
    [
        "conv.weight F32 [4, 3, 3, 3]", "bn.num_batches_tracked I64 []", "double F64 [5]", "half F16 [3, 4]", "bfloat BF16 [2, 3]", "int I32 [3]", "short I16 [3]", "char I8 [3]",
        "byte U8 [3]", "bool Bool [2]", "base F32 [6, 5]", "base.transposed F32 [5, 6]", "base.row F32 [5]", "base.column F32 [6]", "base.thirds F32 [10]",
        "kernel.permuted F32 [2, 5, 3, 4]", "kernel.slice F32 [3, 2, 3]", "expanded F32 [3, 4]", "half.transposed F16 [4, 3]", "scalar F32 []", "empty F32 [0, 4]",
        "parameter F32 [3]", "größe F32 [2]",
    ];

    /// <summary>The elements of the "plain" files, as the script generates them.</summary>
    private static IEnumerable<(string Name, float[] Values)> Plain()
    {
        float[] kernel = Values("kernel", 120);
        float Kernel(int o, int i, int y, int x) => kernel[(((((o * 3) + i) * 2) + y) * 5) + x];
        float[] halves = Coarse("half.transposed", 12), expanded = Values("expanded", 3), numbers = Values("base", 30);
        yield return ("conv.weight", Values("conv.weight", 108));
        yield return ("double", [.. Values("double", 5).Select(v => (float)(v / 3.0))]);
        yield return ("half", Coarse("half", 12));
        yield return ("bfloat", Coarse("bfloat", 6));
        yield return ("base", numbers);
        yield return ("base.transposed", [.. Enumerable.Range(0, 30).Select(i => numbers[(i % 6 * 5) + (i / 6)])]);
        yield return ("base.row", numbers[10..15]);
        yield return ("base.column", [.. Enumerable.Range(0, 6).Select(i => numbers[(i * 5) + 3])]);
        yield return ("base.thirds", [.. Enumerable.Range(0, 10).Select(i => numbers[1 + (i * 3)])]);
        yield return ("kernel.permuted", [.. from y in Enumerable.Range(0, 2) from x in Enumerable.Range(0, 5) from i in Enumerable.Range(0, 3) from o in Enumerable.Range(0, 4) select Kernel(o, i, y, x)]);
        yield return ("kernel.slice", [.. from o in Enumerable.Range(1, 3) from i in (int[])[0, 2] from x in Enumerable.Range(1, 3) select Kernel(o, i, 1, x)]);
        yield return ("expanded", [.. Enumerable.Range(0, 12).Select(i => expanded[i / 4])]);
        yield return ("half.transposed", [.. Enumerable.Range(0, 12).Select(i => halves[(i % 3 * 4) + (i / 3)])]);
        yield return ("scalar", Values("scalar", 1));
        yield return ("empty", []);
        yield return ("parameter", Values("parameter", 3));
        yield return ("größe", Values("größe", 2));
    }

    private static string Golden(string name) => Path.Combine(AppContext.BaseDirectory, "Golden", "pytorch", name + ".pth");

    private static PyTorchFile Open(string name) => PyTorchFile.Open(Golden(name));

    private static float[] Values(string name, int count) => HashUniform.Values("pth", name, count);

    private static float[] Coarse(string name, int count) => HashUniform.Values("pth", name, count, u => Math.Floor(u * 64) / 64);

    private static float[] Read(PyTorchFile file, string name)
    {
        Assert.True(file.TryGet(name, out TensorInfo? tensor));
        var values = new float[tensor.Count];
        file.ReadSingle(name, values);
        return values;
    }

    private static void AssertBits(float[] expected, float[] actual, string name) =>
        Assert.True(expected.Select(BitConverter.SingleToUInt32Bits).SequenceEqual(actual.Select(BitConverter.SingleToUInt32Bits)), name);
}
