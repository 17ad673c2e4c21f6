using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace DeepLab.Tests.Architecture;

/// <summary>
/// Which types of an assembly refer to which other types, read from its metadata and from the code of its methods: base
/// types, interfaces, constraints, members, attributes, local variables, caught exceptions and operands of
/// instructions. The compiler copies constants, so uses of another type's <c>const</c> are not seen.
/// </summary>
internal sealed class TypeReferences
{
    private readonly PEReader _file;
    private readonly MetadataReader _reader;
    private readonly SignatureTypes _signatureTypes;
    private readonly HashSet<(TypeName From, TypeName To)> _pairs = [];
    private TypeName _from;

    private TypeReferences(PEReader file)
    {
        _file = file;
        _reader = file.GetMetadataReader();
        _signatureTypes = new SignatureTypes(Add);
    }

    /// <summary>The references between types of this project in an assembly, ordered by name.</summary>
    public static IReadOnlyList<(TypeName From, TypeName To)> In(string path)
    {
        using var file = new PEReader(File.OpenRead(path));
        var references = new TypeReferences(file);
        foreach (TypeDefinitionHandle type in references._reader.TypeDefinitions) references.AddType(type);
        return [.. references._pairs.OrderBy(p => p.From.ToString(), StringComparer.Ordinal).ThenBy(p => p.To.ToString(), StringComparer.Ordinal)];
    }

    private void AddType(TypeDefinitionHandle handle)
    {
        _from = TypeName.Of(_reader, handle);
        TypeDefinition type = _reader.GetTypeDefinition(handle);
        Add(type.BaseType);
        AddAttributes(type.GetCustomAttributes());
        AddConstraints(type.GetGenericParameters());
        foreach (InterfaceImplementationHandle implementation in type.GetInterfaceImplementations())
            Add(_reader.GetInterfaceImplementation(implementation).Interface);

        foreach (FieldDefinition field in type.GetFields().Select(_reader.GetFieldDefinition))
        {
            field.DecodeSignature(_signatureTypes, 0);
            AddAttributes(field.GetCustomAttributes());
        }

        foreach (PropertyDefinition property in type.GetProperties().Select(_reader.GetPropertyDefinition))
        {
            property.DecodeSignature(_signatureTypes, 0);
            AddAttributes(property.GetCustomAttributes());
        }

        foreach (EventDefinition e in type.GetEvents().Select(_reader.GetEventDefinition))
        {
            Add(e.Type);
            AddAttributes(e.GetCustomAttributes());
        }

        foreach (MethodDefinition method in type.GetMethods().Select(_reader.GetMethodDefinition)) AddMethod(method);
    }

    private void AddMethod(MethodDefinition method)
    {
        method.DecodeSignature(_signatureTypes, 0);
        AddAttributes(method.GetCustomAttributes());
        AddConstraints(method.GetGenericParameters());
        foreach (ParameterHandle parameter in method.GetParameters()) AddAttributes(_reader.GetParameter(parameter).GetCustomAttributes());
        if (method.RelativeVirtualAddress == 0) return;

        MethodBodyBlock body = _file.GetMethodBody(method.RelativeVirtualAddress);
        Add(body.LocalSignature);
        foreach (ExceptionRegion region in body.ExceptionRegions) Add(region.CatchType);
        foreach (EntityHandle token in MethodTokens.Of(body)) Add(token);
    }

    private void AddConstraints(GenericParameterHandleCollection parameters)
    {
        foreach (GenericParameter parameter in parameters.Select(_reader.GetGenericParameter))
        {
            AddAttributes(parameter.GetCustomAttributes());
            foreach (GenericParameterConstraintHandle constraint in parameter.GetConstraints())
                Add(_reader.GetGenericParameterConstraint(constraint).Type);
        }
    }

    private void AddAttributes(CustomAttributeHandleCollection attributes)
    {
        foreach (CustomAttributeHandle attribute in attributes) Add(_reader.GetCustomAttribute(attribute).Constructor);
    }

    /// <summary>Adds the types that an entity names: for a member, its declaring type with generic arguments.</summary>
    private void Add(EntityHandle entity)
    {
        if (entity.IsNil) return;
        switch (entity.Kind)
        {
            case HandleKind.TypeDefinition:
                Add(TypeName.Of(_reader, (TypeDefinitionHandle)entity));
                break;
            case HandleKind.TypeReference:
                Add(TypeName.Of(_reader, (TypeReferenceHandle)entity));
                break;
            case HandleKind.TypeSpecification:
                _reader.GetTypeSpecification((TypeSpecificationHandle)entity).DecodeSignature(_signatureTypes, 0);
                break;
            case HandleKind.MethodDefinition:
                Add(_reader.GetMethodDefinition((MethodDefinitionHandle)entity).GetDeclaringType());
                break;
            case HandleKind.FieldDefinition:
                Add(_reader.GetFieldDefinition((FieldDefinitionHandle)entity).GetDeclaringType());
                break;
            case HandleKind.MemberReference:
                Add(_reader.GetMemberReference((MemberReferenceHandle)entity).Parent);
                break;
            case HandleKind.MethodSpecification:
                MethodSpecification method = _reader.GetMethodSpecification((MethodSpecificationHandle)entity);
                Add(method.Method);
                method.DecodeSignature(_signatureTypes, 0);
                break;
            case HandleKind.StandaloneSignature:
                AddSignature(_reader.GetStandaloneSignature((StandaloneSignatureHandle)entity));
                break;
            default:
                throw new BadImageFormatException($"{_from} refers to an entity of the kind {entity.Kind}");
        }
    }

    private void AddSignature(StandaloneSignature signature)
    {
        if (signature.GetKind() == StandaloneSignatureKind.LocalVariables) signature.DecodeLocalSignature(_signatureTypes, 0);
        else signature.DecodeMethodSignature(_signatureTypes, 0);
    }

    private void Add(TypeName to)
    {
        if (_from.IsOurs && to.IsOurs && to != _from) _pairs.Add((_from, to));
    }
}
