using DeepLab.Training;

namespace DeepLab.Reports;

/// <summary>
/// What the <c>log.csv</c> and <c>eval.csv</c> of a run tell, reduced to curves that can be drawn, however long the run
/// was.
/// </summary>
internal sealed class TrainingHistory
{
    /// <summary>The most buckets that a table is reduced to.</summary>
    public const int MostBuckets = 1000;

    /// <summary>
    /// The columns of <see cref="Buckets"/>: the losses as <see cref="LossNames"/> lists them, that of the fused scores
    /// last, the learning rate, and the seconds that an iteration took, without what evaluations before it took.
    /// </summary>
    public static readonly int FusedLoss = LossNames.Columns.Count - 1, LearningRate = FusedLoss + 1, Seconds = LearningRate + 1;

    /// <summary>
    /// The columns of <see cref="Evaluations"/>: shares from 0 to 1, or NaN where nothing could be measured.
    /// </summary>
    public const int MeanIoU = 0, PixelAccuracy = 1;

    private const int EvaluationColumns = 4;

    private static readonly int s_columns = Seconds + 2;

    private readonly LogBuckets _buckets = new(s_columns - 1, MostBuckets), _evaluations = new(EvaluationColumns - 2, MostBuckets);
    private double _clock;

    private TrainingHistory(string path, string? evaluationsPath) => (Path, EvaluationsPath) = (path, evaluationsPath);

    /// <summary>The log.</summary>
    public string Path { get; }

    /// <summary>The file of the evaluations on the way; null for none.</summary>
    public string? EvaluationsPath { get; }

    /// <summary>The lines that were read, one iteration each.</summary>
    public long Lines { get; private set; }

    /// <summary>The last iteration, 0 if there is none.</summary>
    public long LastIteration { get; private set; }

    /// <summary>
    /// The seconds that the iterations took, without evaluations. Where the log's clock began again, as after a
    /// restart, the parts are added up.
    /// </summary>
    public double TrainingSeconds { get; private set; }

    /// <summary>The seconds that evaluations took.</summary>
    public double EvaluationSeconds { get; private set; }

    /// <summary>The seconds that the run took.</summary>
    public double TotalSeconds => TrainingSeconds + EvaluationSeconds;

    /// <summary>
    /// The files that ended in the middle of a line, as a crash leaves them; those lines are left out.
    /// </summary>
    public IReadOnlyList<string> CutOff { get; private set; } = [];

    /// <summary>The log's lines in runs of neighbors, at most <see cref="MostBuckets"/>.</summary>
    internal IReadOnlyList<LogBucket> Buckets { get; private set; } = [];

    /// <summary>
    /// The evaluations on the way in runs of neighbors, at most <see cref="MostBuckets"/>, and so one each unless there
    /// are more; none without a file of them.
    /// </summary>
    internal IReadOnlyList<LogBucket> Evaluations { get; private set; } = [];

    /// <summary>How many evaluations there were during training.</summary>
    public long EvaluationCount => Evaluations.Sum(e => e.Count);

    /// <summary>
    /// Reads the tables of a run; of one that is still going on too. Columns are found by their names; others than ours
    /// are skipped.
    /// </summary>
    /// <param name="log">A file as training writes it, one iteration per line.</param>
    /// <param name="evaluations">
    /// The file that training writes beside it if it evaluates on the way, one evaluation per line; null for none.
    /// </param>
    /// <exception cref="InvalidFileException">
    /// A file cannot be read, is larger than 4 GiB, or a line is not what it should be.
    /// </exception>
    public static TrainingHistory Load(string log, string? evaluations = null)
    {
        var history = new TrainingHistory(log, evaluations);
        using var iterations = new RunTable(log, TrainingLog.IterationColumns);
        using RunTable? measures = evaluations is null ? null : new RunTable(evaluations, TrainingLog.EvaluationColumns, mayLackValues: true);
        history.Read(iterations, measures);
        history.CutOff = [.. iterations.IsCutOff ? [log] : Array.Empty<string>(), .. measures is { IsCutOff: true } ? [evaluations!] : Array.Empty<string>()];
        history.Buckets = history._buckets.ToList();
        history.Evaluations = history._evaluations.ToList();
        return history;
    }

    // Both tables are read side by side, since an evaluation's time is part of the log's next line.
    private void Read(RunTable iterations, RunTable? evaluations)
    {
        Span<double> line = stackalloc double[s_columns], evaluation = stackalloc double[EvaluationColumns];
        bool isPending = evaluations?.Read(evaluation) ?? false;
        while (iterations.Read(line))
        {
            double paused = 0;
            for (; isPending && evaluation[0] < line[0]; isPending = evaluations!.Read(evaluation)) paused += Add(evaluation, evaluations!);
            Add(line, paused, iterations);
        }

        for (; isPending; isPending = evaluations!.Read(evaluation)) _ = Add(evaluation, evaluations!);
    }

    private void Add(Span<double> line, double paused, RunTable table)
    {
        double clock = line[^1];
        if (clock < 0) throw table.Wrong("seconds are negative");
        double took = clock >= _clock ? Math.Max(clock - _clock - paused, 0) : clock;
        long iteration = (long)line[0];
        line[^1] = Lines == 0 ? took : took / (iteration - LastIteration);
        TrainingSeconds += took;
        (_clock, LastIteration) = (clock, iteration);
        Lines++;
        _buckets.Add(iteration, line[1..]);
    }

    private double Add(ReadOnlySpan<double> evaluation, RunTable table)
    {
        (double meanIoU, double accuracy, double seconds) = (evaluation[1], evaluation[2], evaluation[3]);
        if (meanIoU is < 0 or > 1 || accuracy is < 0 or > 1) throw table.Wrong("mean_iou and pixel_accuracy are shares, expected numbers from 0 to 1");
        if (!(seconds >= 0)) throw table.Wrong("seconds are negative or no number");
        EvaluationSeconds += seconds;
        _evaluations.Add((long)evaluation[0], evaluation[1..3]);
        return seconds;
    }
}
