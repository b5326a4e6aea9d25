using HShare.AI.Engine.Scheduling;
using HShare.AI.Hosting;
using HShare.AI.ToolCalls;
using Microsoft.Extensions.AI;

namespace HShare.AI.Tests.Conformance;

/// <summary>A client whose behaviour is examined, and what to say to it.</summary>
/// <param name="Client">The client.</param>
/// <param name="Question">Answered by a text of several tokens that ends by itself.</param>
/// <param name="ToolQuestion">Answered by a call of <paramref name="Tool"/>.</param>
/// <param name="Tool">A function; its result leads to an answer.</param>
/// <param name="ToolAnswer">Words of that answer.</param>
public sealed record ConformanceSubject(
    HShareChatClient Client, ChatMessage Question, ChatMessage ToolQuestion, AIFunction Tool, string ToolAnswer)
{
    /// <summary>The engine behind the client.</summary>
    public InferenceEngine Engine => Client.GetRequiredService<InferenceEngine>();

    /// <summary>The text that the model is given.</summary>
    public string RenderPrompt(IEnumerable<ChatMessage> messages, IEnumerable<AITool>? tools = null)
    {
        LoadedModel model = Client.Model.Ready!;
        return model.Tokenizer.Decode(
            model.EncodePrompt(TemplateMessages.From(messages, null), null, tools is null ? null : ToolDefinitions.From(tools)));
    }

    /// <summary>Waits until no request runs, and asserts that every cache block is free.</summary>
    public async Task AssertIdleAsync()
    {
        for (int i = 0; i < 200 && Engine.GetStatistics() is not { Running: 0, Waiting: 0 }; i++)
            await Task.Delay(10, TestContext.Current.CancellationToken);
        EngineStatistics statistics = Engine.GetStatistics();
        Assert.Equal((0, 0, statistics.TotalBlocks), (statistics.Running, statistics.Waiting, statistics.FreeBlocks));
    }
}
