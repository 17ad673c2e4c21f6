using System.Text;
using DeepLab.Tensors;
using DeepLab.Weights.Formats.PyTorch;
using Xunit;
using static DeepLab.Tests.Weights.Formats.PyTorch.PthBuilder;

namespace DeepLab.Tests.Weights.Formats.PyTorch;

/// <summary>Pickles that PyTorch would never write: each is refused with a reason, and nothing is run.</summary>
public sealed class UnpicklerTests
{
    private const byte StackGlobal = 0x93, Memoize = 0x94, Long1 = 0x8A, Long4 = 0x8B, BinUnicode8 = 0x8D, BinBytes8 = 0x8E, NewObj = 0x81, Tuple1 = 0x85, Tuple2 = 0x86;

    private static readonly Dictionary<string, (byte[] Pickle, string Problem)> Hostile = new()
    {
        // Pickles that would run code.
        ["os.system"] = (Pickle(Global("os", "system"), '(', "touch owned", 't', 'R', '.'), "asks for 'os.system', which tensors do not need; it was not run"),
        ["posix.system"] = (Pickle(Global("posix", "system"), '(', "touch owned", 't', 'R', '.'), "asks for 'posix.system'"),
        ["eval"] = (Pickle(Global("builtins", "eval"), "1", Tuple1, 'R', '.'), "asks for 'builtins.eval'"),
        ["Python 2's eval"] = (Pickle(Global("__builtin__", "eval"), "1", Tuple1, 'R', '.'), "asks for '__builtin__.eval'"),
        ["a name from the stack"] = (Pickle("os", "system", StackGlobal, "x", Tuple1, 'R', '.'), "asks for 'os.system'"),
        ["a name in a known one"] = (Pickle("collections", "OrderedDict.fromkeys", StackGlobal, '.'), "asks for 'collections.OrderedDict.fromkeys'"),
        ["a known name in another module"] = (Pickle(Global("mine", "OrderedDict"), ')', 'R', '.'), "asks for 'mine.OrderedDict'"),
        ["a dot in the module"] = (Pickle(Global("torch.cuda.x", "FloatStorage"), '.'), "asks for 'torch.cuda.x.FloatStorage'"),
        ["another pickle"] = (Pickle(Global("torch.storage", "_load_from_bytes"), '.'), "asks for 'torch.storage._load_from_bytes'"),
        ["a name with a line's end"] = (Pickle("os\nx", "system", StackGlobal, '.'), "asks for 'os x.system'"),
        ["INST"] = (Pickle('(', "x", Encoding.ASCII.GetBytes("ios\nsystem\n"), '.'), "asks for 'os.system'"),
        ["INST of a known class"] = (Pickle('(', Encoding.ASCII.GetBytes("icollections\nOrderedDict\n"), '.'), "has the instruction 0x69"),
        ["OBJ"] = (Pickle('(', Global("os", "system"), "x", 'o', '.'), "asks for 'os.system'"),
        ["OBJ of a known class"] = (Pickle('(', Global("collections", "OrderedDict"), 'o', '.'), "has the instruction 0x6f"),
        ["NEWOBJ"] = (Pickle(Global("subprocess", "Popen"), ')', NewObj, '.'), "asks for 'subprocess.Popen'"),
        ["NEWOBJ of a known class"] = (Pickle(Global("collections", "OrderedDict"), ')', NewObj, '.'), "has the instruction 0x81"),
        ["EXT1"] = (Pickle((byte)0x82, (byte)1, '.'), "has the instruction 0x82"),
        ["no instruction"] = (Pickle((byte)0xFF), "has the instruction 0xff, which no state dict needs"),
        ["a call of a text"] = (Pickle("os.system", ')', 'R', '.'), "calls a text"),
        ["a call with a list"] = (Pickle(Global("collections", "OrderedDict"), ']', 'R', '.'), "calls a function with a list"),
        ["a call of a storage's type"] = (Pickle(Global("torch", "FloatStorage"), ')', 'R', '.'), "calls Storage with 0 arguments that do not fit it"),
        ["a dict of texts"] = (Pickle(Global("collections", "OrderedDict"), ']', "ab", 'a', Tuple1, 'R', '.'), "makes an OrderedDict of a text; expected pairs"),
        ["attributes of a list"] = (Pickle(']', '}', 'b', '.'), "adds to a list as if to an OrderedDict"),
        ["attributes of a tensor"] = (Pickle(FourSingles(), '}', 'b', '.'), "adds to a tensor as if to an OrderedDict"),
        ["attributes that are none"] = (Pickle('}', "x", 'b', '.'), "gives an OrderedDict a text for attributes"),

        // References to something outside the pickle.
        ["a text for a storage"] = (Pickle("0", 'Q', '.'), "refers to a text outside of it that is no description of a storage"),
        ["a module"] = (Pickle('(', "module", Global("torch", "FloatStorage"), "f.py", "import os", 't', 'Q', '.'), "refers to a tuple outside of it"),
        ["a storage of OrderedDict"] = (Pickle('(', "storage", Global("collections", "OrderedDict"), "0", "cpu", 4, 't', 'Q', '.'), "no description of a storage"),
        ["a storage with a number for a key"] = (Pickle('(', "storage", Global("torch", "FloatStorage"), 0, "cpu", 4, 't', 'Q', '.'), "no description of a storage"),
        ["a storage of -1"] = (Pickle(Storage("0", -1), '.'), "has a storage '0' of -1 elements"),
        ["a storage of 2^62"] = (Pickle('(', "storage", Global("torch", "FloatStorage"), "0", "cpu", Long1, (byte)8, new byte[7], (byte)64, 't', 'Q', '.'), "has a storage '0' of 4611686018427387904 elements"),
        ["a view that is none"] = (Pickle(Storage("0", 4, Tuple(1, 2, 3)), '.'), "has a view of storage '0' that is no key, offset and count"),
        ["a view beyond"] = (Pickle(Storage("0", 4, Part('(', "1", 2, 3, 't')), '.'), "has a view of 3 elements from 2 on, of a storage '0' of 4"),
        ["a view before"] = (Pickle(Storage("0", 4, Part('(', "1", -1, 3, 't')), '.'), "has a view of 3 elements from -1 on"),

        // Tensors that do not fit.
        ["a tensor beyond"] = (Pickle(Tensor(Storage("0", 4), 1, [4], [1]), '.'), "has a tensor of shape [4] that reaches beyond the 4 elements of its storage '0'"),
        ["strides beyond"] = (Pickle(Tensor(Storage("0", 4), 0, [2, 2], [3, 1]), '.'), "reaches beyond the 4 elements"),
        ["a negative stride"] = (Pickle(Tensor(Storage("0", 4), 3, [4], [-1]), '.'), "with a negative size, stride or offset"),
        ["a negative size"] = (Pickle(Tensor(Storage("0", 4), 0, [-4], [1]), '.'), "with a negative size, stride or offset"),
        ["a negative offset"] = (Pickle(Tensor(Storage("0", 4), -1, [4], [1]), '.'), "with a negative size, stride or offset"),
        ["a stride short"] = (Pickle(Tensor(Storage("0", 4), 0, [4], []), '.'), "has a tensor of shape [4] with 0 strides"),
        ["a product that overflows"] = (Pickle(Tensor(Storage("0", 4), 0, [1 << 30, 1 << 30, 1 << 30], [0, 0, 0]), '.'), "whose product overflows"),
        ["an overflowing product of nothing"] = (Pickle(Tensor(Storage("0", 4), 0, [.. Enumerable.Repeat(int.MaxValue, 60), 0], new int[61]), '.'), "whose product overflows"),
        ["strides that overflow"] = (Pickle(Tensor(Storage("0", 4), 0, [.. Enumerable.Repeat(2, 60)], [.. Enumerable.Repeat(int.MaxValue, 60)]), '.'), "reaches beyond the 4 elements"),
        ["elements repeated too often"] = (Pickle(Tensor(Storage("0", 4), 0, [1 << 25], [0]), '.'), "repeats the 4 elements of its storage to more than 16777216"),
        ["65 dimensions"] = (Pickle(Tensor(Storage("0", 4), 0, new int[65], new int[65]), '.'), "has a tensor of 65 dimensions; at most 64 are read"),
        ["a text for a size"] = (Pickle(Global("torch._utils", "_rebuild_tensor"), '(', Storage("0", 4), 0, "4", Tuple1, Tuple(1), 't', 'R', '.'), "has a text for a size or stride"),
        ["an argument too many"] = (Pickle(Global("torch._utils", "_rebuild_tensor"), '(', Storage("0", 4), 0, Tuple(4), Tuple(1), 'N', 't', 'R', '.'), "calls RebuildTensor with 5 arguments that do not fit it (a storage, an integer, a tuple, a tuple, None)"),
        ["a parameter of a text"] = (Pickle(Global("torch._utils", "_rebuild_parameter"), '(', "x", 'N', 'N', 't', 'R', '.'), "calls RebuildParameter with 3 arguments that do not fit it"),

        // Misuse of the stack machine.
        ["nothing to stop with"] = (Pickle('.'), "takes more values than it made"),
        ["a tuple of too few"] = (Pickle(1, Tuple2, '.'), "takes more values than it made"),
        ["a pair across a mark"] = (Pickle('}', "a", '(', 1, 's', '.'), "takes more values than it made"),
        ["a mark that is not there"] = (Pickle('}', "a", 1, 'u', '.'), "goes back to a mark that it did not set"),
        ["a key without value"] = (Pickle('}', '(', "a", 'u', '.'), "sets a key without a value"),
        ["items for a list in a dict"] = (Pickle('}', 1, 'a', '.'), "adds to a dict as if to a list"),
        ["a memo that is not there"] = (Pickle('h', (byte)3, '.'), "uses its memo 3, which was not set"),
        ["a far memo"] = (Pickle('}', 'r', new byte[] { 255, 255, 255, 255 }, 'j', new byte[] { 254, 255, 255, 255 }, '.'), "uses its memo 4294967294"),
        ["nothing to remember"] = (Pickle(Memoize, '.'), "takes more values than it made"),
        ["protocol 1"] = (Pickle((byte)0x80, (byte)1, 'N', '.'), "has protocol 1; expected 2 to 5"),
        ["an integer of Python's protocol 0"] = (Pickle(Encoding.ASCII.GetBytes("I1\n."), '.'), "has the instruction 0x49"),

        // Lengths with arbitrary claims.
        ["a text of 2^60"] = (Pickle(BinUnicode8, new byte[7], (byte)16, "x"), "ends: 1152921504606846976 bytes should follow, but "),
        ["a text of 2^32"] = (Pickle('X', new byte[] { 255, 255, 255, 255 }, "x"), "ends: 4294967295 bytes should follow"),
        ["bytes of 2^64"] = (Pickle(BinBytes8, Enumerable.Repeat((byte)255, 8).ToArray()), "ends: 9223372036854775807 bytes should follow"),
        ["an integer of 2^31 bytes"] = (Pickle(Long4, new byte[] { 255, 255, 255, 127 }), "has an integer of 2147483647 bytes; none of a state dict has more than 8"),
        ["an integer of 9 bytes"] = (Pickle(Long1, (byte)9, new byte[9], '.'), "has an integer of 9 bytes"),
        ["a name without an end"] = (Pickle('c', Enumerable.Repeat((byte)'x', 2000).ToArray()), "holds a name of more than 512 bytes"),
        ["a text that is none"] = (Pickle('U', (byte)2, (byte)0xC3, (byte)0x28, '.'), "holds a text that is no UTF-8"),
    };

    public static IEnumerable<TheoryDataRow<string>> Cases => Hostile.Keys.Select(name => new TheoryDataRow<string>(name));

    [Theory]
    [MemberData(nameof(Cases))]
    public void Hostile_pickles_are_refused_with_a_reason(string name)
    {
        (byte[] pickle, string problem) = Hostile[name];
        foreach (byte[] file in (byte[][])[Zip(pickle), Legacy(pickle)])
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            string message = Assert.Throws<InvalidFileException>(() => PyTorchFile.Parse(file, "name")).Message;
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 300_000);
            Assert.StartsWith("name: the pickle that describes its tensors, at byte ", message, StringComparison.Ordinal);
            Assert.Contains(problem, message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', message);
        }

        Assert.False(File.Exists("owned"));
    }

    [Fact]
    public void Numbers_of_every_size_and_containers_beside_the_state_dict_do_no_harm()
    {
        byte[] pickle = Pickle(
            '}', '(', "epoch", 'M', (byte)1, (byte)2, "long", Long1, (byte)0, "negative", Long1, (byte)2, (byte)0xFE, (byte)0xFF, "rate", 'G', new byte[8],
            "bytes", 'C', (byte)1, (byte)0, "list", ']', '(', 1, 2, 'e', "tuple", 1, 2, Tuple2, "size", Global("torch", "Size"), Tuple(1, 2), Tuple1, 'R', "state_dict",
            '}', "a", FourSingles(), 's', 'u', '.');
        using PyTorchFile file = PyTorchFile.Parse(Zip(pickle), "name");
        var values = new float[4];
        file.ReadSingle("a", values);
        Assert.Equal([1f, 2f, 3f, 4f], values);
    }

    [Fact]
    public void A_list_doubled_sixty_times_takes_sixty_lists()
    {
        var parts = new List<object> { '}', "bomb", '(', ']' };
        for (int i = 0; i < 60; i++)
            parts.AddRange(['q', (byte)i, ']', '(', 'h', (byte)i, 'h', (byte)i, 'e', 'q', (byte)(i + 1)]);
        parts.AddRange(['t', 's', "a", FourSingles(), 's', '.']);
        long before = GC.GetAllocatedBytesForCurrentThread();
        using PyTorchFile file = PyTorchFile.Parse(Zip(Pickle([.. parts])), "name");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 300_000);
        Assert.Equal(["a F32 [4]"], file.Tensors.Select(t => t.ToString()));
    }

    [Fact]
    public void Dicts_and_lists_that_hold_themselves_end_the_search()
    {
        byte[] dict = Pickle('}', 'q', (byte)0, "state_dict", 'h', (byte)0, 's', "model", 'h', (byte)0, 's', "net", ']', 'q', (byte)1, 'h', (byte)1, 'a', 's', '.');
        string message = Assert.Throws<InvalidFileException>(() => PyTorchFile.Parse(Zip(dict), "name")).Message;
        Assert.StartsWith("name: holds no state dict: a dict with 'state_dict', 'model', 'net', and no tensors", message, StringComparison.Ordinal);

        byte[] withTensor = Pickle('}', 'q', (byte)0, "state_dict", 'h', (byte)0, 's', "a", FourSingles(), 's', '.');
        using PyTorchFile file = PyTorchFile.Parse(Zip(withTensor), "name");
        Assert.Equal(["a F32 [4]"], file.Tensors.Select(t => t.ToString()));
    }

    [Fact]
    public void Millions_of_steps_are_refused_also_where_few_instructions_ask_for_them()
    {
        byte[] long1 = Pickle('(', Enumerable.Repeat((byte)'N', 2_100_000).ToArray());
        Assert.Contains("takes more than 2000000 steps", Assert.Throws<InvalidFileException>(() => PyTorchFile.Parse(Zip(long1), "name")).Message, StringComparison.Ordinal);

        // A dict of the same thousand pairs, over and over.
        object[] pairs = [.. Enumerable.Repeat<object[]>([1, 2, Tuple2], 1000).SelectMany(p => p)];
        object[] calls = [.. Enumerable.Repeat<object[]>(['h', (byte)0, 'h', (byte)1, 'R'], 2000).SelectMany(p => p)];
        byte[] copies = Pickle([Global("collections", "OrderedDict"), 'q', (byte)0, ']', '(', .. pairs, 'e', Tuple1, 'q', (byte)1, .. calls, '.']);
        Assert.Contains("takes more than 2000000 steps", Assert.Throws<InvalidFileException>(() => PyTorchFile.Parse(Zip(copies), "name")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pickle_cut_anywhere_is_refused()
    {
        byte[] pickle = Pickle('}', '(', "conv.weight", FourSingles(), "n", Long1, (byte)1, (byte)5, 'u', '.');
        PyTorchFile.Parse(Zip(pickle), "name").Dispose();
        for (int length = 0; length < pickle.Length; length++)
        {
            string message = Assert.Throws<InvalidFileException>(() => PyTorchFile.Parse(Zip(pickle[..length]), "name")).Message;
            Assert.Contains("are left; the file is damaged or cut short", message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Names_that_come_twice_and_attributes_that_are_no_texts_are_refused()
    {
        byte[] twice = Pickle('}', "a", FourSingles(), 's', "a", FourSingles(), 's', '.');
        Assert.Equal("name: its state dict has 'a' twice", Assert.Throws<InvalidFileException>(() => PyTorchFile.Parse(Zip(twice), "name")).Message);
        byte[] number = Pickle('}', "a", FourSingles(), 's', '}', "deeplab", 5, 's', 'b', '.');
        Assert.Equal(
            "name: the attribute 'deeplab' of its state dict is an integer; expected a dict of texts",
            Assert.Throws<InvalidFileException>(() => PyTorchFile.Parse(Zip(number), "name")).Message);
        byte[] numbers = Pickle('}', "a", FourSingles(), 's', '}', "deeplab", '}', "depth", 18, 's', 's', 'b', '.');
        Assert.Contains("holds something else than texts", Assert.Throws<InvalidFileException>(() => PyTorchFile.Parse(Zip(numbers), "name")).Message, StringComparison.Ordinal);
    }
}
