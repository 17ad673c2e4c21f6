using System.Reflection.Metadata;

namespace DeepLab.Tests.Architecture;

/// <summary>
/// The name of a type in metadata. A nested type counts as its outermost enclosing type; so do the classes that the
/// compiler generates for lambdas and iterators.
/// </summary>
internal readonly record struct TypeName(string Namespace, string Name)
{
    /// <summary>
    /// The first part of the namespace after <c>DeepLab</c>: <c>Backends</c> for <c>DeepLab.Backends.Cpu</c>, empty for
    /// <c>DeepLab</c> itself.
    /// </summary>
    public string Folder => Namespace.Split('.') is ["DeepLab", string folder, ..] ? folder : "";

    /// <summary>Whether the type belongs to this project.</summary>
    public bool IsOurs => Namespace == "DeepLab" || Namespace.StartsWith("DeepLab.", StringComparison.Ordinal);

    public static TypeName Of(MetadataReader reader, TypeDefinitionHandle handle)
    {
        TypeDefinition type = reader.GetTypeDefinition(handle);
        while (type.IsNested) type = reader.GetTypeDefinition(type.GetDeclaringType());
        return new TypeName(reader.GetString(type.Namespace), reader.GetString(type.Name));
    }

    public static TypeName Of(MetadataReader reader, TypeReferenceHandle handle)
    {
        TypeReference type = reader.GetTypeReference(handle);
        while (type.ResolutionScope.Kind == HandleKind.TypeReference) type = reader.GetTypeReference((TypeReferenceHandle)type.ResolutionScope);
        return new TypeName(reader.GetString(type.Namespace), reader.GetString(type.Name));
    }

    public override string ToString() => $"{Namespace}.{Name}";
}
