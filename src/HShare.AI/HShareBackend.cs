namespace HShare.AI;

/// <summary>What a model runs on.</summary>
public enum HShareBackend
{
    /// <summary>The fastest backend that this machine has. The choice and its reason are logged when the model is loaded.</summary>
    Auto,

    /// <summary>The processor, on several threads.</summary>
    Cpu,

    /// <summary>An NVIDIA GPU (docs/cuda.md). Where it cannot be used, loading fails and says why.</summary>
    Cuda,
}
