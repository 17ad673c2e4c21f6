using System.Globalization;

namespace DeepLab.Training;

/// <summary>The file <c>log.csv</c> of a run: an iteration a line, written through at once so that a crash loses nothing.</summary>
internal sealed class TrainingLog : IDisposable
{
    private readonly StreamWriter _writer;

    public TrainingLog(string path)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            _writer = new StreamWriter(path) { AutoFlush = true, NewLine = "\n" };
            _writer.WriteLine("iteration,loss_1,loss_075,loss_05,loss_fused,rate,seconds");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DeepLabException($"{path}: cannot be written: {e.Message}", e);
        }
    }

    public void Write(int iteration, in LossValues losses, double rate, double seconds) => _writer.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{iteration},{losses.Full:G7},{losses.ThreeQuarters:G7},{losses.Half:G7},{losses.Fused:G7},{rate:G7},{seconds:F3}"));

    public void Dispose() => _writer.Dispose();
}
