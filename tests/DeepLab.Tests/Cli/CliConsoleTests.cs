using DeepLab.Cli;
using Xunit;

namespace DeepLab.Tests.Cli;

public sealed class CliConsoleTests
{
    [Fact]
    public void On_a_terminal_progress_rewrites_its_line_and_lines_replace_it()
    {
        using var output = new StringWriter { NewLine = "\n" };
        var console = new CliConsole(output, TextWriter.Null, isTerminal: true);

        console.Progress("1 of 2");
        console.Progress("2 of 2");
        console.Line("done");

        Assert.Equal("\r1 of 2\e[K\r2 of 2\e[K\r\e[Kdone\n", output.ToString());
    }

    [Fact]
    public void Elsewhere_only_the_progress_that_is_meant_for_logs_is_written()
    {
        using var output = new StringWriter { NewLine = "\n" };
        var console = new CliConsole(output, TextWriter.Null, isTerminal: false);

        console.Progress("1 of 2");
        console.Progress("2 of 2", plainToo: true);

        Assert.Equal("2 of 2\n", output.ToString());
    }

    [Theory]
    [InlineData(0.9, "0s")]
    [InlineData(59.9, "59s")]
    [InlineData(185, "3m05s")]
    [InlineData(7629, "2h07m")]
    [InlineData(360_000, "100h00m")]
    public void Durations_are_short(double seconds, string text) => Assert.Equal(text, CliConsole.Duration(TimeSpan.FromSeconds(seconds)));
}
