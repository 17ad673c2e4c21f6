using System.Buffers;
using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace DeepLab.IO;

/// <summary>
/// A file in memory as the system pages it in. It lives as long as anybody holds values of it; a file that becomes
/// shorter meanwhile ends the process when what is missing is read.
/// </summary>
internal sealed unsafe class FileMapping
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _start;

    private FileMapping(MemoryMappedFile file, MemoryMappedViewAccessor view)
    {
        _file = file;
        _view = view;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
    }

    ~FileMapping()
    {
        if (_start is not null) _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file.Dispose();
    }

    /// <summary>Maps a file, or gives null where that cannot be done.</summary>
    /// <param name="handle">The file, which stays the caller's.</param>
    /// <param name="length">How much of it to map.</param>
    public static FileMapping? Of(SafeFileHandle handle, long length)
    {
        if (!Environment.Is64BitProcess || !BitConverter.IsLittleEndian) return null;
        MemoryMappedFile? file = null;
        MemoryMappedViewAccessor? view = null;
        try
        {
            file = MemoryMappedFile.CreateFromFile(handle, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
            view = file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
            var mapping = new FileMapping(file, view);
            MemoryAdvice.ReadAhead(mapping._start, (nuint)length);
            return mapping;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            view?.Dispose();
            file?.Dispose();
            return null;
        }
    }

    /// <summary>Singles of the file, in place.</summary>
    /// <param name="offset">Where the first lies, a multiple of their size.</param>
    /// <param name="count">How many; the caller has checked that all lie in the file.</param>
    public ReadOnlyMemory<float> Singles(long offset, int count) => new Values(this, offset, count).Memory;

    private sealed class Values(FileMapping mapping, long offset, int count) : MemoryManager<float>
    {
        public override Span<float> GetSpan() => new(mapping._start + offset, count);

        public override MemoryHandle Pin(int elementIndex = 0)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(elementIndex);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(elementIndex, count);
            return new MemoryHandle(mapping._start + offset + ((long)elementIndex * sizeof(float)), pinnable: this);
        }

        public override void Unpin()
        {
        }

        // The mapping lives as long as it is reachable.
        protected override void Dispose(bool disposing)
        {
        }
    }
}
