using DeepLab.IO;

namespace DeepLab.Weights.Formats.PyTorch;

/// <summary>
/// What a pickle can hold here: numbers, texts, containers, and descriptions of storages and tensors. Nothing else is
/// ever made.
/// </summary>
internal abstract class PickleValue
{
    /// <summary>What it is, for people.</summary>
    public abstract string Kind { get; }
}

/// <summary>None, True, False and bytes: nothing of a tensor depends on them.</summary>
internal sealed class PickleConstant : PickleValue
{
    public static readonly PickleConstant None = new("None"), True = new("True"), False = new("False"), Bytes = new("bytes");

    private PickleConstant(string kind) => Kind = kind;

    public override string Kind { get; }
}

internal sealed class PickleInteger(long value) : PickleValue
{
    public long Value => value;

    public override string Kind => "an integer";
}

internal sealed class PickleNumber(double value) : PickleValue
{
    public double Value => value;

    public override string Kind => "a number";
}

internal sealed class PickleText(string value) : PickleValue
{
    public string Value => value;

    public override string Kind => "a text";
}

internal sealed class PickleTuple(PickleValue[] items) : PickleValue
{
    public static readonly PickleTuple Empty = new([]);

    public PickleValue[] Items => items;

    public override string Kind => "a tuple";
}

internal sealed class PickleList : PickleValue
{
    public List<PickleValue> Items { get; } = new(0);

    public override string Kind => "a list";
}

/// <summary>A dict or OrderedDict, in the order in which its entries were set; a key may come again.</summary>
internal sealed class PickleDict : PickleValue
{
    public List<(PickleValue Key, PickleValue Value)> Entries { get; } = new(0);

    /// <summary>The attributes that an OrderedDict was given besides its entries.</summary>
    public PickleDict? Attributes { get; set; }

    public override string Kind => "a dict";

    /// <summary>The value that was last set under a text.</summary>
    public PickleValue? Find(string key) => Entries.FindLast(e => e.Key is PickleText text && text.Value == key).Value;
}

/// <summary>Elements in the file, or a part of them.</summary>
/// <param name="type">The type of an element.</param>
/// <param name="key">Which elements: the name of a record, or a key in an old file's list.</param>
/// <param name="total">How many there are under the key.</param>
/// <param name="start">The first of the part.</param>
/// <param name="count">How many the part has. The caller has checked that the part lies within the total, whose size in
/// bytes does not overflow.</param>
internal sealed class PickleStorage(TensorType type, string key, long total, long start, long count) : PickleValue
{
    public TensorType Type => type;

    public string Key => key;

    public long Total => total;

    public long Start => start;

    public long Count => count;

    public override string Kind => "a storage";
}

/// <summary>
/// A view of a storage: element (i, j, …) lies at <c>offset + i · strides[0] + j · strides[1] + …</c>
/// </summary>
internal sealed class PickleTensor(PickleStorage storage, long offset, long[] sizes, long[] strides) : PickleValue
{
    // So that a few bytes cannot make a reader allocate gigabytes: a stride of 0 repeats elements at no cost in the
    // file.
    private const long MaximumRepeated = 1 << 24;

    public PickleStorage Storage => storage;

    public long Offset => offset;

    public long[] Sizes => sizes;

    public long[] Strides => strides;

    public override string Kind => "a tensor";

    /// <summary>What is wrong with its numbers: null if each element lies in the storage.</summary>
    public string? Fault()
    {
        string shape = $"a tensor of shape [{string.Join(", ", sizes.Take(8))}{(sizes.Length > 8 ? ", ..." : "")}]";
        if (sizes.Length != strides.Length) return $"has {shape} with {strides.Length} strides";
        if (offset < 0 || sizes.Any(s => s < 0) || strides.Any(s => s < 0)) return $"has {shape} with a negative size, stride or offset";
        Int128 count = 1, last = offset;
        for (int i = 0; i < sizes.Length; i++)
        {
            // Neither product can pass 2^126.
            if ((count *= sizes[i]) > long.MaxValue) return $"has {shape}, whose product overflows";
        }

        for (int i = 0; i < sizes.Length && count > 0 && last < storage.Count; i++)
            last += (Int128)(sizes[i] - 1) * strides[i];
        if (count > 0 && last >= storage.Count)
            return $"has {shape} that reaches beyond the {storage.Count} elements of its storage {BoundedText.Quote(storage.Key)}";
        return count > Math.Max(storage.Count, MaximumRepeated) ? $"has {shape} that repeats the {storage.Count} elements of its storage to more than {MaximumRepeated}" : null;
    }
}

/// <summary>
/// What a pickle may call. A call makes one of the values above; there is no code here that a file could choose to run.
/// </summary>
internal enum PickleFunction
{
    /// <summary>collections.OrderedDict, of nothing or of a list of pairs (as Python 2 writes it).</summary>
    OrderedDict,

    /// <summary>torch.Size of a tuple.</summary>
    Size,

    /// <summary>torch._utils._rebuild_tensor(storage, offset, size, stride): until PyTorch 0.3.</summary>
    RebuildTensor,

    /// <summary>torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks).</summary>
    RebuildTensor2,

    /// <summary>torch._utils._rebuild_parameter(tensor, requires_grad, hooks).</summary>
    RebuildParameter,

    /// <summary>torch.FloatStorage and its like: named in the description of a storage, never called.</summary>
    Storage,
}

/// <summary>A name of Python's that a pickle may use.</summary>
internal sealed class PickleGlobal(PickleFunction function, TensorType type = default) : PickleValue
{
    private static readonly Dictionary<string, PickleGlobal> Known = new(StringComparer.Ordinal)
    {
        ["collections.OrderedDict"] = new(PickleFunction.OrderedDict),
        ["torch.Size"] = new(PickleFunction.Size),
        ["torch._utils._rebuild_tensor"] = new(PickleFunction.RebuildTensor),
        ["torch._utils._rebuild_tensor_v2"] = new(PickleFunction.RebuildTensor2),
        ["torch._utils._rebuild_parameter"] = new(PickleFunction.RebuildParameter),
        ["torch.FloatStorage"] = new(PickleFunction.Storage, TensorType.F32),
        ["torch.DoubleStorage"] = new(PickleFunction.Storage, TensorType.F64),
        ["torch.HalfStorage"] = new(PickleFunction.Storage, TensorType.F16),
        ["torch.BFloat16Storage"] = new(PickleFunction.Storage, TensorType.BF16),
        ["torch.LongStorage"] = new(PickleFunction.Storage, TensorType.I64),
        ["torch.IntStorage"] = new(PickleFunction.Storage, TensorType.I32),
        ["torch.ShortStorage"] = new(PickleFunction.Storage, TensorType.I16),
        ["torch.CharStorage"] = new(PickleFunction.Storage, TensorType.I8),
        ["torch.ByteStorage"] = new(PickleFunction.Storage, TensorType.U8),
        ["torch.BoolStorage"] = new(PickleFunction.Storage, TensorType.Bool),
    };

    // Known, so that the message can say what the tensors are.
    private static readonly Dictionary<string, string> OtherTensors = new(StringComparer.Ordinal)
    {
        ["torch._utils._rebuild_qtensor"] = "quantized tensors",
        ["torch._utils._rebuild_sparse_tensor"] = "sparse tensors",
        ["torch._utils._rebuild_sparse_csr_tensor"] = "sparse tensors",
        ["torch._utils._rebuild_meta_tensor_no_storage"] = "tensors without elements (of the device 'meta')",
        ["torch.ComplexFloatStorage"] = "complex numbers",
        ["torch.ComplexDoubleStorage"] = "complex numbers",
    };

    public PickleFunction Function => function;

    /// <summary>A storage's type of elements.</summary>
    public TensorType Type => type;

    public override string Kind => "a function or class";

    /// <summary>Why a name that is not found is refused, for a message that begins with the pickle.</summary>
    public static string Refusal(string module, string name)
    {
        string full = BoundedText.Quote($"{module}.{name}");
        return OtherTensors.TryGetValue($"{module}.{name}", out string? kind)
            ? $"asks for {full}: it holds {kind}, which are not read; save dense ones of floating point"
            : $"asks for {full}, which tensors do not need; it was not run. "
                + "If you trust the file, load it in Python and save its state dict alone: torch.save(model.state_dict(), path)";
    }

    /// <summary>Finds a name; null if tensors do not need it.</summary>
    public static PickleGlobal? Find(string module, string name) =>
        Known.GetValueOrDefault($"{(module == "torch.cuda" && name.EndsWith("Storage", StringComparison.Ordinal) ? "torch" : module)}.{name}");
}
