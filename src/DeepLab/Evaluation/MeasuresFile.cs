using System.Text.Json;
using DeepLab.IO;

namespace DeepLab.Evaluation;

/// <summary>Reads what <see cref="EvaluationReport.ToJson"/> wrote.</summary>
internal static class MeasuresFile
{
    private const long LargestFile = 64 << 20;
    private const int DeepestNesting = 16, MostReports = 100_000;

    /// <summary>Reads the measures of a file; properties that it does not know are skipped.</summary>
    /// <exception cref="InvalidFileException">
    /// It cannot be read, is larger than 64 MiB, or is not what an evaluation writes.
    /// </exception>
    public static IReadOnlyList<EvaluationReport> Load(string path)
    {
        byte[] bytes;
        try
        {
            long length = new FileInfo(path).Length;
            if (length > LargestFile) throw new InvalidFileException(path, $"is {length} bytes large, expected measures of at most {LargestFile}");
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidFileException(path, $"cannot be read: {e.Message}", e);
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = DeepestNesting });
            if (document.RootElement.ValueKind != JsonValueKind.Array) throw NotMeasures(path, "it is no array");
            int count = document.RootElement.GetArrayLength();
            if (count > MostReports) throw NotMeasures(path, $"it has {count} entries, more than {MostReports}");
            return [.. document.RootElement.EnumerateArray().Select((entry, i) => Read(entry, path, i + 1))];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw NotMeasures(path, $"it is no valid JSON: {BoundedText.OneLine(e.Message, 300)}");
        }
    }

    private static EvaluationReport Read(JsonElement entry, string path, int number)
    {
        JsonElement Property(JsonElement of, string name, JsonValueKind kind) =>
            of.ValueKind == JsonValueKind.Object && of.TryGetProperty(name, out JsonElement value) && value.ValueKind == kind
                ? value
                : throw NotMeasures(path, $"entry {number} has no {name} that is {(kind == JsonValueKind.String ? "a text" : "an array")}");

        double Share(JsonElement of, string name)
        {
            if (of.ValueKind == JsonValueKind.Object && of.TryGetProperty(name, out JsonElement value))
            {
                if (value.ValueKind == JsonValueKind.Null) return double.NaN;
                if (value.ValueKind == JsonValueKind.Number && value.GetDouble() is >= 0 and <= 1 and double share) return share;
            }

            throw NotMeasures(path, $"entry {number} has no {name} from 0 to 1");
        }

        return new EvaluationReport(
            Property(entry, "weights", JsonValueKind.String).GetString()!,
            Share(entry, "meanIoU"),
            Share(entry, "perImageMeanIoU"),
            Share(entry, "pixelAccuracy"),
            Share(entry, "meanAccuracy"),
            Share(entry, "frequencyWeightedIoU"),
            [.. Property(entry, "classes", JsonValueKind.Array).EnumerateArray().Select(c => new ClassIoU(Property(c, "name", JsonValueKind.String).GetString()!, Share(c, "iou")))]);
    }

    private static InvalidFileException NotMeasures(string path, string problem) =>
        new(path, $"{problem}; expected the measures of an evaluation") { Remedy = new Remedy(RemedyKind.Measures) };
}
