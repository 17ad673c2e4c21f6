namespace DeepLab.Training;

/// <summary>Several observers as one: each event goes to all of them, in their order.</summary>
internal sealed class TrainingObservers(IReadOnlyList<ITrainingObserver> observers) : ITrainingObserver
{
    public void OnIteration(in TrainingProgress progress)
    {
        foreach (ITrainingObserver observer in observers) observer.OnIteration(progress);
    }

    public void OnSnapshot(SnapshotFile snapshot)
    {
        foreach (ITrainingObserver observer in observers) observer.OnSnapshot(snapshot);
    }

    public void OnEvaluationProgress(int iteration, int evaluated, int total)
    {
        foreach (ITrainingObserver observer in observers) observer.OnEvaluationProgress(iteration, evaluated, total);
    }

    public void OnEvaluation(ValidationResult result)
    {
        foreach (ITrainingObserver observer in observers) observer.OnEvaluation(result);
    }

    public void OnFinished(TrainingSummary summary)
    {
        foreach (ITrainingObserver observer in observers) observer.OnFinished(summary);
    }
}

/// <summary>A callback as an observer of iterations.</summary>
internal sealed class ProgressObserver(Action<TrainingProgress> callback) : ITrainingObserver
{
    public void OnIteration(in TrainingProgress progress) => callback(progress);
}
