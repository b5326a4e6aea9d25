using HShare.AI.Engine;

namespace HShare.AI.Tests;

public class BundledModelTests
{
    [Fact]
    public void It_is_found_above_the_app_in_a_checkout() => Assert.Equal(TestFiles.TinyModel, BundledModel.Find());

    [Fact]
    public void A_folder_beside_the_app_comes_before_those_above()
    {
        DirectoryInfo root = Directory.CreateTempSubdirectory("hshare-test-");
        try
        {
            string app = Path.Combine(root.FullName, "bin", "app");
            string beside = CreateModel(app);
            CreateModel(root.FullName);
            Assert.Equal(beside, BundledModel.Find(app));
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    [Fact]
    public void Where_it_is_nowhere_the_error_lists_the_places()
    {
        DirectoryInfo root = Directory.CreateTempSubdirectory("hshare-test-");
        try
        {
            var error = Assert.Throws<ModelLoadException>(() => BundledModel.Find(root.FullName));
            Assert.Contains(Path.Combine(root.FullName, "models", "hshare-tiny"), error.Message, StringComparison.Ordinal);
            Assert.Contains("ModelPath", error.Message, StringComparison.Ordinal);
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    private static string CreateModel(string folder)
    {
        string model = Directory.CreateDirectory(Path.Combine(folder, "models", BundledModel.Name)).FullName;
        File.WriteAllText(Path.Combine(model, "config.json"), "{}");
        return model;
    }
}
