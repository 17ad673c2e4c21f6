using System.Text.Json;
using DeepLab.Models;
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
            CliRun result = CliRun.Of("bench", "--depth", "18", "--classes", "2", "--size", "33", "--threads", "1", "--json", path, "--layers");

            Assert.Equal(0, result.Status);
            using JsonDocument document = JsonDocument.Parse(File.ReadAllText(path));
            Assert.Equal(["infer1", "infer3", "train"], document.RootElement.EnumerateArray().Select(e => e.GetProperty("job").GetString()));
            foreach (JsonElement element in document.RootElement.EnumerateArray())
            {
                Assert.Equal(6, element.EnumerateObject().Count());
                Assert.InRange(element.GetProperty("peakGigaflops").GetDouble(), 0.1, 1e6);
                Assert.InRange(element.GetProperty("minSeconds").GetDouble(), 1e-6, element.GetProperty("medianSeconds").GetDouble());
                Assert.InRange(element.GetProperty("peakMiB").GetDouble(), 40, 1e6);
            }

            // A 5×5 map at output stride 8, and so on up to the image: multiplications of ResNet-18 as plain sums,
            // counted by hand.
            double[] gigaflop = [.. document.RootElement.EnumerateArray().Select(e => e.GetProperty("gigaflop").GetDouble())];
            Assert.Equal(Gigaflop(33), gigaflop[0], 1e-9);
            Assert.Equal(Gigaflop(33) + Gigaflop(25) + Gigaflop(17), gigaflop[1], 1e-9);
            Assert.InRange(gigaflop[2] / gigaflop[1], 2.9, 3);
            Assert.Matches(@"\nlayer3 conv2        weight gradient            2 ", result.Out);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static double Gigaflop(int side)
    {
        static double Convolution(double pixels, double taps, double channels, double outputs) => 2e-9 * pixels * taps * channels * outputs;
        int conv1 = (side + 1) / 2, pool = (conv1 / 2) + 1, score = (pool + 1) / 2;
        double at4 = pool * pool, at8 = score * score;
        return Convolution(conv1 * conv1, 49, 3, 64) + (4 * Convolution(at4, 9, 64, 64))
            + Convolution(at8, 9, 64, 128) + Convolution(at8, 1, 64, 128) + (3 * Convolution(at8, 9, 128, 128))
            + Convolution(at8, 9, 128, 256) + Convolution(at8, 1, 128, 256) + (3 * Convolution(at8, 9, 256, 256))
            + Convolution(at8, 9, 256, 512) + Convolution(at8, 1, 256, 512) + (3 * Convolution(at8, 9, 512, 512))
            + (4 * Convolution(at8, 9, 512, 2));
    }
}
