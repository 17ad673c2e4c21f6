using System.Text.Json;
using DeepLab.Layers;
using DeepLab.Reports;
using DeepLab.Tensors;
using DeepLab.Tests.Oracle;
using DeepLab.Weights.Formats.SafeTensors;

namespace DeepLab.Tests.Layers;

/// <summary>
/// One case of a golden file of layers: its settings, its inputs (generated from their names) and the oracle's results.
/// </summary>
internal sealed class GoldenCase
{
    private readonly SafeTensorsFile _file;
    private readonly JsonElement _settings;

    public GoldenCase(string file, string name)
    {
        _file = Open(file);
        Name = name;
        _settings = JsonDocument.Parse(_file.Metadata[name]).RootElement;
    }

    public string Name { get; }

    public string Kind => _settings.GetProperty("kind").GetString()!;

    public static IEnumerable<string> NamesIn(string file) => Open(file).Metadata.Keys;

    public bool Has(string input) => _settings.GetProperty("inputs").TryGetProperty(input, out _);

    public bool Flag(string setting) => _settings.GetProperty(setting).GetBoolean();

    public int Number(string setting) => _settings.GetProperty(setting).GetInt32();

    public int[] Numbers(string setting) => [.. _settings.GetProperty(setting).EnumerateArray().Select(v => v.GetInt32())];

    /// <summary>The dimensions of an input or the output, in PyTorch's order.</summary>
    public int[] Sides(string input) => input == "y"
        ? Numbers("output")
        : [.. _settings.GetProperty("inputs").GetProperty(input).EnumerateArray().Select(v => v.GetInt32())];

    /// <summary>The batch that a four-dimensional input is: maps of one size.</summary>
    public RaggedShape Shape(string input)
    {
        int[] sides = Sides(input);
        return new RaggedShape([.. Enumerable.Repeat(new MapSize(sides[2], sides[3]), sides[0])], sides[1]);
    }

    /// <summary>An input of maps, as rows of channels.</summary>
    public double[] Maps(string input, double scale = 1) =>
        Rows([.. HashUniform.Values(Name, input, Product(Sides(input)), u => u * scale).Select(v => (double)v)], Sides(input));

    /// <summary>The gradient of the output.</summary>
    public double[] OutputGradient() => Rows([.. HashUniform.Values(Name, "dy", Product(Sides("y"))).Select(v => (double)v)], Sides("y"));

    /// <summary>A convolution's weights or bias.</summary>
    public float[] Quarter(string input) => HashUniform.Values(Name, input, Product(Sides(input)), u => u / 4);

    /// <summary>A stored result of maps like those of <paramref name="like"/>, as rows of channels.</summary>
    public double[] ExpectedMaps(string result, string like) => Rows(_file.ReadDouble($"{Name}.{result}"), Sides(like));

    /// <summary>A stored result as it is.</summary>
    public double[] Expected(string result) => _file.ReadDouble($"{Name}.{result}");

    /// <summary>
    /// Sets a convolution's weights and what follows it. On the oracle, batch norm is folded in double.
    /// </summary>
    public void Fill(Conv conv, string weight, string? batchNorm, string? bias = null)
    {
        conv.Weight.CopyFrom(Quarter(weight));
        if (bias is not null) conv.Bias!.CopyFrom(Quarter(bias));
        if (batchNorm is null || conv.BatchNorm is not { } norm) return;
        int channels = norm.Gamma.Length;
        norm.Gamma.CopyFrom(HashUniform.Values(Name, $"{batchNorm}.weight", channels, u => 1 + (0.2 * u)));
        norm.Beta.CopyFrom(HashUniform.Values(Name, $"{batchNorm}.bias", channels, u => 0.1 * u));
        norm.Mean.CopyFrom(HashUniform.Values(Name, $"{batchNorm}.running_mean", channels, u => 0.1 * u));
        norm.Variance.CopyFrom(HashUniform.Values(Name, $"{batchNorm}.running_var", channels, u => 1 + (0.3 * u)));
        if (norm.Scale.Buffer is DoubleBuffer) FoldInDouble(norm);
    }

    private static void FoldInDouble(BatchNorm norm)
    {
        float[] gamma = norm.Gamma.ToArray(), beta = norm.Beta.ToArray(), mean = norm.Mean.ToArray(), variance = norm.Variance.ToArray();
        for (int i = 0; i < gamma.Length; i++)
        {
            double scale = gamma[i] / Math.Sqrt((double)variance[i] + 1e-5);
            DoubleBackend.Values(norm.Scale)[i] = scale;
            DoubleBackend.Values(norm.Shift)[i] = beta[i] - (mean[i] * scale);
        }
    }

    private static SafeTensorsFile Open(string file) =>
        SafeTensorsFile.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", "network", file + ".safetensors")), file);

    private static int Product(int[] sides) => sides.Aggregate(1, (a, b) => a * b);

    private static double[] Rows(double[] nchw, int[] sides)
    {
        int maps = sides[0], channels = sides[1], pixels = sides[2] * sides[3];
        var rows = new double[nchw.Length];
        for (int map = 0; map < maps; map++)
        {
            for (int c = 0; c < channels; c++)
            {
                for (int p = 0; p < pixels; p++) rows[(((map * pixels) + p) * channels) + c] = nchw[(((map * channels) + c) * pixels) + p];
            }
        }

        return rows;
    }
}
