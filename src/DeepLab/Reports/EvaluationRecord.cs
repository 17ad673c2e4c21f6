using DeepLab.Evaluation;

namespace DeepLab.Reports;

/// <summary>
/// What a page about evaluations is made of: the measures of every snapshot, and the pictures of the best one alone, so
/// that memory does not grow.
/// </summary>
public sealed class EvaluationRecord
{
    private readonly List<EvaluationReport> _reports = [];

    /// <summary>The measures in the order in which they were added.</summary>
    public IReadOnlyList<EvaluationReport> Reports => _reports;

    /// <summary>The evaluation with the largest mean IoU, the first of equals; null before the first.</summary>
    internal EvaluationReport? Best { get; private set; }

    /// <summary>The images of <see cref="Best"/>; null where none were given.</summary>
    public ImageRanking? Images { get; private set; }

    /// <summary>Facts about <see cref="Best"/>: a term and what it is each.</summary>
    internal IReadOnlyList<(string Term, string Value)> Facts { get; private set; } = [];

    /// <summary>Adds a snapshot.</summary>
    /// <param name="report">Its measures, with the confusion matrix.</param>
    /// <param name="images">Its images, or null.</param>
    /// <param name="facts">Facts about it, such as a checksum.</param>
    /// <exception cref="ArgumentException">
    /// The report has no confusion matrix, or other classes than those before.
    /// </exception>
    public void Add(EvaluationReport report, ImageRanking? images, IReadOnlyList<(string Term, string Value)> facts)
    {
        ArgumentNullException.ThrowIfNull(report);
        if (report.Confusion is null) throw new ArgumentException("the report has no confusion matrix", nameof(report));
        if (_reports.Count > 0 && _reports[0].Classes.Count != report.Classes.Count)
            throw new ArgumentException($"a report of {report.Classes.Count} classes beside one of {_reports[0].Classes.Count}", nameof(report));
        bool isBest = Best is null || report.MeanIoU > Best.MeanIoU;
        if (isBest) (Best, Images, Facts) = (report, images, facts);

        // The matrix of the others would only take memory.
        _reports.Add(isBest ? report : report with { Confusion = null, Images = [] });
    }
}
