using System.Globalization;
using HShare.AI.Engine.Scheduling;
using HShare.AI.Engine.Tokenization;
using HShare.AI.ToolCalls;
using Microsoft.Extensions.AI;

namespace HShare.AI;

/// <summary>
/// One answer on its way: tokens in, updates out. Text that may yet become part of a character, a call or a stop text waits here.
/// </summary>
internal sealed class Answer
{
    private readonly string _modelId;
    private readonly string _responseId = Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture);
    private readonly string _messageId = Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture);
    private readonly DateTimeOffset _createdAt = DateTimeOffset.UtcNow;
    private readonly Tokenizer _tokenizer;
    private readonly RequestOptions _request;
    private readonly IncrementalDetokenizer _detokenizer;
    private readonly ReasoningSplitter? _reasoning;
    private readonly ToolCallParser? _calls;
    private readonly Dictionary<int, string> _marks; // special tokens that are not left out of the text, for they mean something
    private readonly List<TokenLogprob>? _logprobs;
    private readonly List<ChatResponseUpdate> _updates = [];
    private StopMatcher _stop;
    private GenerationEnd? _end;
    private int _logprobsSent;
    private int _tokenCount;
    private int _reasoningTokenCount;
    private bool _hasCalls;

    /// <summary>An answer that has not begun.</summary>
    /// <param name="modelId">How the model is called.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="request">What is asked for.</param>
    /// <param name="reasoning">Finds what the model thinks first; null where it does not.</param>
    /// <param name="calls">Finds function calls; null where there are no functions.</param>
    public Answer(string modelId, Tokenizer tokenizer, RequestOptions request, ReasoningSplitter? reasoning, ToolCallParser? calls)
    {
        _modelId = modelId;
        _tokenizer = tokenizer;
        _request = request;
        _detokenizer = tokenizer.CreateDetokenizer();
        _reasoning = reasoning;
        _calls = calls;
        _marks = SpecialMarks(tokenizer, [.. reasoning?.Marks ?? [], .. calls?.Marks ?? []]);
        _stop = new StopMatcher(request.StopSequences);
        _logprobs = request.TopLogprobs is null ? null : [];
    }

    /// <summary>Whether the answer is complete, also where the model would go on.</summary>
    public bool HasEnded => _end is not null || IsCut;

    /// <summary>Whether it ended with a stop text, or with the only call it may hold: what follows is no part of it.</summary>
    private bool IsCut => _stop.IsStopped || (_hasCalls && !_request.AllowsMultipleCalls);

    /// <summary>Takes a token and returns updates with what is certain now, perhaps none. The list is the same each time.</summary>
    public IReadOnlyList<ChatResponseUpdate> Append(GeneratedToken token)
    {
        _updates.Clear();
        _tokenCount++;
        _end = token.End;
        if (token.End == GenerationEnd.Stop)
            return _updates; // an end-of-sequence token is no part of the text

        if (_logprobs is not null && token.Logprobs is { } logprobs)
            _logprobs.Add(ToTokenLogprob(token.Id, logprobs));

        bool thinking = _reasoning?.IsInside == true;
        Read(_marks.TryGetValue(token.Id, out string? mark) ? _detokenizer.Flush() + mark : _detokenizer.Append(token.Id));
        if (thinking || _reasoning?.IsInside == true)
            _reasoningTokenCount++;
        return _updates;
    }

    /// <summary>
    /// The last updates: what was held back, and at the very end the finish reason and, once for the whole answer, the usage.
    /// </summary>
    /// <param name="promptTokens">Tokens of the prompt.</param>
    /// <param name="cachedTokens">Those of them found in the prefix cache.</param>
    /// <param name="reads">What the answer's decode steps read of the KV cache.</param>
    public IReadOnlyList<ChatResponseUpdate> Finish(int promptTokens, int cachedTokens, KvReads reads = default)
    {
        _updates.Clear();
        Flush();

        var update = CreateUpdate(new UsageContent(new UsageDetails
        {
            InputTokenCount = promptTokens,
            OutputTokenCount = _tokenCount,
            TotalTokenCount = (long)promptTokens + _tokenCount,
            CachedInputTokenCount = cachedTokens,
            ReasoningTokenCount = _reasoning is null ? null : _reasoningTokenCount,
            AdditionalCounts = AttentionCounts.Of(reads),
        }));
        update.FinishReason =
            _end == GenerationEnd.Length && !IsCut ? ChatFinishReason.Length
            : _hasCalls ? ChatFinishReason.ToolCalls
            : ChatFinishReason.Stop;
        if (_logprobs is not null)
            update.AdditionalProperties = new AdditionalPropertiesDictionary { [GenerationOptionKeys.Logprobs] = _logprobs };
        _updates.Add(update);
        return _updates;
    }

    /// <summary>Takes text: reasoning comes off first, then calls, and in what is left stop texts are looked for.</summary>
    private void Read(string text)
    {
        if (_reasoning is not null)
        {
            (string thought, text) = _reasoning.Append(text);
            AddReasoning(thought);
        }

        ReadBehindReasoning(text);
    }

    private void ReadBehindReasoning(string text)
    {
        if (_calls is null)
            AddText(text);
        else if (text.Length > 0)
            Add(_calls.Append(text));
    }

    private void Flush()
    {
        Read(_detokenizer.Flush());
        if (_reasoning is not null)
        {
            (string thought, string text) = _reasoning.Flush();
            AddReasoning(thought);
            ReadBehindReasoning(text);
        }

        if (_calls is not null)
            Add(_calls.Flush());
        FlushText();
    }

    private void Add(IReadOnlyList<AIContent> contents)
    {
        foreach (AIContent content in contents)
        {
            if (content is TextContent text)
                AddText(text.Text);
            else if (!IsCut)
                AddCall(content);
        }
    }

    private void AddReasoning(string text)
    {
        if (text.Length > 0 && _request.ShowsReasoning)
            _updates.Add(CreateUpdate(new TextReasoningContent(text)));
    }

    private void AddText(string text)
    {
        if (IsCut)
            return;

        string certain = _stop.Append(text);
        if (certain.Length > 0)
            _updates.Add(CreateUpdate(new TextContent(certain)));
    }

    private void AddCall(AIContent call)
    {
        FlushText();
        _stop = new StopMatcher(_request.StopSequences); // a stop text does not reach over a call
        _updates.Add(CreateUpdate(call));
        _hasCalls = true;
    }

    private void FlushText()
    {
        if (!_stop.IsStopped && _stop.Flush() is { Length: > 0 } rest)
            _updates.Add(CreateUpdate(new TextContent(rest)));
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

    private static Dictionary<int, string> SpecialMarks(Tokenizer tokenizer, string[] marks)
    {
        Dictionary<int, string> special = [];
        foreach (string mark in marks)
        {
            if (tokenizer.FindToken(mark) is { } id && tokenizer.IsSpecial(id))
                special[id] = mark;
        }

        return special;
    }

    private TokenLogprob ToTokenLogprob(int id, TokenLogprobs logprobs) => new(id, TextOf(id), logprobs.Logprob)
    {
        Top = [.. logprobs.Top.Select(top => new TokenLogprob(top.Id, TextOf(top.Id), top.Logprob))],
    };

    private string TextOf(int id) => _tokenizer.Decode([id]);
}
