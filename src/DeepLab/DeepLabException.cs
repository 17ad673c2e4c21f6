namespace DeepLab;

/// <summary>
/// A failure that the user can do something about: its message says what was being done, what was found, what was
/// expected and, in words that hold for any caller, what would help. A program that lets its users choose settings can
/// name its own controls by <see cref="Remedy"/>: the command line prints the message followed by the option that would
/// help, and exits with status 1.
/// </summary>
public class DeepLabException : Exception
{
    /// <summary>Creates the exception with a message for the user.</summary>
    /// <param name="message">
    /// One line without a full stop: what was being done, what was found, what was expected, what would help. It names
    /// no option of the command line.
    /// </param>
    /// <param name="innerException">The cause, if another exception was.</param>
    public DeepLabException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <summary>The change that would help, as data; null where the message says all there is to say.</summary>
    /// <example>
    /// <code>
    /// throw new DeepLabException($"{file} has 2 classes, the dataset 3; they must agree")
    /// {
    ///     Remedy = new Remedy(RemedyKind.Classes, 2),
    /// };
    /// </code>
    /// The command line words that as <c>net.pth has 2 classes, the dataset 3; they must agree: give --classes 2</c>.
    /// </example>
    public Remedy? Remedy { get; init; }
}

/// <summary>A file (image, label image, weights, list) does not hold what it should.</summary>
public sealed class InvalidFileException : DeepLabException
{
    /// <summary>Creates the exception; its message is <c>path: problem</c>.</summary>
    /// <param name="path">The file that was being read.</param>
    /// <param name="problem">What was found, where, and what was expected.</param>
    /// <param name="innerException">The cause, if another exception was.</param>
    public InvalidFileException(string path, string problem, Exception? innerException = null)
        : base($"{path}: {problem}", innerException) => Path = path;

    /// <summary>The file that was being read.</summary>
    public string Path { get; }
}
