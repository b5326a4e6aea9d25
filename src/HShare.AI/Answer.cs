using System.Globalization;
using HShare.AI.Engine.Scheduling;
using HShare.AI.Engine.Tokenization;
using Microsoft.Extensions.AI;

namespace HShare.AI;

/// <summary>
/// One answer on its way: tokens in, updates out. Text that may yet become part of a character or of a stop text waits here.
/// </summary>
internal sealed class Answer
{
    private readonly string _modelId;
    private readonly string _responseId = Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture);
    private readonly string _messageId = Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture);
    private readonly DateTimeOffset _createdAt = DateTimeOffset.UtcNow;
    private readonly Tokenizer _tokenizer;
    private readonly IncrementalDetokenizer _detokenizer;
    private readonly StopMatcher _stop;
    private readonly List<TokenLogprob>? _logprobs;
    private int _logprobsSent;
    private int _tokenCount;

    public Answer(string modelId, Tokenizer tokenizer, RequestOptions request)
    {
        _modelId = modelId;
        _tokenizer = tokenizer;
        _detokenizer = tokenizer.CreateDetokenizer();
        _stop = new StopMatcher(request.StopSequences);
        _logprobs = request.TopLogprobs is null ? null : [];
    }

    /// <summary>Why the answer ended, or null while it goes on.</summary>
    public ChatFinishReason? FinishReason { get; private set; }

    /// <summary>Takes a token; returns an update where its text is certain.</summary>
    public ChatResponseUpdate? Append(GeneratedToken token)
    {
        _tokenCount++;
        FinishReason = token.End switch
        {
            GenerationEnd.Stop => ChatFinishReason.Stop,
            GenerationEnd.Length => ChatFinishReason.Length,
            _ => null,
        };
        if (token.End == GenerationEnd.Stop)
            return null; // an end-of-sequence token is no part of the text

        if (_logprobs is not null && token.Logprobs is { } logprobs)
            _logprobs.Add(ToTokenLogprob(token.Id, logprobs));

        string text = _stop.Append(_detokenizer.Append(token.Id));
        if (_stop.IsStopped)
            FinishReason = ChatFinishReason.Stop;
        return text.Length > 0 ? CreateUpdate(new TextContent(text)) : null;
    }

    /// <summary>The last update: text that was held back, the finish reason and, once for the whole answer, the usage.</summary>
    /// <param name="promptTokens">Tokens of the prompt.</param>
    /// <param name="cachedTokens">Those of them found in the prefix cache.</param>
    public ChatResponseUpdate Finish(int promptTokens, int cachedTokens)
    {
        string rest = "";
        if (!_stop.IsStopped)
        {
            rest = _stop.Append(_detokenizer.Flush());
            if (_stop.IsStopped)
                FinishReason = ChatFinishReason.Stop;
            else
                rest += _stop.Flush();
        }

        var usage = new UsageContent(new UsageDetails
        {
            InputTokenCount = promptTokens,
            OutputTokenCount = _tokenCount,
            TotalTokenCount = (long)promptTokens + _tokenCount,
            CachedInputTokenCount = cachedTokens,
        });
        ChatResponseUpdate update = rest.Length > 0 ? CreateUpdate(new TextContent(rest), usage) : CreateUpdate(usage);
        update.FinishReason = FinishReason;
        if (_logprobs is not null)
            update.AdditionalProperties = new AdditionalPropertiesDictionary { [GenerationOptionKeys.Logprobs] = _logprobs };
        return update;
    }

    private ChatResponseUpdate CreateUpdate(params AIContent[] contents)
    {
        var update = new ChatResponseUpdate(ChatRole.Assistant, [.. contents])
        {
            ResponseId = _responseId,
            MessageId = _messageId,
            ModelId = _modelId,
            CreatedAt = _createdAt,
        };
        if (_logprobs is not null)
        {
            update.RawRepresentation = _logprobs.GetRange(_logprobsSent, _logprobs.Count - _logprobsSent);
            _logprobsSent = _logprobs.Count;
        }

        return update;
    }

    private TokenLogprob ToTokenLogprob(int id, TokenLogprobs logprobs) => new(id, TextOf(id), logprobs.Logprob)
    {
        Top = [.. logprobs.Top.Select(top => new TokenLogprob(top.Id, TextOf(top.Id), top.Logprob))],
    };

    private string TextOf(int id) => _tokenizer.Decode([id]);
}
