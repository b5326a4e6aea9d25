using System.Runtime.InteropServices;
using System.Text;
using HShare.AI.Cuda.Driver;

namespace HShare.AI.Cuda.Compilation;

/// <summary>Compiles kernels with NVRTC. Safe for several threads, each compiling its own program.</summary>
internal sealed unsafe class Nvrtc
{
    private readonly int _computeCapability;
    private readonly string[] _headers;
    private readonly string[] _headerNames;

    /// <summary>Opens NVRTC for a GPU.</summary>
    /// <param name="computeCapability">The GPU's, 10 * major + minor.</param>
    /// <param name="headers">The files that kernels include, by name.</param>
    /// <exception cref="CudaException">NVRTC is missing.</exception>
    public Nvrtc(int computeCapability, IEnumerable<KeyValuePair<string, string>> headers)
    {
        CudaLibraries.Require(LibraryNames.Nvrtc);
        Check(NvrtcApi.Version(out int major, out int minor), "Asking for NVRTC's version");
        Version = (major, minor);
        _computeCapability = computeCapability;
        Target = KernelTarget.MachineCode(computeCapability);
        KeyValuePair<string, string>[] ordered = [.. headers.OrderBy(header => header.Key, StringComparer.Ordinal)];
        _headerNames = [.. ordered.Select(header => header.Key)];
        _headers = [.. ordered.Select(header => header.Value)];
    }

    /// <summary>Its version.</summary>
    public (int Major, int Minor) Version { get; }

    /// <summary>What it compiles to: the GPU's machine code, until NVRTC turns out not to know the GPU.</summary>
    public KernelTarget Target { get; private set; }

    /// <summary>Compiles a file.</summary>
    /// <param name="file">Its name, for messages.</param>
    /// <param name="source">Its text.</param>
    /// <param name="macros">Names and values.</param>
    /// <returns>An image that the driver loads: machine code, or PTX.</returns>
    /// <exception cref="CudaException">It does not compile; the message holds NVRTC's.</exception>
    public byte[] Compile(string file, string source, IReadOnlyList<(string Name, string Value)> macros)
    {
        if (TryCompile(file, source, Options(Target, macros), Target.IsPtx) is { } image)
            return image;
        Target = KernelTarget.For(_computeCapability, SupportedArchitectures());
        string[] options = Options(Target, macros);
        return TryCompile(file, source, options, Target.IsPtx) ?? throw new CudaException(
            CudaFailure.Compilation, $"NVRTC {Version.Major}.{Version.Minor} does not take these options: {string.Join(' ', options)}.");
    }

    /// <summary>
    /// Everything besides a file and its macros that decides what comes out: the GPU, the options, NVRTC's version, the headers.
    /// </summary>
    public void Describe(Action<string> add)
    {
        add($"NVRTC {Version.Major}.{Version.Minor}");
        add(string.Join(' ', Options(KernelTarget.MachineCode(_computeCapability), [])));
        for (int header = 0; header < _headers.Length; header++)
        {
            add(_headerNames[header]);
            add(_headers[header]);
        }
    }

    private static string[] Options(KernelTarget target, IReadOnlyList<(string Name, string Value)> macros) =>
    [
        $"--gpu-architecture={target.Architecture}",
        "-std=c++17",
        "--extra-device-vectorization",
        .. macros.Select(macro => $"-D{macro.Name}={macro.Value}"),
    ];

    // Null where an option is not understood: then it is most likely the architecture.
    private byte[]? TryCompile(string file, string source, string[] options, bool isPtx)
    {
        Check(
            NvrtcApi.CreateProgram(out nint program, source, file, _headers.Length, _headers, _headerNames),
            $"Opening kernel file {file}");
        try
        {
            int status = NvrtcApi.CompileProgram(program, options.Length, options);
            if (status == NvrtcApi.InvalidOption)
                return null;
            if (status == NvrtcApi.CompilationError)
                throw CudaException.Compilation(file, string.Join(' ', options), Log(program));
            Check(status, $"Compiling kernel file {file} ({string.Join(' ', options)})");
            return isPtx ? Ptx(program, file) : Cubin(program, file);
        }
        finally
        {
            NvrtcApi.DestroyProgram(ref program);
        }
    }

    private static int[] SupportedArchitectures()
    {
        Check(NvrtcApi.GetNumSupportedArchs(out int count), "Asking NVRTC for its architectures");
        int[] supported = new int[count];
        fixed (int* first = supported)
            Check(NvrtcApi.GetSupportedArchs(first), "Asking NVRTC for its architectures");
        return supported;
    }

    private static byte[] Cubin(nint program, string file)
    {
        Check(NvrtcApi.GetCubinSize(program, out nuint bytes), $"Compiling kernel file {file}");
        byte[] image = new byte[bytes];
        fixed (byte* first = image)
            Check(NvrtcApi.GetCubin(program, first), $"Compiling kernel file {file}");
        return image;
    }

    private static byte[] Ptx(nint program, string file)
    {
        Check(NvrtcApi.GetPtxSize(program, out nuint bytes), $"Compiling kernel file {file}");
        byte[] image = new byte[bytes]; // with the zero at its end, which the driver needs
        fixed (byte* first = image)
            Check(NvrtcApi.GetPtx(program, first), $"Compiling kernel file {file}");
        return image;
    }

    private static string Log(nint program)
    {
        Check(NvrtcApi.GetProgramLogSize(program, out nuint bytes), "Asking for NVRTC's log");
        byte[] log = new byte[bytes + 1];
        fixed (byte* first = log)
            Check(NvrtcApi.GetProgramLog(program, first), "Asking for NVRTC's log");
        return Encoding.UTF8.GetString(log).TrimEnd('\0', '\n', '\r', ' ');
    }

    private static void Check(int status, string what)
    {
        if (status != 0)
        {
            string? text = Marshal.PtrToStringUTF8(NvrtcApi.GetErrorString(status));
            throw new CudaException(
                CudaFailure.Compilation,
                $"{what} failed: {text ?? $"NVRTC error {status}"}. See `hshare doctor` for the NVRTC in use.",
                status);
        }
    }
}
