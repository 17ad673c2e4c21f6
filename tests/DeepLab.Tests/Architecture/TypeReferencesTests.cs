using System.Runtime.InteropServices;
using Xunit;

namespace DeepLab.Tests.Architecture;

/// <summary>Reads the references of the sample types below, which are in the assembly of the tests.</summary>
public sealed class TypeReferencesTests
{
    private static readonly ILookup<string, string> s_references = TypeReferences.In(typeof(TypeReferencesTests).Assembly.Location).ToLookup(r => r.From.Name, r => r.To.Name);

    [Theory]
    [InlineData(nameof(DerivedSample), nameof(Target))]
    [InlineData(nameof(ImplementingSample), nameof(ITarget))]
    [InlineData(nameof(PropertySample), nameof(Target))]
    [InlineData(nameof(SignatureSample), nameof(Target))]
    [InlineData(nameof(AttributeSample), nameof(TargetAttribute))]
    [InlineData("ConstraintSample`1", nameof(ITarget))]
    [InlineData(nameof(CallSample), nameof(StaticTarget))]
    [InlineData(nameof(GenericCallSample), nameof(Target))]
    [InlineData(nameof(GenericTypeSample), nameof(Target))]
    [InlineData(nameof(CastAfterSwitchSample), nameof(Target))]
    [InlineData(nameof(CatchSample), nameof(TargetException))]
    [InlineData(nameof(LambdaSample), nameof(StaticTarget))]
    [InlineData(nameof(IteratorSample), nameof(StaticTarget))]
    [InlineData(nameof(NestedSample), nameof(StaticTarget))]
    [InlineData(nameof(PointerSample), nameof(StructTarget))]
    public void A_reference_is_found_wherever_it_stands(string from, string to) => Assert.Equal([to], s_references[from]);

    [Fact]
    public void A_type_that_only_refers_to_the_platform_and_to_itself_refers_to_nothing() => Assert.Empty(s_references[nameof(StaticTarget)]);
}

internal interface ITarget;

internal class Target;

internal readonly struct StructTarget(int value)
{
    public readonly int Value = value;
}

internal static class StaticTarget
{
    public static int Count(IEnumerable<int> values) => values.Count() + Least();

    private static int Least() => Math.Min(1, 2);
}

internal sealed class TargetException : Exception;

[AttributeUsage(AttributeTargets.All)]
internal sealed class TargetAttribute : Attribute;

internal sealed class DerivedSample : Target;

internal sealed class ImplementingSample : ITarget;

internal sealed class PropertySample
{
    public Dictionary<string, Target[]>? Targets { get; set; }
}

internal abstract class SignatureSample
{
    public abstract void Take(in Target target);
}

internal abstract class AttributeSample
{
    public abstract void Take([Target] int value);
}

internal sealed class ConstraintSample<T>
    where T : ITarget;

internal static class CallSample
{
    public static int Call() => StaticTarget.Count([]);
}

internal static class GenericCallSample
{
    public static object Call() => Array.Empty<Target>();
}

internal static class GenericTypeSample
{
    public static object Call() => new List<Target>();
}

internal static class CastAfterSwitchSample
{
    public static bool Is(int kind, object value) => kind switch
    {
        0 => value is string,
        1 => value is int,
        2 => value is long and > 0x1234567890,
        3 => value is > 1.5,
        4 => value is float,
        _ => value is Target,
    };
}

internal static class CatchSample
{
    public static bool Throws(Action action)
    {
        try
        {
            action();
            return false;
        }
        catch (TargetException)
        {
            return true;
        }
    }
}

internal static class LambdaSample
{
    public static Func<int> Make(int value) => () => value + StaticTarget.Count([]);
}

internal static class IteratorSample
{
    public static IEnumerable<int> Counts()
    {
        yield return StaticTarget.Count([]);
    }
}

internal static class NestedSample
{
    private static class Inner
    {
        public static int Value { get; } = StaticTarget.Count([]);
    }
}

internal static unsafe class PointerSample
{
    public static int Size(void* memory) => sizeof(StructTarget) + Marshal.ReadInt32((nint)memory) + ((StructTarget*)memory)->Value;
}
