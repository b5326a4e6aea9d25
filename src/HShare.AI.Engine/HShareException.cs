namespace HShare.AI.Engine;

/// <summary>Base of every error that HShare.AI raises on purpose. The message says what was wrong and what to do.</summary>
public class HShareException : Exception
{
    /// <summary>An error with a message.</summary>
    public HShareException(string message)
        : base(message)
    {
    }

    /// <summary>An error with a message and the error behind it.</summary>
    public HShareException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>A file of a model folder is missing, damaged, or describes something that is not supported.</summary>
public sealed class ModelLoadException : HShareException
{
    /// <summary>An error in a model file.</summary>
    /// <param name="file">Path of the file.</param>
    /// <param name="message">What is wrong with it and what to do.</param>
    /// <param name="innerException">The error behind it.</param>
    public ModelLoadException(string file, string message, Exception? innerException = null)
        : base($"{file}: {message}", innerException) => File = file;

    /// <summary>Path of the file.</summary>
    public string File { get; }
}

/// <summary>A prompt and the output asked for do not fit in the context or in the KV cache.</summary>
public sealed class PromptTooLongException : HShareException
{
    /// <summary>An error with its numbers.</summary>
    public PromptTooLongException(int promptTokens, int requestedOutputTokens, int limit, string limitedBy)
        : base($"The prompt has {promptTokens} tokens and {requestedOutputTokens} of output were asked for, but {limitedBy} holds {limit}. "
            + "Shorten the prompt or the requested output, or raise the limit.")
    {
        PromptTokens = promptTokens;
        RequestedOutputTokens = requestedOutputTokens;
        Limit = limit;
    }

    /// <summary>Tokens of the prompt.</summary>
    public int PromptTokens { get; }

    /// <summary>Output tokens asked for (at least 1).</summary>
    public int RequestedOutputTokens { get; }

    /// <summary>Most tokens of prompt and output together.</summary>
    public int Limit { get; }
}

/// <summary>Too many requests are waiting already. Try again later, or raise the queue length.</summary>
public sealed class QueueFullException : HShareException
{
    /// <summary>An error with the queue's length.</summary>
    public QueueFullException(int queueLength)
        : base($"The engine's queue is full: {queueLength} requests are waiting already. Try again later, or raise the queue length.") =>
        QueueLength = queueLength;

    /// <summary>Most requests that may wait.</summary>
    public int QueueLength { get; }
}

/// <summary>The engine was stopped, or failed, before the request was done.</summary>
public sealed class EngineStoppedException : HShareException
{
    /// <summary>An error with the reason.</summary>
    public EngineStoppedException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}

/// <summary>A request ran longer than the engine's request time limit.</summary>
public sealed class RequestTimeLimitException : HShareException
{
    /// <summary>An error with the limit.</summary>
    public RequestTimeLimitException(TimeSpan limit)
        : base(
            $"The request was ended after its time limit of {limit.TotalSeconds:0.#} s. Raise the request time limit, or ask for less.") =>
        Limit = limit;

    /// <summary>The limit.</summary>
    public TimeSpan Limit { get; }
}

/// <summary>The model computed logits for a request that hold no number to choose a token by. Other requests go on.</summary>
public sealed class InvalidLogitsException : HShareException
{
    /// <summary>An error with what to do.</summary>
    public InvalidLogitsException()
        : base("The model's logits for this request hold no number: its weights are damaged, or its keys and values went beyond the range "
            + "of a Float16 KV cache. Check the model against a reference, or choose BFloat16 or Float32 for the cache.")
    {
    }
}

/// <summary>The compute backend asked for cannot be used on this machine.</summary>
public sealed class BackendUnavailableException : HShareException
{
    /// <summary>An error with the reason and the fix.</summary>
    public BackendUnavailableException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
