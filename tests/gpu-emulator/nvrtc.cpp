// A fake NVRTC: compiles a kernel file with g++ into a library for the emulator, and keeps it in a folder under a hash of all that went in.
// Environment: HSHARE_GPU_EMULATOR (folder of abi.h, builtins.h, device.cuh; else the folder of this library), HSHARE_GPU_EMULATOR_CACHE.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <set>
#include <spawn.h>
#include <sstream>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#define EXPORT extern "C" __attribute__((visibility("default")))
extern char** environ;

namespace
{
    enum Result { SUCCESS = 0, INVALID_INPUT = 3, INVALID_PROGRAM = 4, INVALID_OPTION = 5, COMPILATION = 6, INTERNAL_ERROR = 11 };

    typedef std::vector<std::pair<std::string, std::string>> Files;

    struct Program
    {
        std::string source, name, log, image;
        Files headers;
    };

    std::string read(const std::string& path)
    {
        std::ifstream file(path, std::ios::binary);
        return { std::istreambuf_iterator<char>(file), { } };
    }

    void make_folders(const std::string& path)
    {
        for (size_t at = 1; at != std::string::npos; at = path.find('/', at + 1))
            mkdir(path.substr(0, at).c_str(), 0777);
        mkdir(path.c_str(), 0777);
    }

    void write(const std::string& path, const std::string& text)
    {
        make_folders(path.substr(0, path.rfind('/')));
        std::ofstream(path, std::ios::binary) << text;
    }

    std::string variable(const char* name, const std::string& otherwise)
    {
        const char* value = getenv(name);
        return value != nullptr && *value != 0 ? value : otherwise;
    }

    std::string own_folder()
    {
        Dl_info info;
        dladdr((void*)own_folder, &info);
        std::string path = info.dli_fname;
        size_t slash = path.rfind('/');
        return variable("HSHARE_GPU_EMULATOR", slash == std::string::npos ? "." : path.substr(0, slash));
    }

    std::string hash(const std::string& text)
    {
        unsigned long long a = 0xcbf29ce484222325ull, b = 0x9e3779b97f4a7c15ull;
        for (unsigned char c : text)
        {
            a = (a ^ c) * 0x100000001b3ull;
            b = (b + c) * 0xbf58476d1ce4e5b9ull;
            b ^= b >> 29;
        }
        char result[40];
        snprintf(result, sizeof result, "%016llx%016llx", a, b);
        return result;
    }

    bool starts_with(const std::string& text, const char* with) { return text.compare(0, strlen(with), with) == 0; }

    // The options that mean something to g++; a macro of the architecture besides.
    bool translate(int count, const char* const* options, std::vector<std::string>& flags)
    {
        for (int i = 0; i < count; i++)
        {
            std::string option = options[i];
            for (const char* name : { "-D", "--define-macro", "-U", "--undefine-macro", "-arch", "--gpu-architecture" })
                if (option == name && i + 1 < count)
                    option += std::string(option[1] == '-' || option == "-arch" ? "=" : "") + options[++i];
            if (starts_with(option, "--define-macro="))
                flags.push_back("-D" + option.substr(15));
            else if (starts_with(option, "--undefine-macro="))
                flags.push_back("-U" + option.substr(17));
            else if (starts_with(option, "-D") || starts_with(option, "-U"))
                flags.push_back(option);
            else if (size_t at = option.find("=sm_"), virtual_at = option.find("=compute_");
                     at != std::string::npos || virtual_at != std::string::npos)
                flags.push_back(
                    "-D__CUDA_ARCH__=" + std::to_string(atoi(option.c_str() + (at != std::string::npos ? at + 4 : virtual_at + 9))) + "0");
            else if (!starts_with(option, "-"))
                return false;
        }
        return true;
    }

    int execute(const std::vector<std::string>& command, const std::string& log)
    {
        std::vector<char*> arguments;
        for (const std::string& word : command)
            arguments.push_back(const_cast<char*>(word.c_str()));
        arguments.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
        posix_spawn_file_actions_adddup2(&actions, 1, 2);
        pid_t child;
        int error = posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
        posix_spawn_file_actions_destroy(&actions);
        if (error != 0)
            return error;
        int status = 0;
        while (waitpid(child, &status, 0) < 0)
            if (errno != EINTR)
                return 0; // somebody else has collected it; what it made tells
        return status;
    }

    bool is_word(char c) { return isalnum((unsigned char)c) || c == '_'; }

    void skip_blanks(const std::string& text, size_t& at)
    {
        while (at < text.size() && (isspace((unsigned char)text[at]) || text[at] == '#'))
        {
            if (text[at] == '#') // a line marker of the preprocessor
                at = text.find('\n', at);
            at++;
        }
    }

    std::string parenthesis(const std::string& text, size_t& at)
    {
        size_t start = at;
        int depth = 0;
        do
        {
            depth += text[at] == '(' ? 1 : text[at] == ')' ? -1 : 0;
            at++;
        }
        while (depth > 0 && at < text.size());
        return text.substr(start, at - start);
    }

    // Finds the kernels of a preprocessed file and writes the table that the driver reads.
    std::string module_table(const std::string& text)
    {
        const std::string marker = "__attribute__((emulated_global))", bounds_marker = "((emulated_bounds";
        std::set<std::string> seen;
        std::ostringstream kernels, shared, declarations;
        for (size_t at = text.find(marker); at != std::string::npos; at = text.find(marker, at))
        {
            at += marker.size();
            std::string bounds = "()", name;
            for (skip_blanks(text, at); at < text.size(); skip_blanks(text, at))
            {
                size_t start = at;
                while (at < text.size() && is_word(text[at]))
                    at++;
                std::string word = text.substr(start, at - start);
                skip_blanks(text, at);
                if (word == "__attribute__" || word == "__launch_bounds__")
                {
                    std::string attribute = parenthesis(text, at);
                    if (starts_with(attribute, bounds_marker.c_str()))
                        bounds = attribute.substr(bounds_marker.size(), attribute.size() - bounds_marker.size() - 2);
                    continue;
                }
                name = word;
                if (text[at] == '(' || word.empty())
                    break;
            }
            std::string signature = "EmulatedSignature<decltype(&" + name + ")>::";
            if (!name.empty() && seen.insert(name).second)
                kernels << "    { \"" << name << "\", " << signature << "call<&" << name << ">, " << signature << "count, " << signature
                    << "sizes, emulated_max_threads" << bounds << " },\n";
        }
        std::set<std::string> sections;
        for (size_t at = text.find("emulated_shared_"); at != std::string::npos; at = text.find("emulated_shared_", at + 1))
        {
            size_t end = at;
            while (is_word(text[end]))
                end++;
            if (text[end] == '"' && sections.insert(text.substr(at, end - at)).second)
            {
                std::string name = text.substr(at, end - at);
                declarations << "extern \"C\" unsigned char __start_" << name << "[] __attribute__((weak, visibility(\"hidden\")));\n"
                    << "extern \"C\" unsigned char __stop_" << name << "[] __attribute__((weak, visibility(\"hidden\")));\n";
                shared << "    { __start_" << name << ", __stop_" << name << " },\n";
            }
        }
        std::ostringstream table;
        table << "\n# 1 \"emulated-module\"\n"
              << declarations.str() << "static const EmulatedKernel emulated_kernels[] = {\n"
              << kernels.str() << "    { }\n};\n"
              << "static const EmulatedRegion emulated_regions[] = {\n"
              << shared.str() << "    { }\n};\n"
              << "extern \"C\" { extern __attribute__((visibility(\"default\"))) const EmulatedModule emulated_module; }\n"
              << "const EmulatedModule emulated_module = { EMULATED_ABI, &emulated_gpu, emulated_kernels, "
              << "sizeof(emulated_kernels) / sizeof(EmulatedKernel) - 1, emulated_regions, sizeof(emulated_regions) / "
                 "sizeof(EmulatedRegion) - 1 };\n";
        return table.str();
    }

    bool build(Program& program, const std::vector<std::string>& macros, const std::vector<std::string>& flags, const std::string& library)
    {
        std::string folder =
            library.substr(0, library.size() - 3) + "." + std::to_string(getpid()) + "." + std::to_string((size_t)&program) + ".tmp";
        make_folders(folder);
        std::string source = folder + "/" + program.name;
        write(source, program.source);
        for (auto& [name, text] : program.headers)
            write(folder + "/" + name, text);

        std::vector<std::string> preprocess = { "g++", "-E", "-std=c++17", "-w", "-nostdinc", "-I" + folder, "-include",
            folder + "/builtins.h" };
        preprocess.insert(preprocess.end(), macros.begin(), macros.end());
        preprocess.insert(preprocess.end(), { "-x", "c++", source, "-o", folder + "/kernel.ii" });
        std::string log = folder + "/log", made = folder + "/kernel.so";
        bool good = execute(preprocess, log) == 0;
        if (good)
        {
            std::string text = read(folder + "/kernel.ii");
            std::ofstream(folder + "/kernel.ii", std::ios::app) << module_table(text);
            std::vector<std::string> compile = { "g++" };
            compile.insert(compile.end(), flags.begin(), flags.end());
            compile.insert(compile.end(), { folder + "/kernel.ii", "-o", made });
            good = execute(compile, log) == 0 && access(made.c_str(), R_OK) == 0 && rename(made.c_str(), library.c_str()) == 0;
        }
        program.log = read(log);
        for (size_t at; (at = program.log.find(folder + "/")) != std::string::npos; )
            program.log.erase(at, folder.size() + 1);
        if (getenv("HSHARE_GPU_EMULATOR_KEEP") == nullptr)
            execute({ "rm", "-rf", folder }, "/dev/null");
        return good;
    }
}

EXPORT int nvrtcVersion(int* major, int* minor)
{
    if (major == nullptr || minor == nullptr)
        return INVALID_INPUT;
    *major = 13;
    *minor = 0;
    return SUCCESS;
}

EXPORT int nvrtcCreateProgram(
    Program** result, const char* source, const char* name, int count, const char* const* headers, const char* const* names)
{
    if (result == nullptr || source == nullptr || count < 0 || (count > 0 && (headers == nullptr || names == nullptr)))
        return INVALID_INPUT;
    Program* program = new Program { source, name != nullptr && *name != 0 ? name : "default_program", "", "", { } };
    for (int i = 0; i < count; i++)
    {
        std::string header = names[i];
        if (header.find("..") != std::string::npos || header[0] == '/')
            return delete program, INVALID_INPUT;
        program->headers.emplace_back(header, headers[i]);
    }
    if (program->name.find("..") != std::string::npos || program->name[0] == '/')
        program->name = program->name.substr(program->name.rfind('/') + 1);
    *result = program;
    return SUCCESS;
}

EXPORT int nvrtcCompileProgram(Program* program, int count, const char* const* options)
{
    if (program == nullptr)
        return INVALID_PROGRAM;
    std::vector<std::string> macros;
    if (!translate(count, options, macros))
        return program->log = "an option is not understood", INVALID_OPTION;
    std::string own = own_folder();
    Files headers;
    for (auto& [name, text] : program->headers)
        if (size_t slash = name.rfind('/'); name.substr(slash == std::string::npos ? 0 : slash + 1) == "device.cuh")
            headers.emplace_back(name, read(own + "/device.cuh"));
        else
            headers.emplace_back(name, text);
    for (const char* name : { "abi.h", "builtins.h", "device.cuh" })
        headers.emplace_back(name, read(own + "/" + name));
    if (headers.back().second.empty())
        return program->log = "the emulator's headers are not in " + own + " (set HSHARE_GPU_EMULATOR to their folder)", INTERNAL_ERROR;
    program->headers = headers;

    std::vector<std::string> flags = { variable("HSHARE_GPU_EMULATOR_OPTIMIZE", "-O1"), "-std=c++17", "-shared", "-fPIC", "-w",
        "-fvisibility=hidden", "-fno-exceptions", "-fno-rtti", "-fno-asynchronous-unwind-tables", "-fno-math-errno", "-fno-trapping-math",
        "-fno-strict-aliasing", "-fno-ipa-reference" };
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        flags.push_back("-march=x86-64-v3");
    std::ostringstream all;
    all << program->name << '\0' << program->source << '\0';
    for (auto& [name, text] : headers)
        all << name << '\0' << text << '\0';
    for (auto& flag : macros)
        all << flag << '\0';
    for (auto& flag : flags)
        all << flag << '\0';
    std::string temporary = variable("TMPDIR", "/tmp");
    std::string cache = variable("HSHARE_GPU_EMULATOR_CACHE", temporary + "/gpu-emulator-" + std::to_string(getuid()));
    std::string stem = program->name.substr(program->name.rfind('/') + 1);
    std::string library = cache + "/" + stem.substr(0, stem.find('.')) + "-" + hash(all.str()) + ".so";
    program->log.clear();
    make_folders(cache);
    if (access(library.c_str(), R_OK) != 0 && !build(*program, macros, flags, library))
        return COMPILATION;
    program->image = "EMULATED-GPU-MODULE\n" + library + '\0';
    return SUCCESS;
}

EXPORT int nvrtcGetProgramLogSize(Program* program, size_t* size)
{
    return program == nullptr ? INVALID_PROGRAM : (*size = program->log.size() + 1, SUCCESS);
}
EXPORT int nvrtcGetProgramLog(Program* program, char* log)
{
    return program == nullptr ? INVALID_PROGRAM : (memcpy(log, program->log.c_str(), program->log.size() + 1), SUCCESS);
}

EXPORT int nvrtcGetCUBINSize(Program* program, size_t* size)
{
    return program == nullptr || program->image.empty() ? INVALID_PROGRAM : (*size = program->image.size(), SUCCESS);
}
EXPORT int nvrtcGetCUBIN(Program* program, char* image)
{
    return program == nullptr || program->image.empty() ? INVALID_PROGRAM
                                                        : (memcpy(image, program->image.data(), program->image.size()), SUCCESS);
}
EXPORT int nvrtcGetPTXSize(Program* program, size_t* size) { return nvrtcGetCUBINSize(program, size); }
EXPORT int nvrtcGetPTX(Program* program, char* image) { return nvrtcGetCUBIN(program, image); }

EXPORT int nvrtcDestroyProgram(Program** program)
{
    if (program == nullptr || *program == nullptr)
        return INVALID_PROGRAM;
    delete *program;
    *program = nullptr;
    return SUCCESS;
}

EXPORT const char* nvrtcGetErrorString(int result)
{
    switch (result)
    {
        case SUCCESS: return "NVRTC_SUCCESS";
        case INVALID_INPUT: return "NVRTC_ERROR_INVALID_INPUT";
        case INVALID_PROGRAM: return "NVRTC_ERROR_INVALID_PROGRAM";
        case INVALID_OPTION: return "NVRTC_ERROR_INVALID_OPTION";
        case COMPILATION: return "NVRTC_ERROR_COMPILATION";
        case INTERNAL_ERROR: return "NVRTC_ERROR_INTERNAL_ERROR";
        default: return "NVRTC_ERROR unknown";
    }
}
