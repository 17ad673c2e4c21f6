using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace DeepLab.Weights.Formats.PyTorch;

/// <summary>
/// Writes the pickle of a state dict, protocol 2, with only those instructions that every version of
/// <c>torch.load(weights_only=True)</c> knows.
/// </summary>
internal sealed class PickleWriter
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly ArrayBufferWriter<byte> _bytes = new();
    private readonly Dictionary<string, byte> _memo = new(StringComparer.Ordinal);

    /// <summary>
    /// The pickle of an OrderedDict of F32 tensors, each the whole of storage 0, 1, …, in the order given.
    /// </summary>
    /// <param name="tensors">Names and sides.</param>
    /// <param name="metadata">What to put under the attribute <see cref="StateDict.MetadataAttribute"/> of the
    /// OrderedDict; no attribute if null.</param>
    public static byte[] StateDict(IReadOnlyList<(string Name, long[] Shape)> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        var pickle = new PickleWriter();
        pickle.Put(PickleOpcode.Proto, 2);
        pickle.PutOrderedDict();
        if (tensors.Count > 0)
        {
            pickle.Put(PickleOpcode.Mark);
            for (int i = 0; i < tensors.Count; i++)
            {
                pickle.PutText(tensors[i].Name);
                pickle.PutTensor(i, tensors[i].Shape);
            }

            pickle.Put(PickleOpcode.SetItems);
        }

        if (metadata is not null) pickle.PutAttribute(PyTorch.StateDict.MetadataAttribute, metadata);
        pickle.Put(PickleOpcode.Stop);
        return pickle._bytes.WrittenSpan.ToArray();
    }

    private void PutTensor(int storage, long[] shape)
    {
        // The last side's elements lie next to each other; a side of 0 counts as 1, as in PyTorch.
        var strides = new long[shape.Length];
        long count = 1, stride = 1;
        for (int i = shape.Length - 1; i >= 0; i--)
        {
            strides[i] = stride;
            stride *= Math.Max(shape[i], 1);
            count *= shape[i];
        }

        PutGlobal("torch._utils", "_rebuild_tensor_v2");
        Put(PickleOpcode.Mark);
        Put(PickleOpcode.Mark);
        PutText("storage", remember: true);
        PutGlobal("torch", "FloatStorage");
        PutText(storage.ToString(System.Globalization.CultureInfo.InvariantCulture));
        PutText("cpu", remember: true);
        PutInteger(count);
        Put(PickleOpcode.Tuple);
        Put(PickleOpcode.BinPersId);
        PutInteger(0);
        PutTuple(shape);
        PutTuple(strides);
        Put(PickleOpcode.NewFalse);
        PutOrderedDict();
        Put(PickleOpcode.Tuple);
        Put(PickleOpcode.Reduce);
    }

    private void PutAttribute(string name, IReadOnlyDictionary<string, string> texts)
    {
        Put(PickleOpcode.EmptyDict);
        PutText(name);
        Put(PickleOpcode.EmptyDict);
        Put(PickleOpcode.Mark);
        foreach ((string key, string value) in texts.OrderBy(t => t.Key, StringComparer.Ordinal))
        {
            PutText(key);
            PutText(value);
        }

        Put(PickleOpcode.SetItems);
        Put(PickleOpcode.SetItem);
        Put(PickleOpcode.Build);
    }

    private void PutOrderedDict()
    {
        PutGlobal("collections", "OrderedDict");
        Put(PickleOpcode.EmptyTuple);
        Put(PickleOpcode.Reduce);
    }

    private void PutTuple(long[] values)
    {
        if (values.Length == 0)
        {
            Put(PickleOpcode.EmptyTuple);
            return;
        }

        Put(PickleOpcode.Mark);
        foreach (long value in values)
            PutInteger(value);
        Put(PickleOpcode.Tuple);
    }

    private void PutGlobal(string module, string name)
    {
        if (Recall($"{module}\n{name}\n")) return;
        Put(PickleOpcode.Global);
        _bytes.Write(Encoding.ASCII.GetBytes($"{module}\n{name}\n"));
        Remember($"{module}\n{name}\n");
    }

    private void PutText(string text, bool remember = false)
    {
        if (remember && Recall(text)) return;
        byte[] bytes = StrictUtf8.GetBytes(text);
        Put(PickleOpcode.BinUnicode);
        BinaryPrimitives.WriteInt32LittleEndian(_bytes.GetSpan(sizeof(int)), bytes.Length);
        _bytes.Advance(sizeof(int));
        _bytes.Write(bytes);
        if (remember) Remember(text);
    }

    private void PutInteger(long value)
    {
        if (value is >= 0 and <= byte.MaxValue)
        {
            Put(PickleOpcode.BinInt1, (byte)value);
        }
        else if (value is >= int.MinValue and <= int.MaxValue)
        {
            Put(PickleOpcode.BinInt);
            BinaryPrimitives.WriteInt32LittleEndian(_bytes.GetSpan(sizeof(int)), (int)value);
            _bytes.Advance(sizeof(int));
        }
        else
        {
            Put(PickleOpcode.Long1, sizeof(long));
            BinaryPrimitives.WriteInt64LittleEndian(_bytes.GetSpan(sizeof(long)), value);
            _bytes.Advance(sizeof(long));
        }
    }

    private bool Recall(string what)
    {
        if (!_memo.TryGetValue(what, out byte index)) return false;
        Put(PickleOpcode.BinGet, index);
        return true;
    }

    private void Remember(string what)
    {
        Put(PickleOpcode.BinPut, (byte)_memo.Count);
        _memo.Add(what, (byte)_memo.Count);
    }

    private void Put(PickleOpcode opcode)
    {
        _bytes.GetSpan(1)[0] = (byte)opcode;
        _bytes.Advance(1);
    }

    private void Put(PickleOpcode opcode, byte argument)
    {
        Put(opcode);
        _bytes.GetSpan(1)[0] = argument;
        _bytes.Advance(1);
    }
}
