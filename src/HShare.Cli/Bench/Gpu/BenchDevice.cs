using System.Diagnostics;
using HShare.AI.Cuda;
using HShare.AI.Cuda.Driver;
using HShare.AI.Engine;
using HShare.AI.Engine.Compute;

namespace HShare.Cli.Bench.Gpu;

/// <summary>A backend, and how its work is timed and replayed: on a GPU with events around CUDA graphs.</summary>
/// <param name="Backend">The backend; this owns it.</param>
/// <param name="Memory">Bytes that tensors may still take.</param>
/// <param name="CacheBytes">Bytes of the last-level cache between it and its memory.</param>
/// <param name="Time">Seconds that the device takes for what an action enqueues.</param>
/// <param name="Record">Records what an action enqueues.</param>
/// <param name="Copy">Copies a tensor to another one on the device.</param>
/// <param name="Wait">Waits until the device has done everything.</param>
internal sealed record BenchDevice(
    Backend Backend,
    long Memory,
    long CacheBytes,
    Func<Action, double> Time,
    Func<Action, Recording> Record,
    Action<Tensor, Tensor> Copy,
    Action Wait) : IDisposable
{
    /// <summary>The NVIDIA GPU.</summary>
    /// <exception cref="HShareException">There is none that can be used; the message says what to do.</exception>
    public static BenchDevice OpenCuda()
    {
        CudaBackend cuda = new();
        return new BenchDevice(
            cuda,
            cuda.Runtime.FreeMemory,
            cuda.Device.L2Bytes,
            work => cuda.Time(work).TotalSeconds,
            Record,
            (from, to) => cuda.Runtime.CopyOnDevice(to.Address, from.Address, from.ByteCount),
            cuda.Synchronize);

        Recording Record(Action work)
        {
            CudaGraph graph = cuda.Capture(work);
            return new Recording(graph.Launch, graph.Dispose);
        }
    }

    /// <summary>Any backend by the wall clock; nothing is recorded.</summary>
    /// <param name="backend">The backend; the result owns it.</param>
    /// <param name="memory">Bytes that tensors may take.</param>
    public static BenchDevice Of(Backend backend, long memory)
    {
        Tensor word = backend.Allocate(DType.Float32, 1, 1);
        return new BenchDevice(backend, memory, 0, Seconds, work => new Recording(work, () => { }), Copy, Wait);

        double Seconds(Action work)
        {
            long start = Stopwatch.GetTimestamp();
            work();
            Wait();
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        void Copy(Tensor from, Tensor to)
        {
            byte[] bytes = new byte[from.ByteCount];
            backend.Read<byte>(from, bytes);
            backend.Write<byte>(to, bytes);
        }

        void Wait() => backend.Read(word, stackalloc float[1]);
    }

    /// <inheritdoc/>
    public void Dispose() => Backend.Dispose();
}

/// <summary>Recorded work.</summary>
/// <param name="Replay">Enqueues it again, with whatever the tensors hold then.</param>
/// <param name="Free">Gives back what it takes; it is not replayed again.</param>
internal sealed record Recording(Action Replay, Action Free);
