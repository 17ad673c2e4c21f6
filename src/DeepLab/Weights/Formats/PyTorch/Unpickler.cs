using System.Buffers.Binary;
using System.Runtime.InteropServices;
using DeepLab.IO;

namespace DeepLab.Weights.Formats.PyTorch;

/// <summary>
/// The instructions of Python's pickle machine (protocols 2 to 5) that state dicts are written with, and those that
/// have a message of their own.
/// </summary>
internal enum PickleOpcode : byte
{
    Proto = 0x80, Frame = 0x95, Stop = (byte)'.', Mark = (byte)'(',
    None = (byte)'N', NewTrue = 0x88, NewFalse = 0x89,
    BinInt = (byte)'J', BinInt1 = (byte)'K', BinInt2 = (byte)'M', Long1 = 0x8A, Long4 = 0x8B, BinFloat = (byte)'G',
    BinUnicode = (byte)'X', ShortBinUnicode = 0x8C, BinUnicode8 = 0x8D, BinString = (byte)'T', ShortBinString = (byte)'U',
    BinBytes = (byte)'B', ShortBinBytes = (byte)'C', BinBytes8 = 0x8E,
    EmptyTuple = (byte)')', Tuple = (byte)'t', Tuple1 = 0x85, Tuple2 = 0x86, Tuple3 = 0x87,
    EmptyList = (byte)']', Append = (byte)'a', Appends = (byte)'e',
    EmptyDict = (byte)'}', SetItem = (byte)'s', SetItems = (byte)'u',
    BinGet = (byte)'h', LongBinGet = (byte)'j', BinPut = (byte)'q', LongBinPut = (byte)'r', Memoize = 0x94,
    Global = (byte)'c', StackGlobal = 0x93, Inst = (byte)'i', Reduce = (byte)'R', Build = (byte)'b', BinPersId = (byte)'Q',
}

/// <summary>
/// Reads a pickle as data. The pickle machine has a stack, a memo and no loops; here it knows the values of
/// <see cref="PickleValue"/> and the six functions of <see cref="PickleFunction"/>, so that nothing can be run,
/// whatever a file asks for. Memory is bounded by the number of instructions.
/// </summary>
internal sealed class Unpickler(PickleReader reader)
{
    // A tensor needs some forty. Each takes at most a hundred bytes of memory plus the length of its text.
    private const int MaximumSteps = 2_000_000;
    private const int MaximumSides = 64;

    private readonly List<PickleValue> _stack = [];
    private readonly List<int> _marks = [];
    private readonly Dictionary<uint, PickleValue> _memo = [];
    private readonly List<PickleStorage> _storages = [];
    private long _start;
    private int _steps;

    /// <summary>All storages that the pickle names, as often as it does.</summary>
    public IReadOnlyList<PickleStorage> Storages => _storages;

    /// <summary>Reads one pickle, to its end mark.</summary>
    /// <exception cref="InvalidFileException">It is damaged, or asks for something that tensors do not
    /// need.</exception>
    public PickleValue Load()
    {
        while (true)
        {
            _start = reader.Position;
            var opcode = (PickleOpcode)reader.ReadByte();
            Charge(1);
            if (opcode == PickleOpcode.Stop) return Pop();
            if (ReadScalar(opcode) is { } value) _stack.Add(value);
            else if (!Contain(opcode) && !Remember(opcode)) Construct(opcode);
        }
    }

    private PickleValue? ReadScalar(PickleOpcode opcode) => opcode switch
    {
        PickleOpcode.None => PickleConstant.None,
        PickleOpcode.NewTrue => PickleConstant.True,
        PickleOpcode.NewFalse => PickleConstant.False,
        PickleOpcode.BinInt => new PickleInteger(BinaryPrimitives.ReadInt32LittleEndian(reader.ReadBytes(4))),
        PickleOpcode.BinInt1 => new PickleInteger(reader.ReadByte()),
        PickleOpcode.BinInt2 => new PickleInteger(BinaryPrimitives.ReadUInt16LittleEndian(reader.ReadBytes(2))),
        PickleOpcode.Long1 => ReadLong(reader.ReadByte()),
        PickleOpcode.Long4 => ReadLong(ReadLength4()),
        PickleOpcode.BinFloat => new PickleNumber(BinaryPrimitives.ReadDoubleBigEndian(reader.ReadBytes(8))),
        PickleOpcode.BinUnicode => new PickleText(reader.ReadText(ReadLength4())),
        PickleOpcode.ShortBinUnicode => new PickleText(reader.ReadText(reader.ReadByte())),
        PickleOpcode.BinUnicode8 => new PickleText(reader.ReadText(ReadLength8())),

        // Python 2's texts, in which old files have their names.
        PickleOpcode.BinString => new PickleText(reader.ReadText(ReadLength4())),
        PickleOpcode.ShortBinString => new PickleText(reader.ReadText(reader.ReadByte())),
        PickleOpcode.BinBytes => ReadBytes(ReadLength4()),
        PickleOpcode.ShortBinBytes => ReadBytes(reader.ReadByte()),
        PickleOpcode.BinBytes8 => ReadBytes(ReadLength8()),
        PickleOpcode.EmptyTuple => PickleTuple.Empty,
        PickleOpcode.EmptyList => new PickleList(),
        PickleOpcode.EmptyDict => new PickleDict(),
        _ => null,
    };

    private bool Contain(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.Mark:
                _marks.Add(_stack.Count);
                return true;
            case PickleOpcode.Tuple:
                _stack.Add(new PickleTuple(PopToMark()));
                return true;
            case PickleOpcode.Tuple1 or PickleOpcode.Tuple2 or PickleOpcode.Tuple3:
                _stack.Add(new PickleTuple(Pop(opcode - PickleOpcode.Tuple1 + 1)));
                return true;
            case PickleOpcode.Append or PickleOpcode.Appends:
                PickleValue[] items = opcode == PickleOpcode.Append ? Pop(1) : PopToMark();
                Peek<PickleList>("a list").Items.AddRange(items);
                return true;
            case PickleOpcode.SetItem or PickleOpcode.SetItems:
                PickleValue[] pairs = opcode == PickleOpcode.SetItem ? Pop(2) : PopToMark();
                if (pairs.Length % 2 != 0) throw Invalid("sets a key without a value");
                PickleDict dict = Peek<PickleDict>("a dict");
                for (int i = 0; i < pairs.Length; i += 2)
                    dict.Entries.Add((pairs[i], pairs[i + 1]));
                return true;
            default:
                return false;
        }
    }

    private bool Remember(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.BinPut:
                _memo[reader.ReadByte()] = Peek();
                return true;
            case PickleOpcode.LongBinPut:
                _memo[(uint)ReadLength4()] = Peek();
                return true;
            case PickleOpcode.Memoize:
                _memo[(uint)_memo.Count] = Peek();
                return true;
            case PickleOpcode.BinGet or PickleOpcode.LongBinGet:
                uint index = opcode == PickleOpcode.BinGet ? reader.ReadByte() : (uint)ReadLength4();
                _stack.Add(_memo.TryGetValue(index, out PickleValue? value) ? value : throw Invalid($"uses its memo {index}, which was not set"));
                return true;
            default:
                return false;
        }
    }

    private void Construct(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.Proto:
                if (reader.ReadByte() is var protocol and (< 2 or > 5)) throw Invalid($"has protocol {protocol}; expected 2 to 5");
                break;
            case PickleOpcode.Frame:
                // Python reads ahead by it.
                reader.ReadBytes(8);
                break;
            case PickleOpcode.Global or PickleOpcode.Inst:
                string module = reader.ReadLine();
                _stack.Add(FindGlobal(module, reader.ReadLine()));
                if (opcode == PickleOpcode.Inst) throw Unknown(opcode);
                break;
            case PickleOpcode.StackGlobal:
                PickleValue[] names = Pop(2);
                if (names is not [PickleText of, PickleText name]) throw Invalid("names a function by something else than texts");
                _stack.Add(FindGlobal(of.Value, name.Value));
                break;
            case PickleOpcode.Reduce:
                PickleValue[] call = Pop(2);
                _stack.Add(Call(call[0] as PickleGlobal ?? throw Invalid($"calls {call[0].Kind}"), call[1] as PickleTuple ?? throw Invalid($"calls a function with {call[1].Kind}")));
                break;
            case PickleOpcode.Build:
                PickleValue state = Pop();
                Peek<PickleDict>("an OrderedDict").Attributes = state as PickleDict ?? throw Invalid($"gives an OrderedDict {state.Kind} for attributes");
                break;
            case PickleOpcode.BinPersId:
                PickleStorage storage = MakeStorage(Pop());
                _storages.Add(storage);
                _stack.Add(storage);
                break;
            default:
                throw Unknown(opcode);
        }
    }

    private PickleGlobal FindGlobal(string module, string name) => PickleGlobal.Find(module, name) ?? throw Invalid(PickleGlobal.Refusal(module, name));

    private PickleValue Call(PickleGlobal function, PickleTuple arguments)
    {
        switch (function.Function, arguments.Items)
        {
            case (PickleFunction.OrderedDict, []):
                return new PickleDict();
            case (PickleFunction.OrderedDict, [PickleList pairs]):
                return MakeDict(pairs.Items);
            case (PickleFunction.Size, [PickleTuple sides]):
                return sides;
            case (PickleFunction.RebuildTensor, [PickleStorage storage, PickleInteger offset, PickleTuple sizes, PickleTuple strides]):
                return MakeTensor(storage, offset, sizes, strides);
            case (PickleFunction.RebuildTensor2, [PickleStorage storage, PickleInteger offset, PickleTuple sizes, PickleTuple strides, PickleConstant, PickleDict or PickleConstant]):
                return MakeTensor(storage, offset, sizes, strides);
            case (PickleFunction.RebuildParameter, [PickleTensor tensor, PickleConstant, PickleDict or PickleConstant]):
                return tensor;
            default:
                string kinds = string.Join(", ", arguments.Items.Take(8).Select(a => a.Kind));
                throw Invalid($"calls {function.Function} with {arguments.Items.Length} arguments that do not fit it ({kinds})");
        }
    }

    private PickleDict MakeDict(List<PickleValue> pairs)
    {
        // The list is copied, and a pickle can name it again and again.
        Charge(pairs.Count);
        var dict = new PickleDict();
        foreach (PickleValue pair in pairs)
        {
            dict.Entries.Add(pair switch
            {
                PickleList { Items: [var key, var value] } => (key, value),
                PickleTuple { Items: [var key, var value] } => (key, value),
                _ => throw Invalid($"makes an OrderedDict of {pair.Kind}; expected pairs"),
            });
        }

        return dict;
    }

    private PickleTensor MakeTensor(PickleStorage storage, PickleInteger offset, PickleTuple sizes, PickleTuple strides)
    {
        Charge(sizes.Items.Length);
        var tensor = new PickleTensor(storage, offset.Value, Integers(sizes), Integers(strides));
        return tensor.Fault() is { } fault ? throw Invalid(fault) : tensor;
    }

    private long[] Integers(PickleTuple tuple)
    {
        if (tuple.Items.Length > MaximumSides) throw Invalid($"has a tensor of {tuple.Items.Length} dimensions; at most {MaximumSides} are read");
        return [.. tuple.Items.Select(i => i is PickleInteger integer ? integer.Value : throw Invalid($"has {i.Kind} for a size or stride"))];
    }

    /// <summary>
    /// What stands for a storage: ('storage', type, key, device, count), and in old files the view of it, None or (key,
    /// offset, count).
    /// </summary>
    private PickleStorage MakeStorage(PickleValue id)
    {
        if (id is not PickleTuple { Items: [PickleText { Value: "storage" }, PickleGlobal { Function: PickleFunction.Storage } type, PickleText key, PickleText, PickleInteger total, ..] } tuple)
            throw Invalid($"refers to {id.Kind} outside of it that is no description of a storage");
        if (total.Value < 0 || total.Value > long.MaxValue / type.Type.Size())
            throw Invalid($"has a storage {BoundedText.Quote(key.Value)} of {total.Value} elements");
        switch (tuple.Items[5..])
        {
            case [] or [PickleConstant]:
                return new PickleStorage(type.Type, key.Value, total.Value, 0, total.Value);
            case [PickleTuple { Items: [PickleText, PickleInteger start, PickleInteger count] }]:
                if (start.Value < 0 || count.Value < 0 || count.Value > total.Value - start.Value)
                    throw Invalid($"has a view of {count.Value} elements from {start.Value} on, of a storage {BoundedText.Quote(key.Value)} of {total.Value}");
                return new PickleStorage(type.Type, key.Value, total.Value, start.Value, count.Value);
            default:
                throw Invalid($"has a view of storage {BoundedText.Quote(key.Value)} that is no key, offset and count");
        }
    }

    private PickleInteger ReadLong(long length)
    {
        if (length > sizeof(long)) throw Invalid($"has an integer of {length} bytes; none of a state dict has more than 8");
        ReadOnlySpan<byte> bytes = reader.ReadBytes(length);
        long value = length > 0 && (bytes[^1] & 0x80) != 0 ? -1 : 0;
        for (int i = bytes.Length - 1; i >= 0; i--)
            value = (value << 8) | bytes[i];
        return new PickleInteger(value);
    }

    private PickleConstant ReadBytes(long length)
    {
        reader.ReadBytes(length);
        return PickleConstant.Bytes;
    }

    private long ReadLength4() => BinaryPrimitives.ReadUInt32LittleEndian(reader.ReadBytes(4));

    private long ReadLength8() => (long)Math.Min(BinaryPrimitives.ReadUInt64LittleEndian(reader.ReadBytes(8)), long.MaxValue);

    private PickleValue Peek() => _stack.Count > Floor ? _stack[^1] : throw Underflow();

    private T Peek<T>(string expected)
        where T : PickleValue
        => Peek() is var value && value is T wanted ? wanted : throw Invalid($"adds to {value.Kind} as if to {expected}");

    private PickleValue Pop() => Pop(1)[0];

    private PickleValue[] Pop(int count)
    {
        if (_stack.Count - Floor < count) throw Underflow();
        PickleValue[] values = CollectionsMarshal.AsSpan(_stack)[^count..].ToArray();
        _stack.RemoveRange(_stack.Count - count, count);
        return values;
    }

    private PickleValue[] PopToMark()
    {
        if (_marks.Count == 0) throw Invalid("goes back to a mark that it did not set");
        PickleValue[] values = Pop(_stack.Count - Floor);
        _marks.RemoveAt(_marks.Count - 1);
        return values;
    }

    /// <summary>What lies below it is closed off by the last mark.</summary>
    private int Floor => _marks.Count == 0 ? 0 : _marks[^1];

    private void Charge(int steps)
    {
        if ((_steps += steps) > MaximumSteps)
            throw Invalid($"takes more than {MaximumSteps} steps, which no state dict needs");
    }

    private InvalidFileException Underflow() => Invalid("takes more values than it made");

    private InvalidFileException Unknown(PickleOpcode opcode) =>
        Invalid($"has the instruction 0x{(byte)opcode:x2}, which no state dict needs (PyTorch writes protocol 2)");

    private InvalidFileException Invalid(string problem) => reader.Invalid(_start, problem);
}
