using System.Globalization;
using DeepLab.Weights;

namespace DeepLab.Training;

/// <summary>What the <c>log.csv</c> of a run tells, reduced to curves that can be drawn, however long the run was.</summary>
public sealed class TrainingHistory
{
    /// <summary>The most buckets that a log is reduced to.</summary>
    public const int MostBuckets = 1000;

    /// <summary>The columns of <see cref="LogBucket.Values"/>: the four scores' losses, the learning rate, and the seconds that an iteration took.</summary>
    public const int FullLoss = 0, ThreeQuartersLoss = 1, HalfLoss = 2, FusedLoss = 3, Rate = 4, Seconds = 5;

    private const int LongestLine = 1000;
    private const long LargestFile = 1L << 32;
    private static readonly string[] Columns = ["iteration", "loss_1", "loss_075", "loss_05", "loss_fused", "rate", "seconds"];

    private readonly LogBuckets _buckets = new(Columns.Length - 1, MostBuckets);
    private double _clock;

    private TrainingHistory(string path) => Path = path;

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The lines that were read, an iteration each.</summary>
    public long Lines { get; private set; }

    /// <summary>The last iteration, 0 if there is none.</summary>
    public long LastIteration { get; private set; }

    /// <summary>The seconds that the run took. Where its clock began again, as after a restart, the parts are added up.</summary>
    public double TotalSeconds { get; private set; }

    /// <summary>Whether the file ended amid a line, as a crash leaves it; that line is left out.</summary>
    public bool IsCutOff { get; private set; }

    /// <summary>The log's lines in runs of neighbours, at most <see cref="MostBuckets"/>.</summary>
    public IReadOnlyList<LogBucket> Buckets { get; private set; } = [];

    /// <summary>Reads a log; one that is still being written too.</summary>
    /// <param name="path">A file as training writes it. Columns are found by their names; others than ours are skipped.</param>
    /// <exception cref="InvalidFileException">It cannot be read, is larger than 4 GiB, or a line is not what it should be.</exception>
    public static TrainingHistory Load(string path)
    {
        var history = new TrainingHistory(path);
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1 << 16);
            if (stream.Length > LargestFile) throw new InvalidFileException(path, $"is {stream.Length} bytes large, expected a log of at most {LargestFile}");
            using var reader = new StreamReader(stream);
            history.Read(reader);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidFileException(path, $"cannot be read: {e.Message}", e);
        }

        history.Buckets = history._buckets.ToList();
        return history;
    }

    private void Read(TextReader reader)
    {
        var line = new char[LongestLine];
        long number = 0;
        int[]? columns = null;
        while (ReadLine(reader, line, ++number) is int length)
        {
            ReadOnlySpan<char> text = line.AsSpan(0, length).TrimEnd('\r');
            if (columns is null) columns = FindColumns(text);
            else if (!text.IsWhiteSpace()) Add(text, columns, number);
        }

        if (columns is null) throw new InvalidFileException(Path, $"has no first line, expected the names of the columns: {string.Join(',', Columns)}");
    }

    // The length of the next whole line, or null: what no line feed ends has not been written whole.
    private int? ReadLine(TextReader reader, char[] line, long number)
    {
        int length = 0;
        for (int c = reader.Read(); c >= 0; c = reader.Read())
        {
            if (c == '\n') return length;
            if (length == line.Length) throw new InvalidFileException(Path, $"line {number} is longer than {LongestLine} characters, so it is no log of a training");
            line[length++] = (char)c;
        }

        IsCutOff = length > 0;
        return null;
    }

    private int[] FindColumns(ReadOnlySpan<char> header)
    {
        string[] names = header.ToString().Split(',', StringSplitOptions.TrimEntries);
        int[] columns = [.. Columns.Select(c => Array.IndexOf(names, c))];
        int missing = Array.IndexOf(columns, -1);
        if (missing >= 0)
            throw new InvalidFileException(Path, $"line 1 names no column '{Columns[missing]}' but {FileText.Quote(header.ToString())}, expected {string.Join(',', Columns)}");
        return columns;
    }

    private void Add(ReadOnlySpan<char> line, int[] columns, long number)
    {
        Span<double> values = stackalloc double[Columns.Length];
        for (int c = 0; c < columns.Length; c++)
        {
            ReadOnlySpan<char> field = Field(line, columns[c]);
            if (!double.TryParse(field, NumberStyles.Float, CultureInfo.InvariantCulture, out values[c]) || !(Math.Abs(values[c]) <= float.MaxValue))
                throw new InvalidFileException(Path, $"line {number}: {Columns[c]} is {FileText.Quote(field.ToString())}, expected a number");
        }

        double iteration = values[0], clock = values[^1];
        if (iteration != Math.Floor(iteration) || iteration <= LastIteration || iteration > int.MaxValue)
            throw new InvalidFileException(Path, $"line {number}: iteration {FileText.Quote(Field(line, columns[0]).ToString())} after {LastIteration}, expected a larger whole number");
        if (clock < 0) throw new InvalidFileException(Path, $"line {number}: seconds are negative");
        double took = clock >= _clock ? clock - _clock : clock;
        values[^1] = Lines == 0 ? took : took / (iteration - LastIteration);
        TotalSeconds += took;
        _clock = clock;
        LastIteration = (long)iteration;
        Lines++;
        _buckets.Add(LastIteration, values[1..]);
    }

    private static ReadOnlySpan<char> Field(ReadOnlySpan<char> line, int index)
    {
        for (; index > 0; index--)
        {
            int comma = line.IndexOf(',');
            if (comma < 0) return [];
            line = line[(comma + 1)..];
        }

        int end = line.IndexOf(',');
        return (end < 0 ? line : line[..end]).Trim();
    }
}
