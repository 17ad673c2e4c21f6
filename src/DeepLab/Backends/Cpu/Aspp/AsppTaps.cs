namespace DeepLab.Backends.Cpu;

/// <summary>
/// One position, relative to the output, that convolutions of a pyramid read. All of them share the center.
/// </summary>
internal struct AsppTap
{
    public int OffsetY, OffsetX;
    public int FirstSource, SourceCount;
    public int Column;              // where its outputs start in the matrix of all taps
}

/// <summary>
/// Taps with the same vertical offset. Their columns start on a panel boundary, so that pixels none of them needs are
/// skipped together.
/// </summary>
internal struct AsppGroup
{
    public int OffsetY;
    public int FirstTap, TapCount;
    public int FirstColumn, PaddedColumns;
}

/// <summary>One map of the batch.</summary>
internal struct AsppMap
{
    public int FirstRow, Height, Width;
}

/// <summary>The maps of a batch, which the input and the output share.</summary>
internal unsafe struct AsppMaps
{
    public AsppMap* Maps;
    public int Count;

    /// <summary>The map that contains a row.</summary>
    public readonly AsppMap* Find(int row)
    {
        int i = Count - 1;
        while (Maps[i].FirstRow > row) i--;
        return Maps + i;
    }

    /// <summary>
    /// Whether a tap with this vertical offset has its output within the map for any of the pixels [first, first +
    /// count).
    /// </summary>
    public readonly bool IsNeeded(int offsetY, int first, int count)
    {
        for (int i = 0; i < Count; i++)
        {
            AsppMap map = Maps[i];
            int from = Math.Max(first - map.FirstRow, 0), to = Math.Min(first + count - map.FirstRow, map.Height * map.Width);
            if (from < to && ((to - 1) / map.Width) - offsetY >= 0 && (from / map.Width) - offsetY < map.Height) return true;
        }

        return false;
    }
}

/// <summary>
/// Several convolutions of one input as one: all their taps, merged where they read the same place, and ordered by what
/// they read. The lists live on the caller's stack.
/// </summary>
internal unsafe struct AsppTaps
{
    /// <summary>With more taps than this, the branches are computed one by one.</summary>
    public const int Most = 128;

    /// <summary>With more branches than this, they are computed one by one.</summary>
    public const int MostBranches = 32;

    public AsppTap* Taps;
    public AsppGroup* Groups;
    public int* Sources;            // branch · taps per branch + tap
    public int Count, GroupCount;
    public int TapsPerBranch;
    public int Channels, Outputs;   // of the input and of the scores
    public int Columns;             // of all groups, including padding

    /// <summary>Whether the branches can be computed together.</summary>
    public static bool Suit(AsppSpec spec) => spec.Branches.Length is > 1 and <= MostBranches && spec.Branches.Length * spec.Branches[0].Taps <= Most;

    /// <summary>Lists the taps; each list has room for <see cref="Most"/> entries.</summary>
    public static AsppTaps Of(AsppSpec spec, int panel, AsppTap* taps, AsppGroup* groups, int* sources)
    {
        ReadOnlySpan<ConvolutionSpec> branches = spec.Branches.AsSpan();
        var result = new AsppTaps
        {
            Taps = taps,
            Groups = groups,
            Sources = sources,
            TapsPerBranch = branches[0].Taps,
            Channels = branches[0].InChannels,
            Outputs = branches[0].OutChannels,
        };
        int total = branches.Length * result.TapsPerBranch;
        for (int i = 0; i < total; i++) sources[i] = i;
        int* offsets = stackalloc int[2 * Most];
        for (int i = 0; i < total; i++)
        {
            ConvolutionSpec branch = branches[i / result.TapsPerBranch];
            int tap = i % result.TapsPerBranch, half = branch.KernelSize / 2;
            offsets[2 * i] = ((tap / branch.KernelSize) - half) * branch.Dilation;
            offsets[(2 * i) + 1] = ((tap % branch.KernelSize) - half) * branch.Dilation;
        }

        // Sorted by offset, vertical first; ties keep the order of the branches. There are few, so a plain insertion
        // sort will do.
        for (int i = 1; i < total; i++)
        {
            int moved = sources[i], j = i;
            for (; j > 0 && Compare(offsets, sources[j - 1], moved) > 0; j--) sources[j] = sources[j - 1];
            sources[j] = moved;
        }

        result.Fill(offsets, total, panel);
        return result;
    }

    private static int Compare(int* offsets, int a, int b)
    {
        int y = offsets[2 * a].CompareTo(offsets[2 * b]);
        return y != 0 ? y : offsets[(2 * a) + 1].CompareTo(offsets[(2 * b) + 1]);
    }

    private void Fill(int* offsets, int total, int panel)
    {
        for (int i = 0; i < total; i++)
        {
            int y = offsets[2 * Sources[i]], x = offsets[(2 * Sources[i]) + 1];
            if (Count > 0 && Taps[Count - 1].OffsetY == y && Taps[Count - 1].OffsetX == x)
            {
                Taps[Count - 1].SourceCount++;
                continue;
            }

            if (GroupCount == 0 || Groups[GroupCount - 1].OffsetY != y)
            {
                if (GroupCount > 0) Close(panel);
                Groups[GroupCount++] = new AsppGroup { OffsetY = y, FirstTap = Count, FirstColumn = Columns };
            }

            AsppGroup* group = Groups + GroupCount - 1;
            Taps[Count++] = new AsppTap
            {
                OffsetY = y,
                OffsetX = x,
                FirstSource = i,
                SourceCount = 1,
                Column = group->FirstColumn + (group->TapCount++ * Outputs),
            };
        }

        Close(panel);
    }

    private void Close(int panel)
    {
        AsppGroup* group = Groups + GroupCount - 1;
        group->PaddedColumns = ((group->TapCount * Outputs) + panel - 1) / panel * panel;
        Columns += group->PaddedColumns;
    }
}
