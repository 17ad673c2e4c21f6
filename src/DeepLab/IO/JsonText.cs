using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace DeepLab.IO;

/// <summary>JSON for files that people read too: indented, ending in a line feed.</summary>
internal static class JsonText
{
    // The files are no part of a web page, so paths and names stay readable: only what JSON itself asks for is escaped.
    private static readonly JsonWriterOptions s_options = new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The text of what <paramref name="write"/> writes.</summary>
    public static string Of(Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, s_options)) write(json);
        return Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }
}
