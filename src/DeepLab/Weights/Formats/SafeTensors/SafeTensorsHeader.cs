using System.Globalization;
using System.Text;
using System.Text.Json;
using DeepLab.IO;
using DeepLab.Tensors;

namespace DeepLab.Weights.Formats.SafeTensors;

/// <summary>A tensor and where its data begin and end, in bytes from the end of the header.</summary>
internal sealed record SafeTensorsEntry(TensorInfo Tensor, long Begin, long End);

/// <summary>
/// Reads the JSON header of a .safetensors file with the rules of the format's own reader, and one more: no name twice.
/// It streams over tokens, so what it allocates is bounded by the header's length.
/// </summary>
internal static class SafeTensorsHeader
{
    /// <summary>The longest header that the format allows, in bytes.</summary>
    public const long MaximumLength = 100_000_000;

    /// <summary>Parses a header and checks it against the number of bytes of data that follow.</summary>
    /// <exception cref="InvalidFileException">The header breaks a rule; <paramref name="path"/> is named.</exception>
    public static (List<SafeTensorsEntry> Tensors, Dictionary<string, string> Metadata) Parse(ReadOnlySpan<byte> json, long dataLength, string path)
    {
        var tensors = new List<SafeTensorsEntry>();
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            if (json.Length == 0 || json[0] != (byte)'{')
                throw Invalid(path, "the header does not start with '{'");
            var names = new HashSet<string>(StringComparer.Ordinal);
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 4 });
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                string name = reader.GetString()!;
                if (!names.Add(name)) throw Invalid(path, $"the header has {BoundedText.Quote(name)} twice");
                reader.Read();
                if (name == "__metadata__")
                    ReadMetadata(ref reader, metadata, path);
                else
                    tensors.Add(ReadTensor(ref reader, name, path));
            }

            // Past the closing brace only white space may follow: reading on throws for anything else.
            reader.Read();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or DecoderFallbackException)
        {
            throw new InvalidFileException(path, $"the safetensors header is no valid JSON: {BoundedText.OneLine(e.Message, 300)}", e);
        }

        CheckLayout(tensors, dataLength, path);
        return (tensors, metadata);
    }

    private static void ReadMetadata(ref Utf8JsonReader reader, Dictionary<string, string> metadata, string path)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw Invalid(path, "__metadata__ is no object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.String) throw Invalid(path, $"__metadata__ {BoundedText.Quote(key)} is no string");
            if (!metadata.TryAdd(key, reader.GetString()!)) throw Invalid(path, $"__metadata__ has {BoundedText.Quote(key)} twice");
        }
    }

    private static SafeTensorsEntry ReadTensor(ref Utf8JsonReader reader, string name, string path)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw Invalid(path, $"the entry of tensor {BoundedText.Quote(name)} is no object");
        TensorType? type = null;
        List<long>? shape = null, offsets = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = reader.GetString()!;
            reader.Read();
            switch (key)
            {
                case "dtype" when type is null && reader.TokenType == JsonTokenType.String:
                    string typeName = reader.GetString()!;
                    if (!TensorTypes.TryParse(typeName, out TensorType parsed))
                        throw Invalid(path, $"tensor {BoundedText.Quote(name)} has the unknown dtype {BoundedText.Quote(typeName)}");
                    type = parsed;
                    break;
                case "shape" when shape is null:
                    shape = ReadIntegers(ref reader, name, key, path);
                    break;
                case "data_offsets" when offsets is null:
                    offsets = ReadIntegers(ref reader, name, key, path);
                    break;
                default:
                    throw Invalid(path, $"tensor {BoundedText.Quote(name)} has a wrong or repeated entry {BoundedText.Quote(key)}; expected dtype, shape and data_offsets, once each");
            }
        }

        if (type is null || shape is null || offsets is null)
            throw Invalid(path, $"tensor {BoundedText.Quote(name)} lacks one of dtype, shape and data_offsets");
        if (offsets.Count != 2) throw Invalid(path, $"tensor {BoundedText.Quote(name)} has {offsets.Count} data_offsets; expected 2");
        long bytes;
        try
        {
            bytes = type.Value.Size();
            foreach (long side in shape)
                bytes = checked(bytes * side);
        }
        catch (OverflowException)
        {
            throw Invalid(path, $"tensor {BoundedText.Quote(name)} has a shape whose product overflows");
        }

        // Both are non-negative, so the difference cannot overflow.
        if (offsets[1] - offsets[0] != bytes)
        {
            throw Invalid(path, $"tensor {BoundedText.Quote(name)} spans {offsets[1] - offsets[0]} bytes by its data_offsets, but its dtype and shape need {bytes}");
        }

        return new SafeTensorsEntry(new TensorInfo(name, type.Value, shape.AsReadOnly()), offsets[0], offsets[1]);
    }

    private static List<long> ReadIntegers(ref Utf8JsonReader reader, string name, string key, string path)
    {
        if (reader.TokenType != JsonTokenType.StartArray) throw Invalid(path, $"{key} of tensor {BoundedText.Quote(name)} is no array");
        var values = new List<long>(4);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out long value) || value < 0)
                throw Invalid(path, $"{key} of tensor {BoundedText.Quote(name)} holds something else than integers from 0 to 2^63 - 1");
            values.Add(value);
        }

        return values;
    }

    /// <summary>Tensors must lie end to end: no overlap, no hole, nothing missing and nothing left over.</summary>
    private static void CheckLayout(List<SafeTensorsEntry> tensors, long dataLength, string path)
    {
        long position = 0;
        foreach (SafeTensorsEntry tensor in tensors.OrderBy(t => t.Begin).ThenBy(t => t.End))
        {
            if (tensor.Begin != position)
            {
                string fault = tensor.Begin < position ? "overlap those before them" : "leave a hole before them";
                throw Invalid(path, $"the data of tensor {BoundedText.Quote(tensor.Tensor.Name)} begin at {tensor.Begin} and {fault}; expected {position}");
            }

            position = tensor.End;
        }

        if (position != dataLength)
        {
            string advice = position > dataLength ? "; the file is cut short: fetch or write it again" : "";
            throw Invalid(path, $"the header describes {position.ToString(CultureInfo.InvariantCulture)} bytes of data, but {dataLength} follow it{advice}");
        }
    }

    private static InvalidFileException Invalid(string path, string problem) => new(path, $"not a valid safetensors file: {problem}");
}
