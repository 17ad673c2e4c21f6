using DeepLab.Data;
using Xunit;

namespace DeepLab.Tests.Data;

public sealed class ClassNamesTests
{
    private static readonly string[] s_names = ["background", "Car", "car", "dry land", "1"];

    [Theory]
    [InlineData("car", new[] { 2 })]
    [InlineData("Car", new[] { 1 })]
    [InlineData("CAR", new[] { 1 })]
    [InlineData(" dry land , 0", new[] { 3, 0 })]
    [InlineData("2,car,background", new[] { 2, 0 })]
    [InlineData("1", new[] { 4 })] // a name comes before an index
    public void Classes_are_selected_by_name_or_index(string list, int[] expected) => Assert.Equal(expected, ClassNames.Select(list, s_names));

    [Theory]
    [InlineData("car,", "there is no class ''; there are 0 to 4: background, Car, car, dry land, 1")]
    [InlineData("5", "there is no class '5';")]
    [InlineData("-1", "there is no class '-1';")]
    [InlineData("dog", "there is no class 'dog';")]
    [InlineData("99999999999", "there is no class '99999999999';")]
    public void Other_classes_are_told_with_those_that_there_are(string list, string message) =>
        Assert.StartsWith(message, Assert.Throws<DeepLabException>(() => ClassNames.Select(list, s_names)).Message, StringComparison.Ordinal);
}
