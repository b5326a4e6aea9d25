using Microsoft.Extensions.AI;

namespace HShare.AI.Tests.Conformance;

/// <summary>What middleware for functions does: asks, calls the functions that the model wants, and asks again.</summary>
internal sealed class InvokingLoop(IChatClient client, bool streaming)
{
    /// <summary>Asks until the model calls no more. The history grows by what was said.</summary>
    public async Task<ChatResponse> AskAsync(List<ChatMessage> history, ChatOptions options, CancellationToken cancellationToken)
    {
        for (int round = 0; round < 4; round++)
        {
            ChatResponse response = streaming
                ? await client.GetStreamingResponseAsync(history, options, cancellationToken).ToChatResponseAsync(cancellationToken)
                : await client.GetResponseAsync(history, options, cancellationToken);
            history.AddMessages(response);
            FunctionCallContent[] calls = [.. response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>()];
            if (calls.Length == 0)
                return response;

            Assert.Equal(ChatFinishReason.ToolCalls, response.FinishReason);
            List<AIContent> results = [];
            foreach (FunctionCallContent call in calls)
            {
                AIFunction function = options.Tools!.OfType<AIFunction>().Single(tool => tool.Name == call.Name);
                object? result = await function.InvokeAsync(new AIFunctionArguments(call.Arguments), cancellationToken);
                results.Add(new FunctionResultContent(call.CallId, result));
            }

            history.Add(new ChatMessage(ChatRole.Tool, results));
        }

        throw new InvalidOperationException("The model calls without end.");
    }
}
