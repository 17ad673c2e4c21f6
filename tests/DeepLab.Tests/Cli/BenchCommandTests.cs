using System.Text.Json;
using Xunit;

namespace DeepLab.Tests.Cli;

public sealed class BenchCommandTests
{
    [Fact]
    public void Bench_writes_an_object_for_each_of_its_three_jobs()
    {
        string path = Path.GetTempFileName();
        try
        {
            CommandLineResult result = CommandLine.Run("bench", "--depth", "18", "--classes", "2", "--size", "33", "--threads", "1", "--json", path);

            Assert.Equal(0, result.Status);
            using JsonDocument document = JsonDocument.Parse(File.ReadAllText(path));
            Assert.Equal(["infer1", "infer3", "train"], document.RootElement.EnumerateArray().Select(e => e.GetProperty("job").GetString()));
            foreach (JsonElement element in document.RootElement.EnumerateArray())
            {
                Assert.Equal(4, element.EnumerateObject().Count());
                Assert.InRange(element.GetProperty("minSeconds").GetDouble(), 1e-6, element.GetProperty("medianSeconds").GetDouble());
                Assert.InRange(element.GetProperty("peakMiB").GetDouble(), 40, 1e6);
            }
        }
        finally
        {
            File.Delete(path);
        }
    }
}
