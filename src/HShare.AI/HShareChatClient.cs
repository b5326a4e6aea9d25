using System.Runtime.CompilerServices;
using HShare.AI.ChatTemplates;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Scheduling;
using HShare.AI.Engine.Tokenization;
using HShare.AI.Hosting;
using HShare.AI.ToolCalls;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace HShare.AI;

/// <summary>
/// An <see cref="IChatClient"/> that answers with a model on this machine. Thread-safe; requests of any number of callers are answered
/// side by side.
/// </summary>
/// <remarks>
/// <para>The client keeps no conversations: each request brings its whole history, and what repeats from an earlier request (a long
/// document in front of a new question) is found in the prefix cache and reported as
/// <see cref="UsageDetails.CachedInputTokenCount"/>.</para>
/// <para>Sampling. <see cref="ChatOptions.Temperature"/> 0 is greedy: the most probable token, whatever else is set. A positive temperature
/// samples. With a null temperature, <see cref="ChatOptions.TopP"/>, <see cref="ChatOptions.TopK"/> or <see cref="GenerationOptions.MinP"/>
/// turn sampling on, at the temperature of the model's <c>generation_config.json</c> or else 1; with none of them the model's
/// <c>do_sample</c> decides, and a model that does not set it is greedy. What is not given of temperature, top-p, top-k, min-p and
/// repetition penalty comes from <c>generation_config.json</c>. A request with a <see cref="ChatOptions.Seed"/> gives the same tokens for
/// the same prompt, on the CPU whatever else runs beside it.</para>
/// <para>Length. The answer ends with <see cref="ChatFinishReason.Length"/> exactly where <see cref="ChatOptions.MaxOutputTokens"/> or the
/// context ended it, else with <see cref="ChatFinishReason.ToolCalls"/> or <see cref="ChatFinishReason.Stop"/>. Without
/// <see cref="ChatOptions.MaxOutputTokens"/> it may fill the context; with it, prompt and output asked for must fit the context together.
/// The token that ends an answer counts as output.</para>
/// <para>Tools. The functions of <see cref="ChatOptions.Tools"/> are shown to the model by its own chat template. The client calls none of
/// them: each call that the model writes is an update with a <see cref="FunctionCallContent"/>, and the answer ends with
/// <see cref="ChatFinishReason.ToolCalls"/>. Arguments that are no JSON object are the content's
/// <see cref="FunctionCallContent.Exception"/>, and their text its raw representation. Where
/// <see cref="ChatOptions.AllowMultipleToolCalls"/> is false, the answer ends with its first call. A <see cref="ChatOptions.ToolMode"/>
/// that requires a call leaves the model nothing else to write than calls of tools it was offered, with arguments that satisfy their
/// schemas.</para>
/// <para>JSON. With <see cref="ChatResponseFormat.Json"/> the answer is a JSON object, with a schema a value that satisfies it: only tokens
/// that can go on to one are drawn, and the schema is put behind the system message for the model to know. With tools as well, the answer
/// is either calls or JSON. Where <see cref="ChatFinishReason.Length"/> ended it, it is the beginning of such an answer.</para>
/// <para>Reasoning. What a model thinks before it answers comes as <see cref="TextReasoningContent"/>, unless
/// <see cref="ReasoningOptions.Output"/> is <see cref="ReasoningOutput.None"/>, and is counted in
/// <see cref="UsageDetails.ReasoningTokenCount"/>. <see cref="ReasoningEffort.None"/> switches thinking off, every other effort on: models
/// have no finer switch. Stop texts are looked for in the text of an answer, neither in reasoning nor in calls.</para>
/// <para>Refused, with a <see cref="NotSupportedException"/> that names it: tools other than functions, tools with a model whose template
/// has no place for them, keywords of a JSON schema that cannot be enforced, a reasoning effort that the model cannot be told,
/// <see cref="ReasoningOutput.Summary"/>, <see cref="ChatOptions.ConversationId"/>,
/// <see cref="ChatOptions.ContinuationToken"/>, contents other than text, and roles other than system, user, assistant and tool. A
/// <see cref="ChatOptions.ModelId"/> other than the served one is an <see cref="ArgumentException"/>.
/// <see cref="ChatOptions.AllowBackgroundResponses"/> only permits something and is free to be set. What <see cref="ChatOptions"/> has no
/// property for is in <see cref="GenerationOptions"/>.</para>
/// <para>Errors of the engine come as they are: <see cref="Engine.PromptTooLongException"/>, <see cref="Engine.QueueFullException"/>,
/// <see cref="Engine.RequestTimeLimitException"/>, <see cref="Engine.EngineStoppedException"/>,
/// <see cref="Engine.InvalidLogitsException"/>, <see cref="Engine.ConstraintException"/>; a template that refuses a conversation throws
/// <see cref="ChatTemplateException"/>.</para>
/// </remarks>
public sealed class HShareChatClient : IChatClient, IAsyncDisposable
{
    private readonly ChatClientMetadata _metadata;
    private readonly ILogger _logger;

    /// <summary>A client of an engine that runs already.</summary>
    /// <param name="engine">The engine; its model's folder must hold a tokenizer and a chat template.</param>
    /// <param name="modelId">How the model is called; null = the name of its folder.</param>
    /// <param name="ownsEngine">Whether disposing the client disposes the engine.</param>
    /// <param name="logger">Where to log.</param>
    /// <exception cref="Engine.ModelLoadException">The model's folder has no tokenizer or no chat template.</exception>
    public HShareChatClient(
        InferenceEngine engine, string? modelId = null, bool ownsEngine = true, ILogger<HShareChatClient>? logger = null)
    {
        ArgumentNullException.ThrowIfNull(engine);
        Model = new ServedModel(LoadedModel.From(engine), ownsEngine);
        ModelId = modelId ?? engine.Model.Name;
        _logger = logger ?? NullLogger<HShareChatClient>.Instance;
        _metadata = new ChatClientMetadata(ProviderName, providerUri: null, ModelId);
    }

    /// <summary>A client whose model is loaded by the first request, or by whoever asks <see cref="Model"/> for it before.</summary>
    /// <param name="options">Valid options.</param>
    /// <param name="logger">Where to log.</param>
    /// <param name="progress">Told how far the loading has come.</param>
    internal HShareChatClient(HShareOptions options, ILogger<HShareChatClient>? logger, IProgress<LoadProgress>? progress = null)
    {
        ModelId = options.EffectiveModelId;
        _logger = logger ?? NullLogger<HShareChatClient>.Instance;
        _metadata = new ChatClientMetadata(ProviderName, providerUri: null, ModelId);
        var log = new LoadProgressLog(_logger, ModelId, progress);
        Model = new ServedModel(cancellationToken => LoadedModel.Load(options, _logger, log, cancellationToken));
    }

    /// <summary>The provider's name in metadata and telemetry.</summary>
    public static string ProviderName => "hshare";

    /// <summary>How the model is called.</summary>
    internal string ModelId { get; }

    /// <summary>The model behind the client, loaded or not.</summary>
    internal ServedModel Model { get; }

    /// <summary>
    /// Loads a model, off the caller's thread, and returns a client that is ready: for apps without a container. Dispose it when done.
    /// </summary>
    /// <param name="options">Which model, on what, within which limits; null = the bundled model.</param>
    /// <param name="logger">Where to log.</param>
    /// <param name="progress">Told the bytes read so far, on the loading thread.</param>
    /// <param name="cancellationToken">Ends the loading.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is not valid, or does not fit the model;
    /// the message says what to set.</exception>
    /// <exception cref="Engine.ModelLoadException">A file of the model is missing, damaged or not supported.</exception>
    /// <exception cref="InsufficientMemoryException">The model or its KV cache does not fit the memory.</exception>
    public static async Task<HShareChatClient> CreateAsync(
        HShareOptions? options = null,
        ILogger<HShareChatClient>? logger = null,
        IProgress<LoadProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        options ??= new HShareOptions();
        HShareOptionsValidator.ThrowIfInvalid(options);
        var client = new HShareChatClient(options, logger, progress);
        try
        {
            await client.Model.GetAsync(cancellationToken).ConfigureAwait(false);
            return client;
        }
        catch
        {
            await client.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentNullException"><paramref name="messages"/> is null.</exception>
    /// <exception cref="ArgumentException">There are no messages, or an option is out of range.</exception>
    /// <exception cref="NotSupportedException">A message or an option asks for what this client does not do; the message names
    /// it.</exception>
    /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    /// <inheritdoc/>
    /// <inheritdoc cref="GetResponseAsync" path="/exception"/>
    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        (TemplateMessages conversation, RequestOptions request) = Read(messages, options);
        return RequestActivity.HasListeners
            ? RequestActivity.FollowAsync(
                ModelId, (activity, token) => AnswerAsync(conversation, request, activity, token), cancellationToken)
            : AnswerAsync(conversation, request, activity: null, cancellationToken);
    }

    /// <summary>
    /// The tokens of the prompt that a request with these messages and options would have: the conversation as the model's template
    /// renders it, with instructions and tools. Runs on the caller's thread.
    /// </summary>
    /// <param name="messages">The conversation.</param>
    /// <param name="options">The options of the request.</param>
    /// <exception cref="InvalidOperationException">The model is not loaded yet; <see cref="CountTokensAsync"/> loads it.</exception>
    /// <inheritdoc cref="GetResponseAsync" path="/exception"/>
    public int CountTokens(IEnumerable<ChatMessage> messages, ChatOptions? options = null)
    {
        (TemplateMessages conversation, RequestOptions request) = Read(messages, options);
        LoadedModel model = Model.Ready ?? throw new InvalidOperationException(
            $"Model '{ModelId}' is not loaded yet. Await {nameof(CountTokensAsync)}, which loads it.");
        return EncodePrompt(model, conversation, request).Count;
    }

    /// <summary>As <see cref="CountTokens"/>, off the caller's thread; loads the model where nobody did so before.</summary>
    /// <param name="messages">The conversation.</param>
    /// <param name="options">The options of the request.</param>
    /// <param name="cancellationToken">Ends the waiting for the model.</param>
    /// <inheritdoc cref="GetResponseAsync" path="/exception"/>
    public Task<int> CountTokensAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        (TemplateMessages conversation, RequestOptions request) = Read(messages, options);
        return CountAsync();

        async Task<int> CountAsync()
        {
            LoadedModel model = await Model.GetAsync(cancellationToken).ConfigureAwait(false);
            return await Task.Run(() => EncodePrompt(model, conversation, request).Count, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Besides the client itself and its <see cref="ChatClientMetadata"/>, gives out what it works with: <see cref="InferenceEngine"/>,
    /// <see cref="LanguageModel"/>, <see cref="Tokenizer"/> and <see cref="ChatTemplate"/>; null for these until the model is loaded.
    /// </summary>
    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null)
            return null;
        if (serviceType == typeof(ChatClientMetadata))
            return _metadata;
        if (serviceType == typeof(InferenceEngine))
            return Model.Ready?.Engine;
        if (serviceType == typeof(LanguageModel))
            return Model.Ready?.Engine.Model;
        if (serviceType == typeof(Tokenizer))
            return Model.Ready?.Tokenizer;
        if (serviceType == typeof(ChatTemplate))
            return Model.Ready?.Template;
        return serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <summary>Takes no new requests and lets those in progress finish, within a limit.</summary>
    internal Task DrainAsync(TimeSpan limit)
    {
        _logger.StoppingModel(ModelId, limit.TotalSeconds);
        return Model.StopAsync(limit);
    }

    /// <summary>Stops the engine, where the client owns it, and frees the model. Requests in progress end with an error.</summary>
    public ValueTask DisposeAsync() => Model.DisposeAsync();

    /// <inheritdoc cref="DisposeAsync"/>
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    private (TemplateMessages Conversation, RequestOptions Request) Read(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        ArgumentNullException.ThrowIfNull(messages);
        ObjectDisposedException.ThrowIf(Model.IsDisposed, this);
        RequestOptions request = RequestOptions.Read(options, this, ModelId, _logger);
        TemplateMessages conversation = TemplateMessages.From(messages, request.Instructions);
        if (request.Form?.Instruction is { } instruction)
            conversation.AddToSystem(instruction);
        return (conversation, request);
    }

    private async IAsyncEnumerable<ChatResponseUpdate> AnswerAsync(
        TemplateMessages messages,
        RequestOptions request,
        RequestActivity? activity,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        LoadedModel model = await Model.GetAsync(cancellationToken).ConfigureAwait(false);

        // Rendering and encoding a long document takes a while: not on the caller's thread, which may be a user interface's.
        (Generation generation, Answer answer, IReadOnlyList<int> prompt) =
            await Task.Run(() => Submit(model, messages, request), cancellationToken).ConfigureAwait(false);
        activity?.Follow(generation);
        await using (generation.ConfigureAwait(false))
        {
            IAsyncEnumerable<GeneratedToken> tokens = request.Generation.PromptProgress is { } progress
                ? generation.ReadAllAsync(progress, cancellationToken)
                : generation.ReadAllAsync(cancellationToken);

            await foreach (GeneratedToken token in tokens.ConfigureAwait(false))
            {
                foreach (ChatResponseUpdate update in answer.Append(token))
                    yield return update;
                if (answer.HasEnded)
                    break;
            }

            if (generation.ReadsMass is { } mass)
                request.Generation.AttentionReads?.Report(new AttentionReads(prompt, [.. mass.Take(prompt.Count)]));
            foreach (ChatResponseUpdate update in answer.Finish(generation.PromptTokens, generation.CachedPromptTokens, generation.Reads))
                yield return update;
        }
    }

    private (Generation Generation, Answer Answer, IReadOnlyList<int> Prompt) Submit(
        LoadedModel model, TemplateMessages messages, RequestOptions request)
    {
        IReadOnlyList<int> prompt = EncodePrompt(model, messages, request);
        ToolCallParser? calls = request.Tools is { } tools ? model.CreateToolCallParser(tools) : null;
        ReasoningSplitter? reasoning = model.CreateReasoningSplitter(prompt);
        var answer = new Answer(ModelId, model.Tokenizer, request, reasoning, calls);
        GenerationRequest generation = request.ToGenerationRequest(prompt, model.Engine.Model.GenerationDefaults) with
        {
            Constraint = request.Form is { } form ? model.GrammarOf(form, request.Thinking, reasoning) : null,
        };
        return (model.Engine.Submit(generation), answer, prompt);
    }

    private static IReadOnlyList<int> EncodePrompt(LoadedModel model, TemplateMessages messages, RequestOptions request)
    {
        if (request.Thinking is { } thinking)
            model.RequireThinking(thinking);
        return model.EncodePrompt(messages, request.TemplateVariables, request.Tools);
    }
}
