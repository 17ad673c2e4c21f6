using System.Text.Json;
using DeepLab.IO;

namespace DeepLab.Data;

public sealed partial record DatasetReport
{
    /// <summary>
    /// The report as a JSON object: <c>source</c>, <c>listed</c>, <c>usable</c>, <c>heights</c> and <c>widths</c>
    /// (<c>{minimum, median, maximum}</c> or null), <c>distinctSizes</c>, <c>pixels</c>,
    /// <c>classes: [{label, name, pixels, images}]</c>, <c>ignored</c> (the same) and
    /// <c>problems: [{level, kind, message}]</c>.
    /// </summary>
    public string ToJson() => JsonText.Of(Write);

    private void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("source", Source);
        json.WriteNumber("listed", Listed);
        json.WriteNumber("usable", Usable);
        WriteSide(json, "heights", Heights);
        WriteSide(json, "widths", Widths);
        json.WriteNumber("distinctSizes", DistinctSizes);
        json.WriteNumber("pixels", Pixels);
        json.WriteStartArray("classes");
        foreach (ClassOccurrence occurrence in Classes) WriteOccurrence(json, occurrence);
        json.WriteEndArray();
        json.WritePropertyName("ignored");
        WriteOccurrence(json, Ignored);
        json.WriteStartArray("problems");
        foreach (DatasetProblem problem in Problems)
        {
            json.WriteStartObject();
            json.WriteString("level", problem.Level == AdviceLevel.Error ? "error" : "warning");
            json.WriteString("kind", JsonNamingPolicy.CamelCase.ConvertName(problem.Kind.ToString()));
            json.WriteString("message", problem.Message);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteSide(Utf8JsonWriter json, string name, SideSummary? side)
    {
        if (side is null)
        {
            json.WriteNull(name);
            return;
        }

        json.WriteStartObject(name);
        json.WriteNumber("minimum", side.Minimum);
        json.WriteNumber("median", side.Median);
        json.WriteNumber("maximum", side.Maximum);
        json.WriteEndObject();
    }

    private static void WriteOccurrence(Utf8JsonWriter json, ClassOccurrence occurrence)
    {
        json.WriteStartObject();
        json.WriteNumber("label", occurrence.Label);
        json.WriteString("name", occurrence.Name);
        json.WriteNumber("pixels", occurrence.Pixels);
        json.WriteNumber("images", occurrence.Images);
        json.WriteEndObject();
    }
}
