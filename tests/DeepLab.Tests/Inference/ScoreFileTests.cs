using DeepLab.Inference;
using DeepLab.IO;
using DeepLab.Tensors;
using Xunit;

namespace DeepLab.Tests.Inference;

public sealed class ScoreFileTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), "deeplab-scores-" + Path.GetRandomFileName());

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void Scores_are_written_class_by_class_and_read_back_pixel_by_pixel()
    {
        float[] values = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
        ScoreFile.Write(_path, values, new MapSize(2, 3), classes: 2);

        (int[] shape, float[] data) = NpyFile.Read(_path);
        Assert.Equal([2, 2, 3], shape);
        Assert.Equal([1, 3, 5, 7, 9, 11, 2, 4, 6, 8, 10, 12], data);
        var read = ScoreFile.Read(_path, new MapSize(2, 3), areProbabilities: false);
        Assert.Equal((new MapSize(2, 3), 2), (read.Size, read.Classes));
        Assert.Equal(values, read.Values.ToArray());
    }
}
