using System.CommandLine;
using System.Numerics;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using DeepLab.Backends;
using DeepLab.Cpu;
using DeepLab.Imaging;
using DeepLab.Weights;

namespace DeepLab.Cli;

/// <summary><c>deeplab info</c>: what a weights file holds, or what this machine offers.</summary>
internal static class InfoCommand
{
    public static Command Create()
    {
        var command = new CliCommand("info", "Shows what a weights file holds; without a file: versions, instruction sets, threads, image libraries.")
        {
            Examples = ["deeplab info", "deeplab info data/snapshots/VOC12_scenes_20000.pth --tensors"],
        };
        var file = new Argument<string?>("FILE") { Description = "a weights file", Arity = ArgumentArity.ZeroOrOne };
        command.Add(file);
        Option<bool> tensors = command.AddOptionWithDefault("--tensors", "also list the tensors, each with its type and shape", false);
        command.SetRun((parse, invocation) =>
        {
            if (parse.GetValue(file) is string path) ShowFile(path, parse.GetValue(tensors), invocation.Console);
            else if (parse.GetValue(tensors)) throw new UsageException("--tensors requires a FILE");
            else ShowMachine(invocation.Console);
            return 0;
        });
        return command;
    }

    private static void ShowFile(string path, bool withTensors, CliConsole console)
    {
        using NetworkWeights weights = NetworkWeights.Open(path);
        IReadOnlyList<TensorInfo> tensors = weights.FileTensors;
        console.Line(ConsoleText.Sanitize(path));
        WeightsDisplay.Describe(weights, console);
        console.Row("tensors", $"{tensors.Count}, {string.Join(" and ", tensors.Select(t => t.Type).Distinct().Order())}");
        console.Row("size", $"{ConsoleText.Count(new FileInfo(path).Length)} bytes");
        console.Row("checksum", weights.Checksum());
        console.Row("metadata", weights.Metadata.Count == 0 ? "none (recognized by its tensors)" : "");
        foreach ((string key, string value) in weights.Metadata.OrderBy(m => m.Key, StringComparer.Ordinal))
            console.Line($"  {ConsoleText.Sanitize(key)} = {ConsoleText.Sanitize(value)}");
        if (!withTensors) return;
        console.Line();
        int width = tensors.Max(t => ConsoleText.Sanitize(t.Name).Length);
        foreach (TensorInfo tensor in tensors)
            console.Line($"{ConsoleText.Sanitize(tensor.Name).PadRight(width)}  {tensor.Type,-4}  [{string.Join(", ", tensor.Shape)}]");
    }

    private static void ShowMachine(CliConsole console)
    {
        console.Row("deeplab", Version(typeof(Device).Assembly));
        console.Row(".NET", $"{Environment.Version}, {RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}");
        console.Row("devices", string.Join("; ", Device.All.Select(d => $"{d} ({d.Description})")));
        console.Row("computes with", Describe(BackendOptions.AvailableInstructionSets[^1]));
        console.Row("usable sets", string.Join(", ", RuntimeArguments.InstructionSetNames.Where(n => BackendOptions.AvailableInstructionSets.Contains(n.Value)).Select(n => n.Key)) + " (--instruction-set)");
        console.Row("instruction sets", ProcessorFeatures());
        console.Row("threads", $"{Environment.ProcessorCount} (--threads 0)");
        console.Row("memory", $"{ConsoleText.Count(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >> 20)} MiB");
        foreach (CodecLibrary library in CodecLibrary.FindAll())
        {
            string found = string.Join(", ", new[] { library.Version, library.Path }.OfType<string>());
            console.Row(library.Name, library.Problem ?? (found.Length > 0 ? found : "found"));
        }
    }

    private static string Version(Assembly assembly) =>
        assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? assembly.GetName().Version?.ToString() ?? "unknown";

    private static string Describe(InstructionSet tier) => tier switch
    {
        InstructionSet.Avx512 => "AVX-512, 16 floats at once",
        InstructionSet.Avx2 => "AVX2 with fused multiply-add, 8 floats at once",
        _ => $"portable vectors, {Vector<float>.Count} floats at once",
    };

    private static string ProcessorFeatures()
    {
        (string Name, bool IsThere)[] sets =
        [
            ("AVX-512F", Avx512F.IsSupported), ("AVX2", Avx2.IsSupported), ("FMA", Fma.IsSupported), ("AVX", Avx.IsSupported), ("SSE4.2", Sse42.IsSupported),
            ("AdvSimd", System.Runtime.Intrinsics.Arm.AdvSimd.IsSupported),
        ];
        string there = string.Join(", ", sets.Where(s => s.IsThere).Select(s => s.Name));
        return there.Length > 0 ? there : "none that .NET can use here";
    }
}
