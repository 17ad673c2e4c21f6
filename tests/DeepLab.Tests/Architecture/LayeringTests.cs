using DeepLab.Cli;
using Xunit;

namespace DeepLab.Tests.Architecture;

/// <summary>
/// The folders of the library refer to each other exactly as the list in <c>docs/architecture.md</c> says.
/// </summary>
public sealed class LayeringTests
{
    private static readonly IReadOnlyList<(TypeName From, TypeName To)> s_references = TypeReferences.In(typeof(DeepLabException).Assembly.Location);

    private static readonly IReadOnlyList<(string Folder, IReadOnlyList<string> Uses)> s_layers = LayerList.Read();

    private static readonly HashSet<(string From, string To)> s_listed = [.. s_layers.SelectMany(l => l.Uses, (l, used) => (l.Folder, used))];

    /// <summary>References from one folder to another. Every folder may use the root namespace.</summary>
    private static readonly ILookup<(string From, string To), string> s_between = s_references
        .Where(r => r.From.Folder != r.To.Folder && r.To.Folder.Length > 0)
        .ToLookup(r => (r.From.Folder, r.To.Folder), Line);

    [Fact]
    public void Types_refer_only_to_folders_that_are_listed() =>
        AssertSame([], s_between.Where(b => !s_listed.Contains(b.Key)).SelectMany(b => b), "a reference that docs/architecture.md does not list");

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
        // A reference is in no cycle if no other leads to its start or none leads on from its end. Once all such
        // references are removed, only cycles remain.
        List<(string From, string To)> left = [.. s_between.Select(b => b.Key)];
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
            [],
            all.Where(r => r.From.Folder != "Backends" && r.To.Namespace.StartsWith("DeepLab.Backends.", StringComparison.Ordinal)).Select(Line),
            "a reference to the class of a device");
    }

    private static string Line((TypeName From, TypeName To) reference) => $"{reference.From} -> {reference.To}";

    /// <summary>Fails with one line for each text that only one of the two has.</summary>
    private static void AssertSame(IEnumerable<string> expected, IEnumerable<string> actual, string meaning)
    {
        string[] surplus = [.. actual.Except(expected).Select(line => $"{meaning}: {line}")], missing = [.. expected.Except(actual).Select(line => $"expected, but gone: {line}")];
        if (surplus.Length + missing.Length > 0) Assert.Fail(string.Join('\n', [.. surplus, .. missing]));
    }
}
