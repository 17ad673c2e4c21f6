namespace DeepLab.Data;

/// <summary>An image of a dataset with its label image.</summary>
/// <param name="Name">What the list calls it: the id, or the image's file name without extension.</param>
/// <param name="ImagePath">The JPEG or PNG photograph.</param>
/// <param name="LabelPath">The PNG with one class index per pixel.</param>
public sealed record SampleFile(string Name, string ImagePath, string LabelPath);
