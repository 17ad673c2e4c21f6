using System.CommandLine;
using DeepLab.Reports;

namespace DeepLab.Cli;

/// <summary><c>deeplab report</c>: a page about a training run.</summary>
internal static class ReportCommand
{
    private const string DefaultName = "report.html";

    public static Command Create()
    {
        var command = new CliCommand("report", "Writes a page about a training run, one self-contained HTML file: losses, mean IoU, learning rate, time, snapshots.")
        {
            Examples =
            [
                "deeplab report data/snapshots",
                "deeplab report data/snapshots --eval measures.json -o training.html",
            ],
        };
        var folder = new Argument<string>("FOLDER") { Description = $"the folder of a training run: {TrainingRecord.LogName}, snapshots, and {TrainingRecord.EvaluationsName} if train --eval-every wrote it" };
        command.Add(folder);
        Option<string?> measures = command.AddOption<string?>(
            "--eval", $"measures of the snapshots, as eval --json writes them [default: {string.Join(" or ", TrainingRecord.MeasuresNames)} in the folder, if present]");
        measures.HelpName = "FILE.json";
        Option<string?> output = command.AddOption<string?>("--output", $"the page to write [default: {DefaultName} in the folder]", "-o");
        output.HelpName = "FILE.html";
        command.SetRun((parse, invocation) =>
        {
            string path = parse.GetValue(folder)!;
            string page = parse.GetValue(output) ?? Path.Combine(path, DefaultName);
            TrainingRecord training = TrainingRecord.Load(path, parse.GetValue(measures));
            TrainingPage.Write(page, training, RunFacts.Here(CommandInvocation.Words(parse), DateTimeOffset.Now));
            foreach (string file in training.CutOff) invocation.Console.Note($"note: the last line of {ConsoleText.Sanitize(file)} is cut off and left out");
            long evaluations = training.EvaluationCount;
            string onTheWay = evaluations == 0 ? "" : $", {Counted(evaluations, "evaluation")} during training";
            invocation.Console.Line($"{Counted(training.Iterations, "iteration")}, {Counted(training.Snapshots.Count, "snapshot")}{onTheWay}");
            invocation.Console.Line($"written {ConsoleText.Sanitize(page)}, {ConsoleText.Count(new FileInfo(page).Length)} bytes");
            return 0;
        });
        return command;
    }

    private static string Counted(long count, string what) => $"{ConsoleText.Count(count)} {what}{(count == 1 ? "" : "s")}";
}
