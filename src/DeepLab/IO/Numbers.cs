using System.Globalization;

namespace DeepLab.IO;

/// <summary>Numbers as people read them, in any culture with a point and commas.</summary>
internal static class Numbers
{
    /// <summary>What stands where there is nothing to show.</summary>
    public const string None = "–";

    /// <summary>A share as 90.57 %, or – for NaN.</summary>
    public static string Percent(double share) => double.IsNaN(share) ? None : Format($"{100 * share:0.00} %");

    /// <summary>A count with its digits in groups.</summary>
    public static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A measured number with four significant digits.</summary>
    public static string Measured(double value)
    {
        double size = Math.Abs(value);
        if (double.IsNaN(size)) return None;
        if (size == 0) return "0";
        if (size is < 1e-3 or >= 1e7) return value.ToString("0.###e-0", CultureInfo.InvariantCulture);
        int decimals = Math.Clamp(3 - (int)Math.Floor(Math.Log10(size)), 0, 6);
        return value.ToString("N" + decimals, CultureInfo.InvariantCulture);
    }

    /// <summary>A round number of an axis, as short as it can be written.</summary>
    public static string Round(double value) => Math.Abs(value) is > 0 and (< 1e-3 or >= 1e9)
        ? value.ToString("0.###e-0", CultureInfo.InvariantCulture)
        : value.ToString("#,0.######", CultureInfo.InvariantCulture);

    /// <summary>A span of time as 12 s, 3 min 05 s or 2 h 07 min.</summary>
    public static string Duration(double seconds)
    {
        long whole = (long)seconds;
        return whole >= 3600 ? Format($"{Count(whole / 3600)} h {whole / 60 % 60:00} min") : whole >= 60 ? Format($"{whole / 60} min {whole % 60:00} s") : Format($"{seconds:0.#} s");
    }

    /// <summary>A size as 45.3 MB.</summary>
    public static string Size(long bytes) => bytes >= 1_000_000 ? Format($"{bytes / 1e6:0.0} MB") : Format($"{bytes / 1e3:0.0} kB");

    /// <summary>A moment to the minute, with its distance from UTC.</summary>
    public static string Date(DateTimeOffset moment) => moment.ToString("yyyy-MM-dd HH:mm zzz", CultureInfo.InvariantCulture);

    /// <summary>Text with numbers in the invariant culture.</summary>
    public static string Format(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
