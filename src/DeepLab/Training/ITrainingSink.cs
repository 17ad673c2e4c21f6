namespace DeepLab.Training;

/// <summary>
/// Records how a training run goes: to a file, for instance. It is told by the thread that trains, between two iterations, so what it takes long
/// for delays the run; what it throws ends it.
/// </summary>
public interface ITrainingSink
{
    /// <summary>Records an iteration.</summary>
    void Record(in TrainingProgress progress);

    /// <summary>Records an evaluation; those of an iteration come after the iteration itself.</summary>
    void Record(ValidationResult result);
}
