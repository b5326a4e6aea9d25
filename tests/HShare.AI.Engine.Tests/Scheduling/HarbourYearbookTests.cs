using HShare.AI.Engine.Compute.Cpu;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Scheduling;
using HShare.AI.Engine.Verification;

namespace HShare.AI.Engine.Tests.Scheduling;

/// <summary>The main job, below the chat client: two questions on one long document, as the reference rendered them.</summary>
public sealed class HarbourYearbookTests
{
    [Fact]
    public async Task A_second_question_prefills_under_a_twentieth_and_both_answers_are_the_references()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        var model = LanguageModel.Load(TestFiles.TinyModel, new CpuBackend(), cancellationToken: cancellation);
        ReferenceSet reference = ReferenceSet.Read(Path.Combine(TestFiles.TinyModel, ReferenceSet.FileName), model.Config);
        ReferenceCase first = reference.Cases.Single(c => c.Name == "chat_document");
        ReferenceCase second = reference.Cases.Single(c => c.Name == "chat_document_absent");
        string document = await File.ReadAllTextAsync(
            Path.Combine(TestFiles.Root, "samples", "AskDocument", "harbour-yearbook.txt"), cancellation);
        Assert.Contains(document.Trim(), model.Tokenizer!.Decode(first.InputIds)); // else golden.json is of an older text
        Assert.InRange(first.InputIds.Count, 5000, 7000);

        await using InferenceEngine engine = new(model, new EngineOptions { MaxContext = 6144, MaxBatch = 2 });
        await AnswerAsync(engine, first);
        long prefilled = engine.GetStatistics().PrefillTokens;
        Assert.Equal(first.InputIds.Count, prefilled);

        Generation generation = await AnswerAsync(engine, second);
        prefilled = engine.GetStatistics().PrefillTokens - prefilled;
        Assert.Equal(second.InputIds.Count - generation.CachedPromptTokens, prefilled);
        Assert.True(prefilled < 0.05 * second.InputIds.Count, $"{prefilled} of {second.InputIds.Count} tokens were prefilled.");
        EngineAssert.PoolIsWhole(engine);
    }

    private static async Task<Generation> AnswerAsync(InferenceEngine engine, ReferenceCase question)
    {
        Generation generation = engine.Submit(
            new() { Prompt = question.InputIds, MaxOutputTokens = question.GreedyIds.Count, StopIds = [] });
        Assert.Equal(question.GreedyIds, await generation.ReadIdsAsync()); // no margin is near the tolerance
        return generation;
    }
}
