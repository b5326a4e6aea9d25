using System.Text.Json.Nodes;
using HShare.AI.ChatTemplates;
using HShare.AI.Cuda;
using HShare.AI.Engine;
using HShare.AI.Engine.Attention;
using HShare.AI.Engine.Compute;
using HShare.AI.Engine.Compute.Cpu;
using HShare.AI.Engine.Models;
using HShare.AI.Engine.Sampling.Constraints;
using HShare.AI.Engine.Scheduling;
using HShare.AI.Engine.Tokenization;
using HShare.AI.StructuredOutput;
using HShare.AI.ToolCalls;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace HShare.AI.Hosting;

/// <summary>A model that is ready to chat: the engine that runs it, its tokenizer and its chat template.</summary>
internal sealed record LoadedModel(InferenceEngine Engine, Tokenizer Tokenizer, ChatTemplate Template)
{
    /// <summary>How it writes function calls.</summary>
    public ToolCallFormat ToolCallFormat { get; init; }

    /// <summary>How it marks what it thinks before it answers; null where it does not.</summary>
    public ReasoningMarks? ReasoningMarks => ReasoningMarks.Find(Template.Source);

    private AnswerGrammars Grammars { get; } = new(Tokenizer);

    /// <summary>Takes over an engine that runs already.</summary>
    /// <exception cref="ModelLoadException">The model's folder has no tokenizer or no chat template.</exception>
    public static LoadedModel From(InferenceEngine engine) =>
        new(engine, engine.Model.Tokenizer ?? throw NoTokenizer(engine.Model.Directory), ChatTemplate.Load(engine.Model.Directory));

    /// <summary>Loads a model and starts its engine.</summary>
    /// <exception cref="ModelLoadException">A file of the model is missing, damaged or not supported.</exception>
    /// <exception cref="OptionsValidationException">The options do not fit the model.</exception>
    /// <exception cref="InsufficientMemoryException">The model or its KV cache does not fit the memory.</exception>
    /// <exception cref="CudaException">The GPU is asked for and cannot be used.</exception>
    /// <exception cref="NotSupportedException">The backend cannot compute the model, or keep its weights so.</exception>
    /// <exception cref="EngineStoppedException">The engine failed in its warm-up.</exception>
    public static LoadedModel Load(
        HShareOptions options, ILogger logger, IProgress<LoadProgress>? progress, CancellationToken cancellationToken)
    {
        string directory = options.ModelPath ?? BundledModel.Find();
        logger.LoadingModel(options.EffectiveModelId, directory);
        long started = TimeProvider.System.GetTimestamp();

        ChatTemplate template = ChatTemplate.Load(directory); // before the weights, which take long
        LanguageModel model = LanguageModel.Load(
            directory, CreateBackend(options, logger), options.WeightFormat, progress, cancellationToken);
        try
        {
            Tokenizer tokenizer = model.Tokenizer ?? throw NoTokenizer(model.Directory);
            InferenceEngine engine = StartEngine(model, options);
            if (model.Backend.PreparesAtFirstUse)
                WarmUp(engine, options, logger, cancellationToken);
            logger.ModelReady(
                options.EffectiveModelId, TimeProvider.System.GetElapsedTime(started).TotalSeconds, model.Backend.Description,
                engine.Options.MaxContext, engine.Options.MaxBatch);
            return new LoadedModel(engine, tokenizer, template) { ToolCallFormat = options.ToolCallFormat };
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Renders a conversation and encodes it, ending with the start of the assistant's turn.</summary>
    /// <exception cref="ChatTemplateException">The template refused the conversation.</exception>
    /// <exception cref="NotSupportedException">There are function calls or tools, and the template has no place for them.</exception>
    public IReadOnlyList<int> EncodePrompt(TemplateMessages messages, JsonObject? variables, ToolDefinitions? tools = null)
    {
        string source = tools is null ? Template.Source : Template.ToolSource;
        if (messages.HasToolCalls && !source.Contains("tool_calls", StringComparison.Ordinal))
        {
            throw new NotSupportedException(
                "The conversation holds function calls, but this model's chat template has no place for them. Remove them, or use a model "
                + "made for tools.");
        }

        IReadOnlyList<TextSegment> segments = Template.RenderSegments(
            messages.Json, tools?.Json, addGenerationPrompt: true, variables, Tokenizer.SpecialTokens);
        tools?.RequireIn(segments, source);
        return Tokenizer.Encode(segments);
    }

    /// <summary>A parser for the calls of one answer.</summary>
    /// <exception cref="NotSupportedException">The template writes calls in a form that is not read here.</exception>
    public ToolCallParser CreateToolCallParser(ToolDefinitions tools) => ToolCallParser.Create(
        EffectiveToolCallFormat ?? throw new NotSupportedException(
            "ChatOptions.Tools cannot be honoured: this model's chat template writes function calls in no form that is known here. "
            + $"Where the model writes one of them all the same, set {nameof(HShareOptions)}.{nameof(HShareOptions.ToolCallFormat)}."),
        new CallIds(),
        tools.Names);

    /// <summary>The grammar of an answer.</summary>
    /// <param name="form">What the answer must be. The model can write calls, where there are tools.</param>
    /// <param name="thinking">Whether the model is to think first; null = as it likes.</param>
    /// <param name="reasoning">What splits the answer, before any of it has come; null where the model does not think aloud.</param>
    public TokenGrammar GrammarOf(AnswerForm form, bool? thinking, ReasoningSplitter? reasoning) => Grammars.For(
        form,
        EffectiveToolCallFormat,
        Template.ToolSource,
        ReasoningMarks,
        reasoning?.IsInside == true ? ThinkingFirst.IsOpen
            : reasoning is not null && thinking != false ? ThinkingFirst.Allowed
            : ThinkingFirst.Not);

    /// <summary>Splits an answer to a prompt; null where the model does not think aloud.</summary>
    public ReasoningSplitter? CreateReasoningSplitter(IReadOnlyList<int> prompt)
    {
        if (ReasoningMarks is not { } marks)
            return null;

        string end = Tokenizer.Decode([.. prompt.Skip(prompt.Count - marks.Opening.Length - 4)]); // room for white space
        return new ReasoningSplitter(marks, end.TrimEnd().EndsWith(marks.Opening, StringComparison.Ordinal));
    }

    /// <summary>Makes sure that the model can be told to think, or not to, or does so anyway.</summary>
    /// <exception cref="NotSupportedException">It cannot.</exception>
    public void RequireThinking(bool thinking)
    {
        if (!Template.Source.Contains("enable_thinking", StringComparison.Ordinal) && thinking != (ReasoningMarks is not null))
        {
            throw new NotSupportedException(
                "ChatOptions.Reasoning.Effort cannot be honoured: this model "
                + (thinking ? "does not think before it answers." : "always thinks before it answers.") + " Leave it null.");
        }
    }

    private ToolCallFormat? EffectiveToolCallFormat =>
        ToolCallFormat == ToolCallFormat.Auto ? ToolCallFormats.Detect(Template.ToolSource) : ToolCallFormat;

    private static Backend CreateBackend(HShareOptions options, ILogger logger)
    {
        switch (options.Backend)
        {
            case HShareBackend.Cpu:
                return new CpuBackend(options.Threads);
            case HShareBackend.Cuda:
                return new CudaBackend(options.ToCudaOptions());
            default:
                var choice = BackendChoice.Fastest(options.ToCudaOptions(), options.Threads);
                logger.BackendChosen(
                    choice.IsSecondBest ? LogLevel.Warning : LogLevel.Information, choice.Backend.Description, choice.Reason);
                return choice.Backend;
        }
    }

    private static InferenceEngine StartEngine(LanguageModel model, HShareOptions options)
    {
        try
        {
            return new InferenceEngine(
                model, options.ToEngineOptions(() => new AttentionPolicyFactory(model.Config, model.Directory).Recommended));
        }
        catch (ArgumentException error)
        {
            throw new OptionsValidationException(
                options.EffectiveModelId, typeof(HShareOptions),
                [$"The options do not fit the model '{options.EffectiveModelId}': {error.Message} "
                    + $"({nameof(EngineOptions.KvCacheBytes)} is {nameof(HShareOptions.KvCacheMegabytes)} in bytes.)"]);
        }
    }

    private static void WarmUp(InferenceEngine engine, HShareOptions options, ILogger logger, CancellationToken cancellationToken)
    {
        logger.WarmingUp(options.EffectiveModelId, engine.Model.Backend.Description);
        try
        {
            engine.WarmUpAsync(cancellationToken).GetAwaiter().GetResult();
        }
        catch
        {
            engine.StopAsync(TimeSpan.Zero).GetAwaiter().GetResult(); // before its backend is disposed
            throw;
        }
    }

    private static ModelLoadException NoTokenizer(string directory) => new(
        Path.Combine(directory, "tokenizer.json"),
        "A chat client needs the model's tokenizer. Download this file into the model's folder too.");
}
