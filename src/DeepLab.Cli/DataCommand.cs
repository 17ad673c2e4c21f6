using System.CommandLine;
using DeepLab.Data;
using DeepLab.Imaging;
using DeepLab.IO;

namespace DeepLab.Cli;

/// <summary><c>deeplab data</c>: <c>check</c> inspects every file of a dataset.</summary>
internal static class DataCommand
{
    public static Command Create()
    {
        var check = new CliCommand(
            "check", "Reads every image and label image of a dataset and shows counts, sizes, the share of each class, and any problems (exit status 1 if there are errors).")
        {
            Examples =
            [
                "deeplab data check --voc ~/VOCdevkit/VOC2012 --split train",
                "deeplab data check --images photos --labels masks --list train.txt --classes 2 --map-label 255=1",
            ],
        };
        var dataset = new DatasetArguments(check, forEvaluation: false);
        Option<int> threads = check.AddOptionWithDefault("--threads", "reader threads, 0 for one per processor", 0);
        check.Require(threads, n => n is >= 0 and <= 1024, "0 to 1024");
        Option<string?> json = check.AddOption<string?>("--json", "also write the findings to this file");
        json.HelpName = "FILE";
        check.SetRun((parse, invocation) =>
        {
            SegmentationDataset opened = dataset.Open(parse);
            int wanted = parse.GetValue(threads);
            return Check(opened, wanted == 0 ? Environment.ProcessorCount : wanted, parse.GetValue(json), invocation);
        });
        var command = new CliCommand("data", "Inspects datasets.") { Examples = check.Examples };
        command.Add(check);
        return command;
    }

    private static int Check(SegmentationDataset dataset, int threads, string? json, CommandInvocation invocation)
    {
        CliConsole console = invocation.Console;
        CodecLibrary.RequireAll();
        int count = dataset.Samples.Count;
        DatasetReport report = DatasetReport.Create(
            dataset, threads, done => console.Progress($"{done}/{count} images read"), invocation.Cancellation);
        if (json is not null) AtomicFile.WriteAllText(json, report.ToJson());
        console.Line($"{ConsoleText.Sanitize(report.Source)}: {report.Listed} listed, {report.Usable} usable for training");
        if (report is { Widths: SideSummary widths, Heights: SideSummary heights })
        {
            console.Line($"widths {Describe(widths)}, heights {Describe(heights)}, {report.DistinctSizes} different size{(report.DistinctSizes == 1 ? "" : "s")}");
            console.Line();
            WriteClasses(report, console);
        }

        console.Line();
        if (report.Problems.IsEmpty) console.Line("no problems found");
        foreach (DatasetProblem problem in report.Problems.OrderByDescending(p => p.Level))
            console.Line($"{(problem.Level == AdviceLevel.Error ? "error" : "warning")}: {RemedyText.Append(problem.Message, problem.Remedy).ReplaceLineEndings(" ")}");
        return report.HasErrors ? Program.Failed : 0;
    }

    private static void WriteClasses(DatasetReport report, CliConsole console)
    {
        const string name = "class";
        ClassOccurrence[] rows = [.. report.Classes, report.Ignored];
        int width = rows.Max(r => ConsoleText.Sanitize(r.Name).Length);
        width = Math.Max(width, name.Length);
        console.Line($"label  {name.PadRight(width)}   share   images");
        foreach (ClassOccurrence row in rows)
            console.Line($"{row.Label,5}  {ConsoleText.Sanitize(row.Name).PadRight(width)}  {ConsoleText.Percent(report.ShareOf(row)),6}  {row.Images,7}");
        long others = report.Pixels - rows.Sum(r => r.Pixels);
        if (others > 0) console.Line($"{"",5}  {"none of these".PadRight(width)}  {ConsoleText.Percent((double)others / report.Pixels),6}");
    }

    private static string Describe(SideSummary side) => side.Minimum == side.Maximum ? $"{side.Minimum}" : $"{side.Minimum} to {side.Maximum} (median {side.Median})";
}
