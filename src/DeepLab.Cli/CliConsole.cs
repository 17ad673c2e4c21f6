using System.Globalization;

namespace DeepLab.Cli;

/// <summary>
/// Standard output and error. On a terminal, progress rewrites one line; elsewhere nothing is rewritten, and only the
/// lines meant for logs appear.
/// </summary>
internal sealed class CliConsole(TextWriter output, TextWriter error, bool isTerminal)
{
    private const int LabelWidth = 16;

    private readonly object _lock = new();
    private bool _progressShown;

    /// <summary>Whether this program's standard output is a terminal that can rewrite a line.</summary>
    public static bool StandardOutputIsTerminal => !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("TERM") != "dumb";

    /// <summary>Standard output.</summary>
    public TextWriter Out => output;

    /// <summary>Standard error.</summary>
    public TextWriter Error => error;

    /// <summary>Whether standard output is a terminal.</summary>
    public bool IsTerminal => isTerminal;

    /// <summary>Opens standard input as a stream of bytes.</summary>
    public Func<Stream> OpenInput { get; init; } = Console.OpenStandardInput;

    /// <summary>Opens standard output as a stream of bytes.</summary>
    public Func<Stream> OpenOutput { get; init; } = Console.OpenStandardOutput;

    /// <summary>
    /// A console that writes everything to standard error, for commands whose result is bytes on standard output.
    /// </summary>
    public CliConsole WithoutOutput() => new(error, error, isTerminal: false) { OpenInput = OpenInput, OpenOutput = OpenOutput };

    /// <summary>Formats text with the invariant culture.</summary>
    public static string Format(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>A duration as 12s, 3m05s or 2h07m.</summary>
    public static string Duration(TimeSpan time) => time.TotalHours >= 1
        ? Format($"{(int)time.TotalHours}h{time.Minutes:00}m")
        : time.TotalMinutes >= 1 ? Format($"{time.Minutes}m{time.Seconds:00}s") : Format($"{(int)time.TotalSeconds}s");

    /// <summary>Writes a line to standard output, replacing a progress line.</summary>
    public void Line(string text = "")
    {
        lock (_lock)
        {
            Clear();
            output.WriteLine(text);
            output.Flush();
        }
    }

    /// <summary>Writes a line with a label and a value, the values aligned in a column.</summary>
    public void Row(string label, string value) => Line($"{label.PadRight(LabelWidth)}  {value}".TrimEnd());

    /// <summary>Writes text that already ends in a line feed, replacing a progress line.</summary>
    public void Text(string text)
    {
        lock (_lock)
        {
            Clear();
            output.Write(text);
            output.Flush();
        }
    }

    /// <summary>Writes a line to standard error: a note, a warning, an error.</summary>
    public void Note(string text)
    {
        lock (_lock)
        {
            Clear();
            error.WriteLine(text);
            error.Flush();
        }
    }

    /// <summary>Rewrites the progress line on a terminal; elsewhere writes nothing, or a line of its own.</summary>
    /// <param name="text">The line.</param>
    /// <param name="plainToo">Whether it also appears where nothing can be rewritten.</param>
    public void Progress(string text, bool plainToo = false)
    {
        if (!isTerminal)
        {
            if (plainToo) Line(text);
            return;
        }

        lock (_lock)
        {
            int width = Width();
            output.Write("\r" + (text.Length < width ? text : text[..Math.Max(0, width - 1)]) + "\e[K");
            output.Flush();
            _progressShown = true;
        }
    }

    /// <summary>
    /// Rewrites the progress line for a number of images: those done, images per second, and the time left.
    /// </summary>
    public void ImageProgress(int done, int count, TimeSpan elapsed) =>
        Progress(Format($"{done}/{count} images, {done / elapsed.TotalSeconds:0.00} images/s, {Duration(elapsed / done * (count - done))} left"));

    private static int Width()
    {
        try
        {
            return Console.WindowWidth > 0 ? Console.WindowWidth : 80;
        }
        catch (IOException)
        {
            return 80;
        }
    }

    private void Clear()
    {
        if (_progressShown) output.Write("\r\e[K");
        _progressShown = false;
    }
}
