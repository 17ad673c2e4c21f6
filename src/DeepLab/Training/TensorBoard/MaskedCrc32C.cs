using System.Buffers.Binary;
using System.Numerics;

namespace DeepLab.Training.TensorBoard;

/// <summary>
/// The checksum of TFRecord files: CRC-32C (Castagnoli), rotated and offset so that the checksum of data that contains
/// checksums is not trivial.
/// </summary>
internal static class MaskedCrc32C
{
    private const uint Shift = 0xa282ead8;

    public static uint Of(ReadOnlySpan<byte> bytes) => BitOperations.RotateRight(Unmasked(bytes), 15) + Shift;

    /// <summary>CRC-32C as in iSCSI (RFC 3720, appendix B.4).</summary>
    public static uint Unmasked(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (byte value in bytes) crc = BitOperations.Crc32C(crc, value);
        return ~crc;
    }
}
