using DeepLab.IO;
using Xunit;

namespace DeepLab.Tests.IO;

public sealed class BoundedTextTests
{
    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("a\nb\u001b[2Jc", "a b [2Jc")]
    [InlineData("a\u202eb\u2066c\uffff", "a b c ")]
    public void A_line_holds_no_character_that_cannot_be_printed(string text, string expected) => Assert.Equal(expected, BoundedText.OneLine(text, 80));

    [Fact]
    public void A_text_is_as_long_as_allowed_and_ends_in_dots_where_it_is_cut()
    {
        Assert.Equal("abcde", BoundedText.Shorten("abcde", 5));
        Assert.Equal("ab...", BoundedText.Shorten("abcdef", 5));
        Assert.Equal("...", BoundedText.Shorten("abcd", 3));
        Assert.Equal(82, BoundedText.Quote(new string('x', 81)).Length);
    }

    [Fact]
    public void No_half_of_a_character_stays() => Assert.Equal("a...", BoundedText.Shorten("a😀bcdef", 5));

    [Fact]
    public void A_list_names_its_first_items_and_counts_the_others()
    {
        Assert.Equal("a, b", BoundedText.List(["a", "b"], 2));
        Assert.Equal("a, b and 3 more", BoundedText.List(["a", "b", "c", "d", "e"], 2));
    }
}
