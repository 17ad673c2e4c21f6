using System.Diagnostics.CodeAnalysis;
using DeepLab.Weights;

namespace DeepLab.Tests.Weights.Naming;

/// <summary>
/// A Caffe model that holds names and shapes only: its values are generated from the names on reading, those of a
/// smaller scale from the first scale's names. Tests may change it before use.
/// </summary>
internal sealed class FakeCaffeModel : ITensorFile
{
    private static readonly string[] s_scales = ["", "_res075", "_res05"];

    /// <summary>Blobs by name.</summary>
    public OrderedDictionary<string, long[]> Shapes { get; } = [];

    /// <summary>Blobs whose elements all have one value.</summary>
    public Dictionary<string, float> Constants { get; } = [];

    public string Path => "model";

    public string Format => "Caffe";

    public IReadOnlyList<TensorInfo> Tensors => [.. Shapes.Select(s => new TensorInfo(s.Key, TensorType.F32, s.Value))];

    public IReadOnlyDictionary<string, string> Metadata { get; } = new Dictionary<string, string>();

    /// <summary>
    /// All blobs of a network, as the authors named them: blocks are lettered, or numbered in stages 3 and 4.
    /// </summary>
    public static FakeCaffeModel Of(int depth, int classes = 3, bool threeScales = false, bool? lettered = null, string? head = "fc1_voc12")
    {
        var model = new FakeCaffeModel();
        foreach (string scale in threeScales ? s_scales : s_scales[..1])
            model.AddNetwork(depth, classes, lettered ?? depth < 100, head, scale);
        return model;
    }

    public bool TryGet(string name, [NotNullWhen(true)] out TensorInfo? tensor)
    {
        tensor = Shapes.TryGetValue(name, out long[]? shape) ? new TensorInfo(name, TensorType.F32, shape) : null;
        return tensor is not null;
    }

    public void ReadSingle(string name, Span<float> target) => Values(name, target.Length).CopyTo(target);

    /// <summary>What <see cref="ReadSingle"/> reads.</summary>
    public float[] Values(string name, int count)
    {
        if (Constants.TryGetValue(name, out float constant))
        {
            var values = new float[count];
            values.AsSpan().Fill(constant);
            return values;
        }

        return HashUniform.Values("caffe", name.Replace("_res075", "").Replace("_res05", ""), count);
    }

    public void Dispose()
    {
    }

    private void AddNetwork(int depth, int classes, bool lettered, string? head, string scale)
    {
        int[] blocks = GoldenWeights.BlocksPerStage(depth);
        bool bottlenecks = depth >= 50;
        AddConvolution("conv1", "bn_conv1", "scale_conv1", scale, 64, 3, 7);
        int input = 64;
        for (int stage = 2; stage <= 5; stage++)
        {
            int width = 32 << (stage - 1), output = bottlenecks ? 4 * width : width;
            for (int block = 0; block < blocks[stage - 2]; block++)
            {
                bool numbered = !lettered && (stage is 3 or 4);
                string name = stage + (block == 0 || !numbered ? $"{(char)('a' + block)}" : $"b{block}") + "_branch";
                if (block == 0 && (bottlenecks || stage > 2)) Add("1", output, input, 1);
                Add("2a", width, input, bottlenecks ? 1 : 3);
                Add("2b", width, width, 3);
                if (bottlenecks) Add("2c", output, width, 1);
                input = output;

                void Add(string branch, int channels, int from, int kernel) =>
                    AddConvolution($"res{name}{branch}", $"bn{name}{branch}", $"scale{name}{branch}", scale, channels, from, kernel);
            }
        }

        for (int i = 0; i < 4 && head is not null; i++)
        {
            Shapes.Add($"{head}{scale}_c{i}[0]", [classes, input, 3, 3]);
            Shapes.Add($"{head}{scale}_c{i}[1]", [classes]);
        }
    }

    private void AddConvolution(string convolution, string norm, string scaling, string scale, int output, int input, int kernel)
    {
        Shapes.Add($"{convolution}{scale}[0]", [output, input, kernel, kernel]);
        Shapes.Add($"{norm}{scale}[0]", [output]);
        Shapes.Add($"{norm}{scale}[1]", [output]);
        Shapes.Add($"{norm}{scale}[2]", [1]);
        Shapes.Add($"{scaling}{scale}[0]", [output]);
        Shapes.Add($"{scaling}{scale}[1]", [output]);
    }
}
