using DeepLab.Cli;
using Xunit;

namespace DeepLab.Tests.Cli;

public sealed class RemedyTextTests
{
    [Fact]
    public void Every_kind_of_remedy_has_words_that_name_an_option()
    {
        foreach (RemedyKind kind in Enum.GetValues<RemedyKind>())
            Assert.Matches("^p: [^:]*--[a-z]+", RemedyText.Describe(new DeepLabException("p") { Remedy = new Remedy(kind) }));
    }

    [Fact]
    public void Alternatives_follow_one_another_with_their_values()
    {
        var remedy = new Remedy(RemedyKind.Classes, 21) { Alternative = new Remedy(RemedyKind.LabelMapping, 7) };
        Assert.Equal("x: p: give --classes 21, or give --map-label 7=NEW", RemedyText.Describe(new InvalidFileException("x", "p") { Remedy = remedy }));
        Assert.Equal("p: give --map-label 255=1", RemedyText.Append("p", new Remedy(RemedyKind.LabelMapping, "255=1")));
    }

    [Fact]
    public void Without_a_remedy_a_message_stays_as_it_is()
    {
        Assert.Equal("p", RemedyText.Describe(new DeepLabException("p")));
        Assert.Equal("p", RemedyText.Describe(new IOException("p")));
    }
}
