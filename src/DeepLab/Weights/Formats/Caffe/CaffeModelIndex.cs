using DeepLab.IO;
using DeepLab.Tensors;
using Google.Protobuf;

namespace DeepLab.Weights.Formats.Caffe;

/// <summary>A blob of a layer, and where its elements lie in the file, one after another.</summary>
internal readonly record struct CaffeBlob(TensorInfo Tensor, long Offset);

/// <summary>
/// What a binary NetParameter holds, by the field numbers of Caffe's public caffe.proto: the blobs of all layers,
/// current (LayerParameter) and older (V1LayerParameter). Elements are not read. The walk goes down exactly four levels
/// (net, layer, blob, shape); its allocations are bounded by the file's length and by the limits below.
/// </summary>
internal sealed class CaffeModelIndex
{
    // Networks have thousands of blobs, layers a handful, blobs four sides; Caffe itself stops at 32 sides.
    private const int MaximumBlobs = 65_536, MaximumBlobsOfLayer = 64, MaximumSides = 32;

    // NetParameter, and the two kinds of layer.
    private const int NetName = 1, NetV1Layer = 2, NetLayer = 100;
    private const int V1Name = 4, V1Blobs = 6, V1OldestLayer = 1;
    private const int LayerName = 1, LayerBlobs = 7;

    // BlobProto and BlobShape.
    private const int BlobNum = 1, BlobWidth = 4, BlobData = 5, BlobShape = 7, BlobDoubleData = 8, ShapeSide = 1;

    private readonly ProtobufFields _fields;
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly List<ProtobufField> _blobsOfLayer = [];

    private CaffeModelIndex(FileBytes bytes)
    {
        _fields = new ProtobufFields(bytes);
        int layers = 0;
        ProtobufField? name = null;
        ProtobufField field;
        for (long at = 0; at < bytes.Length; at = field.End)
        {
            field = _fields.Read(at, bytes.Length);
            if (field.Number == NetName)
            {
                name = field;
            }
            else if (field.Number is NetLayer or NetV1Layer)
            {
                ReadLayer(field);
                layers++;
            }
        }

        if (Blobs.Count == 0)
            throw new InvalidFileException(bytes.Path, $"not a Caffe model with weights: it has {layers} layers and none with blobs; give a .caffemodel of a trained network");
        if (name is { } text) Name = _fields.ReadText(text, "the network's name");
    }

    /// <summary>The network's name, or an empty text.</summary>
    public string Name { get; } = "";

    /// <summary>The blobs, in the file's order, named <c>layer[index]</c>.</summary>
    public List<CaffeBlob> Blobs { get; } = [];

    /// <exception cref="InvalidFileException">The file is not a Caffe model, or breaks a rule of the
    /// format.</exception>
    public static CaffeModelIndex Read(FileBytes bytes) => new(bytes);

    private void ReadLayer(ProtobufField layer)
    {
        _fields.Require(layer, WireFormat.WireType.LengthDelimited, "a layer");
        bool current = layer.Number == NetLayer;
        ProtobufField? nameField = null;
        _blobsOfLayer.Clear();
        ProtobufField field;
        for (long at = layer.Offset; at < layer.End; at = field.End)
        {
            field = _fields.Read(at, layer.End);
            if (field.Number == (current ? LayerName : V1Name))
                nameField = field;
            else if (field.Number == (current ? LayerBlobs : V1Blobs))
                _blobsOfLayer.Add(field);
            else if (!current && field.Number == V1OldestLayer)
                throw _fields.Invalid(field.Start, "a layer is written in Caffe's first format (V0); convert the file with Caffe's upgrade_net_proto_binary");
            if (_blobsOfLayer.Count > MaximumBlobsOfLayer)
                throw _fields.Invalid(layer.Start, $"a layer has more than {MaximumBlobsOfLayer} blobs");
        }

        // The name may come after the blobs, so only now can errors mention it. Layers without blobs never matter.
        if (_blobsOfLayer.Count == 0) return;
        string name = nameField is { } text ? _fields.ReadText(text, "a layer's name") : "";
        if (name.Length == 0) throw _fields.Invalid(layer.Start, "a layer has blobs and no name");
        if (!_names.Add(name)) throw _fields.Invalid(layer.Start, $"a second layer of the name {BoundedText.Quote(name)} has blobs; expected each name once");
        if (Blobs.Count + _blobsOfLayer.Count > MaximumBlobs) throw _fields.Invalid(layer.Start, $"the layers have more than {MaximumBlobs} blobs together");
        for (int i = 0; i < _blobsOfLayer.Count; i++)
            Blobs.Add(ReadBlob(_blobsOfLayer[i], $"{name}[{i}]"));
    }

    private CaffeBlob ReadBlob(ProtobufField blob, string name)
    {
        string quoted = BoundedText.Quote(name);
        _fields.Require(blob, WireFormat.WireType.LengthDelimited, $"blob {quoted}");
        var shape = new List<long>(4);
        long[]? oldShape = null;
        ProtobufField? data = null;
        ProtobufField field;
        for (long at = blob.Offset; at < blob.End; at = field.End)
        {
            field = _fields.Read(at, blob.End);
            switch (field.Number)
            {
                case BlobShape:
                    ReadShape(field, shape, quoted);
                    break;
                case >= BlobNum and <= BlobWidth:
                    _fields.Require(field, WireFormat.WireType.Varint, $"a side of blob {quoted}");
                    (oldShape ??= new long[4])[field.Number - BlobNum] = Side(field.Value, field.Start, quoted);
                    break;
                case BlobData or BlobDoubleData:
                    if (field.Type != WireFormat.WireType.LengthDelimited)
                        throw _fields.Invalid(field.Start, $"the elements of blob {quoted} are of wire type {(int)field.Type}; expected them packed, of wire type 2, as Caffe writes them");
                    if (data is not null)
                        throw _fields.Invalid(field.Start, $"the elements of blob {quoted} come in more than one part; expected one");
                    data = field;
                    break;
            }
        }

        // If a file has both, the old one wins, as in Caffe.
        return Checked(name, quoted, oldShape ?? [.. shape], data, blob);
    }

    private void ReadShape(ProtobufField message, List<long> shape, string quoted)
    {
        _fields.Require(message, WireFormat.WireType.LengthDelimited, $"the shape of blob {quoted}");
        ProtobufField field;
        for (long at = message.Offset; at < message.End; at = field.End)
        {
            field = _fields.Read(at, message.End);
            if (field.Number != ShapeSide) continue;

            // Packed, as Caffe writes them, or one per field: the format lets a writer choose.
            bool packed = field.Type == WireFormat.WireType.LengthDelimited;
            if (!packed) _fields.Require(field, WireFormat.WireType.Varint, $"a side of blob {quoted}");
            foreach (ulong side in packed ? _fields.ReadVarints(field.Offset, field.End) : [field.Value])
            {
                if (shape.Count == MaximumSides) throw _fields.Invalid(field.Start, $"blob {quoted} has more than {MaximumSides} sides");
                shape.Add(Side(side, field.Start, quoted));
            }
        }
    }

    private long Side(ulong value, long position, string quoted) => value <= long.MaxValue
        ? (long)value
        : throw _fields.Invalid(position, $"blob {quoted} has the side {(long)value}; expected 0 or more");

    private CaffeBlob Checked(string name, string quoted, long[] shape, ProtobufField? data, ProtobufField blob)
    {
        string ShapeText() => $"[{string.Join(", ", shape)}]";
        long count = 1;
        try
        {
            foreach (long side in shape)
                count = checked(count * side);
        }
        catch (OverflowException)
        {
            throw _fields.Invalid(blob.Start, $"blob {quoted} has the shape {ShapeText()}, whose product overflows");
        }

        (TensorType type, long length) = data is { } field
            ? (field.Number == BlobData ? TensorType.F32 : TensorType.F64, field.Length)
            : (TensorType.F32, 0);
        if (length == 0 && count > 0)
            throw _fields.Invalid(blob.Start, $"blob {quoted} of shape {ShapeText()} holds no elements: the file was saved without weights");
        if (length % type.Size() != 0 || length / type.Size() != count)
            throw _fields.Invalid(data?.Start ?? blob.Start, $"blob {quoted} holds {length} bytes of {type}, but its shape {ShapeText()} needs {count} elements of {type.Size()} bytes");
        return new CaffeBlob(new TensorInfo(name, type, Array.AsReadOnly(shape)), data?.Offset ?? blob.Offset);
    }
}
