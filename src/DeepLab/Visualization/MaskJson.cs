using System.Text.Encodings.Web;
using System.Text.Json;
using DeepLab.Imaging;

namespace DeepLab.Visualization;

/// <summary>
/// A label map as a JSON file in COCO's format, which <c>pycocotools.coco.COCO</c> loads: <c>images</c> with one image
/// of id 1, <c>categories</c> with the classes by index, and <c>annotations</c>, one for each class present:
/// <c>{id, image_id, category_id, category_name, area, bbox: [x, y, width, height], iscrowd: 0, segmentation: {size: [height, width], counts}}</c>.
/// </summary>
public static class MaskJson
{
    /// <summary>The file's bytes, UTF-8 with a line feed at the end.</summary>
    /// <param name="labels">The labels; those without a name, such as 255, are left out.</param>
    /// <param name="imageName">The image's <c>file_name</c>.</param>
    /// <param name="classNames">The names of the classes by index.</param>
    /// <param name="compressed">
    /// Whether <c>counts</c> is COCO's text (<see cref="RunLengths.Compressed"/>) or an array of the run lengths.
    /// </param>
    public static byte[] Encode(LabelMap labels, string imageName, IReadOnlyList<string> classNames, bool compressed)
    {
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentNullException.ThrowIfNull(imageName);
        ArgumentNullException.ThrowIfNull(classNames);
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteStartArray("images");
            json.WriteStartObject();
            json.WriteNumber("id", 1);
            json.WriteString("file_name", imageName);
            json.WriteNumber("width", labels.Width);
            json.WriteNumber("height", labels.Height);
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteStartArray("categories");
            for (int i = 0; i < classNames.Count; i++)
            {
                json.WriteStartObject();
                json.WriteNumber("id", i);
                json.WriteString("name", classNames[i]);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartArray("annotations");
            int id = 0;
            foreach (RunLengths mask in RunLengths.Of(labels).Where(m => m.Label < classNames.Count))
                Write(json, mask, ++id, labels, classNames[mask.Label], compressed);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }

    private static void Write(Utf8JsonWriter json, RunLengths mask, int id, LabelMap labels, string name, bool compressed)
    {
        json.WriteStartObject();
        json.WriteNumber("id", id);
        json.WriteNumber("image_id", 1);
        json.WriteNumber("category_id", mask.Label);
        json.WriteString("category_name", name);
        json.WriteNumber("area", mask.Area);
        WriteNumbers(json, "bbox", [mask.Left, mask.Top, mask.Width, mask.Height]);
        json.WriteNumber("iscrowd", 0);
        json.WriteStartObject("segmentation");
        WriteNumbers(json, "size", [labels.Height, labels.Width]);
        if (compressed) json.WriteString("counts", mask.Compressed());
        else WriteNumbers(json, "counts", mask.Counts);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, IEnumerable<int> numbers)
    {
        json.WriteStartArray(name);
        foreach (int number in numbers) json.WriteNumberValue(number);
        json.WriteEndArray();
    }
}
