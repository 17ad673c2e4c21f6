namespace DeepLab;

/// <summary>
/// A failure that the user can do something about: its message says what was being done, what was found, what was
/// expected and what to do. The command line prints the message alone and exits with status 1.
/// </summary>
public class DeepLabException : Exception
{
    /// <summary>Creates the exception with a message for the user.</summary>
    /// <param name="message">One line: what was being done, what was found, what was expected, what to do.</param>
    /// <param name="innerException">The cause, if another exception was.</param>
    public DeepLabException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
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
