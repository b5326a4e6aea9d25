using HShare.AI.Engine.Scheduling;

namespace HShare.AI.Engine.Tests.Scheduling;

public sealed class OwnerThreadTests
{
    [Fact]
    public async Task It_keeps_nothing_of_the_context_it_was_started_in()
    {
        AsyncLocal<string> ambient = new() { Value = "the request that happened to create the engine" };
        string? seen = "nothing yet";
        ScriptedBackend backend = new() { BeforeStep = _ => seen = ambient.Value };
        await using InferenceEngine engine = ScriptedModel.CreateEngine(new EngineOptions(), backend);
        await engine.RunAsync([1, 2, 3], 1);

        Assert.Null(seen);
    }
}
