using System.Runtime.InteropServices;

namespace HShare.AI.Cuda.Compilation;

/// <summary>The functions of NVRTC that are used, under their names without "nvrtc". Each returns 0 or an error number.</summary>
internal static unsafe partial class NvrtcApi
{
    /// <summary>The name that <see cref="Driver.CudaLibraries"/> resolves.</summary>
    public const string Library = "nvrtc";

    /// <summary>An option is not understood (NVRTC_ERROR_INVALID_OPTION).</summary>
    public const int InvalidOption = 5;

    /// <summary>The program has errors; the log names them (NVRTC_ERROR_COMPILATION).</summary>
    public const int CompilationError = 6;

    [LibraryImport(Library, EntryPoint = "nvrtcVersion")]
    public static partial int Version(out int major, out int minor);

    [LibraryImport(Library, EntryPoint = "nvrtcGetNumSupportedArchs")]
    public static partial int GetNumSupportedArchs(out int count);

    [LibraryImport(Library, EntryPoint = "nvrtcGetSupportedArchs")]
    public static partial int GetSupportedArchs(int* architectures);

    [LibraryImport(Library, EntryPoint = "nvrtcGetErrorString")]
    public static partial nint GetErrorString(int error);

    [LibraryImport(Library, EntryPoint = "nvrtcCreateProgram", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int CreateProgram(
        out nint program, string source, string name, int headerCount, string[] headers, string[] includeNames);

    [LibraryImport(Library, EntryPoint = "nvrtcDestroyProgram")]
    public static partial int DestroyProgram(ref nint program);

    [LibraryImport(Library, EntryPoint = "nvrtcCompileProgram", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int CompileProgram(nint program, int optionCount, string[] options);

    [LibraryImport(Library, EntryPoint = "nvrtcGetProgramLogSize")]
    public static partial int GetProgramLogSize(nint program, out nuint bytes);

    [LibraryImport(Library, EntryPoint = "nvrtcGetProgramLog")]
    public static partial int GetProgramLog(nint program, byte* log);

    [LibraryImport(Library, EntryPoint = "nvrtcGetCUBINSize")]
    public static partial int GetCubinSize(nint program, out nuint bytes);

    [LibraryImport(Library, EntryPoint = "nvrtcGetCUBIN")]
    public static partial int GetCubin(nint program, byte* image);

    [LibraryImport(Library, EntryPoint = "nvrtcGetPTXSize")]
    public static partial int GetPtxSize(nint program, out nuint bytes);

    [LibraryImport(Library, EntryPoint = "nvrtcGetPTX")]
    public static partial int GetPtx(nint program, byte* image);
}
