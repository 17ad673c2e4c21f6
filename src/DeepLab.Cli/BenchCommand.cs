using System.CommandLine;
using System.Text;
using System.Text.Json;
using DeepLab.Backends;
using DeepLab.IO;
using DeepLab.Models;
using DeepLab.Training;

namespace DeepLab.Cli;

/// <summary><c>deeplab bench</c>: the time and memory of inference and of a training step.</summary>
internal static class BenchCommand
{
    public static Command Create()
    {
        var command = new CliCommand("bench", "Measures inference at one scale and at three, and a training step: median and minimum of five runs, peak memory.")
        {
            Examples = ["deeplab bench", "deeplab bench --depth 18 --size 257 --threads 2 --json bench.json"],
        };
        Option<int> depth = command.AddOptionWithDefault("--depth", "layers of the ResNet: 18, 34, 50, 101 or 152", 101);
        command.Require(depth, n => DeepLabConfiguration.Depths.Contains(n), "18, 34, 50, 101 or 152");
        Option<int> classes = command.AddOptionWithDefault("--classes", "number of classes", DatasetArguments.DefaultClasses, "--NoLabels");
        command.Require(classes, n => n is >= 2 and <= 255, "2 to 255");
        Option<int> size = command.AddOptionWithDefault("--size", "side length of the image", 321);
        command.Require(size, n => n is >= 33 and <= 4096, "33 to 4096");
        Option<string?> json = command.AddOption<string?>("--json", "write the results as JSON: an array of {job, medianSeconds, minSeconds, peakMiB, gigaflop, peakGigaflops}");
        json.HelpName = "FILE";
        Option<bool> layers = command.AddOption<bool>("--layers", "also show where the time of a training step goes, layer by layer");
        Option<ActivationCheckpointing> memory = RuntimeArguments.AddMemory(command);
        var runtime = new RuntimeArguments(command);
        command.SetRun((parse, invocation) =>
        {
            CliConsole console = invocation.Console;
            using Backend backend = runtime.CreateBackend(parse, console);
            var configuration = new DeepLabConfiguration(parse.GetValue(depth), parse.GetValue(classes));
            console.Line($"DeepLab-ResNet-{configuration.Depth}, {configuration.Classes} classes, {parse.GetValue(size)}×{parse.GetValue(size)}; {backend.Description}");
            double peak = backend.MeasurePeak();
            console.Line(CliConsole.Format($"multiply-adds on registers: {peak:0} GFLOP/s at most"));
            console.Line("job      median s     min s   peak MiB   GFLOP/s   of peak");
            var results = new List<BenchmarkResult>();
            using var bench = new Benchmark(backend, configuration, parse.GetValue(size), parse.GetValue(memory));
            foreach (string job in Benchmark.Jobs)
            {
                BenchmarkResult result = bench.Measure(job, run => console.Progress($"{job}: {run} of {Benchmark.Runs} runs"), invocation.Cancellation);
                results.Add(result);
                console.Line(CliConsole.Format($"{result.Job,-6}{result.MedianSeconds,11:0.0000}{result.MinSeconds,10:0.0000}{result.PeakMiB,11:0}{result.Gigaflop / result.MedianSeconds,10:0}{100 * result.Gigaflop / result.MedianSeconds / peak,8:0} %"));
            }

            if (parse.GetValue(json) is string path) AtomicFile.WriteAllText(path, ToJson(results, peak));
            if (parse.GetValue(layers)) ShowLayers(bench.Profile("train", invocation.Cancellation), console);
            return 0;
        });
        return command;
    }

    // Blocks of a stage do the same work, so they are added up: layer3.7.conv2 counts as layer3 conv2.
    private static void ShowLayers(IReadOnlyList<LayerCost> costs, CliConsole console)
    {
        double all = costs.Sum(c => c.Seconds);
        console.Line();
        console.Line("layer               work                   calls        ms     share   GFLOP/s");
        foreach (IGrouping<(string Layer, string Kind), LayerCost> group in costs.GroupBy(c => (Layer: Shorten(c.Layer), c.Kind)))
        {
            double seconds = group.Sum(c => c.Seconds), gigaflop = group.Sum(c => c.Gigaflop);
            string rate = gigaflop > 0 ? CliConsole.Format($"{gigaflop / seconds,10:0}") : "";
            console.Line(CliConsole.Format($"{group.Key.Layer,-20}{group.Key.Kind,-22}{group.Count(),6}{1000 * seconds,10:0.0}{100 * seconds / all,8:0.0} %{rate}"));
        }
    }

    private static string Shorten(string layer)
    {
        string[] parts = layer.Split('.');
        return parts.Length < 3 ? layer : parts[0] == "layer5" ? "layer5" : $"{parts[0]} {parts[2]}";
    }

    private static string ToJson(IEnumerable<BenchmarkResult> results, double peak)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            json.WriteStartArray();
            foreach (BenchmarkResult result in results)
            {
                json.WriteStartObject();
                json.WriteString("job", result.Job);
                json.WriteNumber("medianSeconds", result.MedianSeconds);
                json.WriteNumber("minSeconds", result.MinSeconds);
                json.WriteNumber("peakMiB", result.PeakMiB);
                json.WriteNumber("gigaflop", result.Gigaflop);
                json.WriteNumber("peakGigaflops", peak);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        return Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }
}
