using System.Globalization;
using DeepLab.IO;

namespace DeepLab.Reports;

/// <summary>
/// Reads a table that training writes (<c>log.csv</c>, <c>eval.csv</c>) line by line, one that is still being written
/// too, in memory that does not depend on its size. Columns are found by their names; others than those asked for are
/// skipped. The first column is the iteration, which rises.
/// </summary>
internal sealed class RunTable : IDisposable
{
    private const int LongestLine = 1000;
    private const long LargestFile = 1L << 32;

    private readonly string _path;
    private readonly string[] _names;
    private readonly int[] _places;
    private readonly bool _mayLackValues;
    private readonly StreamReader _reader;
    private readonly char[] _line = new char[LongestLine];
    private long _number, _iteration;

    /// <summary>Opens a table and reads its first line.</summary>
    /// <param name="path">The file.</param>
    /// <param name="columns">The columns to read, as its first line would name them.</param>
    /// <param name="mayLackValues">Whether a value but the iteration may be NaN.</param>
    /// <exception cref="InvalidFileException">
    /// It cannot be read, is larger than 4 GiB, or its first line is not what it should be.
    /// </exception>
    public RunTable(string path, string columns, bool mayLackValues = false)
    {
        (_path, _names, _mayLackValues) = (path, columns.Split(','), mayLackValues);
        _reader = Open(path);
        try
        {
            long length = _reader.BaseStream.Length;
            if (length > LargestFile) throw new InvalidFileException(path, $"is {length} bytes large, expected a table of at most {LargestFile}");
            int header = ReadLine() ?? throw new InvalidFileException(path, $"has no first line, expected the names of the columns: {columns}");
            _places = FindColumns(_line.AsSpan(0, header).TrimEnd('\r').ToString());
        }
        catch
        {
            _reader.Dispose();
            throw;
        }
    }

    /// <summary>Whether the file ended in the middle of a line, as a crash leaves it; that line is left out.</summary>
    public bool IsCutOff { get; private set; }

    /// <summary>Reads the values of the next line, in the order in which the columns were asked for.</summary>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="InvalidFileException">
    /// The file cannot be read, or the line is not what it should be.
    /// </exception>
    public bool Read(Span<double> values)
    {
        while (ReadLine() is int length)
        {
            ReadOnlySpan<char> text = _line.AsSpan(0, length).TrimEnd('\r');
            if (text.IsWhiteSpace()) continue;
            for (int c = 0; c < values.Length; c++) values[c] = Number(text, c);
            if (values[0] != Math.Floor(values[0]) || values[0] <= _iteration || values[0] > int.MaxValue)
                throw Wrong($"iteration {BoundedText.Quote(Field(text, _places[0]).ToString())} after {_iteration}, expected a larger whole number");
            _iteration = (long)values[0];
            return true;
        }

        return false;
    }

    /// <summary>What is wrong with the line that was read last.</summary>
    public InvalidFileException Wrong(string problem) => new(_path, $"line {_number}: {problem}");

    public void Dispose() => _reader.Dispose();

    private static StreamReader Open(string path)
    {
        try
        {
            return new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1 << 16));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(path, e);
        }
    }

    private static InvalidFileException Unreadable(string path, Exception e) => new(path, $"cannot be read: {e.Message}", e);

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

    private double Number(ReadOnlySpan<char> line, int column)
    {
        ReadOnlySpan<char> field = Field(line, _places[column]);
        bool isNumber = double.TryParse(field, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            && (Math.Abs(value) <= float.MaxValue || (_mayLackValues && column > 0 && double.IsNaN(value)));
        return isNumber ? value : throw Wrong($"{_names[column]} is {BoundedText.Quote(field.ToString())}, expected a number");
    }

    private int[] FindColumns(string header)
    {
        string[] names = header.Split(',', StringSplitOptions.TrimEntries);
        int[] places = [.. _names.Select(c => Array.IndexOf(names, c))];
        int missing = Array.IndexOf(places, -1);
        return missing < 0
            ? places
            : throw new InvalidFileException(_path, $"line 1 names no column '{_names[missing]}' but {BoundedText.Quote(header)}, expected {string.Join(',', _names)}");
    }

    // The length of the next whole line, or null: what no line feed ends has not been written whole.
    private int? ReadLine()
    {
        _number++;
        int length = 0;
        for (int c = ReadCharacter(); c >= 0; c = ReadCharacter())
        {
            if (c == '\n') return length;
            if (length == _line.Length) throw new InvalidFileException(_path, $"line {_number} is longer than {LongestLine} characters, so it is no table of a training");
            _line[length++] = (char)c;
        }

        IsCutOff = length > 0;
        return null;
    }

    private int ReadCharacter()
    {
        try
        {
            return _reader.Read();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(_path, e);
        }
    }
}
