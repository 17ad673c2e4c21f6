using System.Globalization;
using DeepLab.IO;

namespace DeepLab.Data;

/// <summary>
/// Replaces label values by others after a label image is read, all at once: with <c>1=2</c> and <c>2=1</c> the two
/// change places. Values that are not named stay.
/// </summary>
public sealed class LabelMapping
{
    private readonly byte[] _table = new byte[256];

    /// <summary>Creates the mapping.</summary>
    /// <param name="pairs">Old and new values, 0 to 255; 255 as new value means ignored.</param>
    /// <exception cref="ArgumentException">An old value comes twice.</exception>
    public LabelMapping(IEnumerable<KeyValuePair<byte, byte>> pairs)
    {
        ArgumentNullException.ThrowIfNull(pairs);
        for (int i = 0; i < 256; i++) _table[i] = (byte)i;
        var sorted = new SortedDictionary<byte, byte>();
        foreach ((byte from, byte to) in pairs)
        {
            if (!sorted.TryAdd(from, to)) throw new ArgumentException($"Label {from} is mapped twice.", nameof(pairs));
            _table[from] = to;
        }

        Pairs = [.. sorted];
    }

    /// <summary>The mapping that changes nothing.</summary>
    public static LabelMapping None { get; } = new([]);

    /// <summary>The pairs of old and new values, sorted by the old.</summary>
    internal IReadOnlyList<KeyValuePair<byte, byte>> Pairs { get; }

    /// <summary>The value that stands for <paramref name="label"/>.</summary>
    public byte this[byte label] => _table[label];

    /// <summary>
    /// Reads pairs as the option <c>--map-label</c> has them: <c>255=1</c>; several in one text are separated by
    /// commas.
    /// </summary>
    /// <exception cref="DeepLabException">
    /// A text is no pair of numbers from 0 to 255, or an old value comes twice.
    /// </exception>
    public static LabelMapping Parse(IEnumerable<string> texts)
    {
        ArgumentNullException.ThrowIfNull(texts);
        var pairs = new Dictionary<byte, byte>();
        foreach (string text in texts.SelectMany(t => t.Split(',')))
        {
            string[] sides = text.Split('=');
            if (sides.Length != 2 || !TryParse(sides[0], out byte from) || !TryParse(sides[1], out byte to))
                throw new DeepLabException($"{BoundedText.Quote(text)} is no pair OLD=NEW of numbers from 0 to 255, as in 255=1");
            if (!pairs.TryAdd(from, to))
                throw new DeepLabException($"label {from} is mapped twice, to {pairs[from]} and to {to}");
        }

        return new LabelMapping(pairs);
    }

    /// <summary>Replaces every label in place.</summary>
    internal void Apply(Span<byte> labels)
    {
        if (Pairs.Count == 0) return;
        foreach (ref byte label in labels) label = _table[label];
    }

    private static bool TryParse(string text, out byte value) =>
        byte.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out value);
}
