using DeepLab.Cli;
using Xunit;

namespace DeepLab.Tests.Architecture;

/// <summary>The folders of the library refer to each other exactly as the list in <c>docs/architecture.md</c> says.</summary>
public sealed class LayeringTests
{
    /// <summary>References that are not in the list and still exist. The test fails once one of them is gone.</summary>
    private static readonly string[] s_unlisted =
    [
        // The element types of arrays belong where arrays are read: IO.
        "DeepLab.IO.FileBytes -> DeepLab.Weights.TensorType",

        // madvise belongs beside the mapping of files: IO.
        "DeepLab.IO.FileMapping -> DeepLab.Cpu.MemoryAdvice",

        // The map from colours to labels belongs beside Palette: Imaging.
        "DeepLab.Imaging.LabelMap -> DeepLab.Data.LabelColors",

        // The instruction sets, and which of them the machine has, belong beside the SIMD lanes: Cpu.
        "DeepLab.Crf.DenseCrf -> DeepLab.Backends.Cpu.CpuBackend",
        "DeepLab.Crf.DenseCrf -> DeepLab.Backends.Cpu.InstructionSet",

        // Predicting does not draw: the command that draws can warm up drawing itself.
        "DeepLab.Inference.WarmUp -> DeepLab.Visualization.Overlay",
    ];

    /// <summary>References from outside <c>Backends</c> to the classes of one device that still exist.</summary>
    private static readonly string[] s_namingDevices =
    [
        "DeepLab.Cli.BenchCommand -> DeepLab.Backends.Cpu.CpuBackend",
        "DeepLab.Cli.DemoCommand -> DeepLab.Backends.Cpu.CpuBackend",
        "DeepLab.Cli.InfoCommand -> DeepLab.Backends.Cpu.CpuBackend",
        "DeepLab.Cli.InfoCommand -> DeepLab.Backends.Cpu.InstructionSet",
        "DeepLab.Cli.InitCommand -> DeepLab.Backends.Cpu.CpuBackend",
        "DeepLab.Cli.InitCommand -> DeepLab.Backends.Cpu.InstructionSet",
        "DeepLab.Cli.RuntimeArguments -> DeepLab.Backends.Cpu.CpuBackend",
        "DeepLab.Cli.RuntimeArguments -> DeepLab.Backends.Cpu.InstructionSet",
        "DeepLab.Cli.TrainCommand -> DeepLab.Backends.Cpu.CpuBackend",
        "DeepLab.Crf.DenseCrf -> DeepLab.Backends.Cpu.CpuBackend",
        "DeepLab.Crf.DenseCrf -> DeepLab.Backends.Cpu.InstructionSet",
        "DeepLab.Reports.RunFacts -> DeepLab.Backends.Cpu.CpuBackend",
        "DeepLab.Reports.RunFacts -> DeepLab.Backends.Cpu.InstructionSet",
    ];

    private static readonly IReadOnlyList<(TypeName From, TypeName To)> s_references = TypeReferences.In(typeof(DeepLabException).Assembly.Location);

    private static readonly IReadOnlyList<(string Folder, IReadOnlyList<string> Uses)> s_layers = LayerList.Read();

    private static readonly HashSet<(string From, string To)> s_listed = [.. s_layers.SelectMany(l => l.Uses, (l, used) => (l.Folder, used))];

    /// <summary>References from one folder to another. Every folder may use the root namespace.</summary>
    private static readonly ILookup<(string From, string To), string> s_between = s_references
        .Where(r => r.From.Folder != r.To.Folder && r.To.Folder.Length > 0)
        .ToLookup(r => (r.From.Folder, r.To.Folder), Line);

    [Fact]
    public void Types_refer_only_to_folders_that_are_listed() =>
        AssertSame(s_unlisted, s_between.Where(b => !s_listed.Contains(b.Key)).SelectMany(b => b), "a reference that docs/architecture.md does not list");

    [Fact]
    public void Every_listed_reference_is_used_and_every_folder_is_listed()
    {
        AssertSame([], s_listed.Where(pair => !s_between.Contains(pair)).Select(p => $"{p.From} -> {p.To}"), "listed in docs/architecture.md, but no type uses it");
        IEnumerable<string> folders = s_references.SelectMany(r => (string[])[r.From.Folder, r.To.Folder]).Where(f => f.Length > 0).Distinct();
        AssertSame(s_layers.Select(l => l.Folder), folders, "a folder that docs/architecture.md does not list");
    }

    [Fact]
    public void A_folder_is_listed_once_and_below_all_that_it_uses()
    {
        var above = new HashSet<string>();
        foreach ((string folder, IReadOnlyList<string> uses) in s_layers)
        {
            AssertSame([], uses.Where(used => !above.Contains(used)), $"{folder} uses it, and it does not stand above {folder}");
            Assert.True(above.Add(folder), $"{folder} is listed twice");
        }
    }

    [Fact]
    public void No_folders_refer_to_each_other_in_a_circle()
    {
        // A reference is on no circle if none leads to its start, or none leads on from its end. Once no such reference
        // is left, only circles are.
        List<(string From, string To)> left = [.. s_between.Where(b => b.Except(s_unlisted).Any()).Select(b => b.Key)];
        while (left.RemoveAll(edge => left.All(other => other.To != edge.From) || left.All(other => other.From != edge.To)) > 0)
        {
        }

        AssertSame([], left.SelectMany(edge => s_between[edge]), "a reference on a circle");
    }

    [Fact]
    public void Only_backends_name_the_classes_of_a_device()
    {
        IEnumerable<(TypeName From, TypeName To)> all = s_references.Concat(TypeReferences.In(typeof(Program).Assembly.Location));
        AssertSame(
            s_namingDevices,
            all.Where(r => r.From.Folder != "Backends" && r.To.Namespace.StartsWith("DeepLab.Backends.", StringComparison.Ordinal)).Select(Line),
            "a reference to the class of a device");
    }

    private static string Line((TypeName From, TypeName To) reference) => $"{reference.From} -> {reference.To}";

    /// <summary>Fails with a line for each text that only one of the two has.</summary>
    private static void AssertSame(IEnumerable<string> expected, IEnumerable<string> actual, string meaning)
    {
        string[] surplus = [.. actual.Except(expected).Select(line => $"{meaning}: {line}")], missing = [.. expected.Except(actual).Select(line => $"expected, but gone: {line}")];
        if (surplus.Length + missing.Length > 0) Assert.Fail(string.Join('\n', [.. surplus, .. missing]));
    }
}
