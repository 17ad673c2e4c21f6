using System.Reflection;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;

namespace DeepLab.Tests.Architecture;

/// <summary>The metadata tokens among the operands of a method's instructions.</summary>
internal static class MethodTokens
{
    private const byte TwoBytePrefix = 0xFE;

    private static readonly Dictionary<ushort, OperandType> s_operands = typeof(OpCodes)
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(code => (ushort)code.Value, code => code.OperandType);

    /// <summary>The types, methods, fields and signatures that the instructions name, in order.</summary>
    public static IEnumerable<EntityHandle> Of(MethodBodyBlock body)
    {
        BlobReader code = body.GetILReader();
        var tokens = new List<EntityHandle>();
        while (code.RemainingBytes > 0)
        {
            ushort value = code.ReadByte();
            if (value == TwoBytePrefix) value = (ushort)((TwoBytePrefix << 8) | code.ReadByte());
            switch (s_operands[value])
            {
                case OperandType.InlineNone:
                    break;
                case OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineSig or OperandType.InlineTok or OperandType.InlineType:
                    tokens.Add(MetadataTokens.EntityHandle(code.ReadInt32()));
                    break;
                case OperandType.InlineSwitch:
                    int targets = code.ReadInt32();
                    code.Offset += 4 * targets;
                    break;
                case OperandType other:
                    code.Offset += Size(other);
                    break;
            }
        }

        return tokens;
    }

    private static int Size(OperandType operand) => operand switch
    {
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineBrTarget or OperandType.InlineI or OperandType.InlineString or OperandType.ShortInlineR => 4,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        _ => throw new BadImageFormatException($"an instruction's operand is of the kind {operand}"),
    };
}
