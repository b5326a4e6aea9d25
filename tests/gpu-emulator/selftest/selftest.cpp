// Tests the emulated GPU by itself, or compiles a kernel file for it: FOLDER has the libraries that `build` made.
//   g++ -std=c++17 selftest/selftest.cpp -ldl -o FOLDER/selftest && FOLDER/selftest FOLDER [FILE.cu -DNAME=VALUE ...]
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <dlfcn.h>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

static void *cuda, *nvrtc, *cublas;
static int failures;

// Calls a function of a library by its name.
template <typename... A> int call(void* library, const char* name, A... arguments)
{
    auto function = (int (*)(A...))dlsym(library, name);
    if (function == nullptr)
        printf("%s is missing\n", name), exit(1);
    return function(arguments...);
}

static void expect(bool good, const char* what)
{
    printf("%-4s %s\n", good ? "ok" : "BAD", what);
    failures += !good;
}

#define NEED(e) do { int result_ = (e); if (result_ != 0) { printf("%s gave %d\n", #e, result_); exit(1); } } while (0)

static std::string read(const std::string& path)
{
    std::ifstream file(path);
    return { std::istreambuf_iterator<char>(file), { } };
}

// Compiles a kernel file with the headers beside it; gives the image, or the log where there are errors.
static std::string compile(
    const std::string& source, std::vector<const char*> options, int* result, const std::string& path = "selftest.cu")
{
    void* program;
    std::vector<std::string> names { "device.cuh" }, texts { "replaced" };
    std::string folder = path.find('/') == std::string::npos ? "." : path.substr(0, path.rfind('/'));
    if (DIR* directory = opendir(folder.c_str()))
    {
        while (dirent* entry = readdir(directory))
            if (std::string name = entry->d_name; name.size() > 4 && name.substr(name.size() - 4) == ".cuh" && name != "device.cuh")
                names.push_back(name), texts.push_back(read(folder + "/" + name));
        closedir(directory);
    }
    std::vector<const char*> name_list, text_list;
    for (auto& name : names)
        name_list.push_back(name.c_str());
    for (auto& text : texts)
        text_list.push_back(text.c_str());
    std::string file = path.substr(path.rfind('/') + 1);
    NEED(call(nvrtc, "nvrtcCreateProgram", &program, source.c_str(), file.c_str(), (int)names.size(), text_list.data(), name_list.data()));
    *result = call(nvrtc, "nvrtcCompileProgram", program, (int)options.size(), options.data());
    size_t size;
    call(nvrtc, "nvrtcGetProgramLogSize", program, &size);
    std::string text(size, 0);
    call(nvrtc, "nvrtcGetProgramLog", program, &text[0]);
    if (*result == 0)
    {
        if (size > 1)
            printf("%s\n", text.c_str());
        NEED(call(nvrtc, "nvrtcGetCUBINSize", program, &size));
        text.resize(size);
        NEED(call(nvrtc, "nvrtcGetCUBIN", program, &text[0]));
    }
    call(nvrtc, "nvrtcDestroyProgram", &program);
    return text;
}

static char* device(size_t bytes)
{
    char* result;
    NEED(call(cuda, "cuMemAlloc_v2", &result, bytes));
    return result;
}

template <typename T> char* device(const std::vector<T>& values)
{
    char* result = device(values.size() * sizeof(T));
    NEED(call(cuda, "cuMemcpyHtoD_v2", result, (const void*)values.data(), values.size() * sizeof(T)));
    return result;
}

template <typename T> std::vector<T> host(char* address, size_t count)
{
    std::vector<T> result(count);
    NEED(call(cuda, "cuMemcpyDtoH_v2", (void*)result.data(), address, count * sizeof(T)));
    return result;
}

template <typename... A>
int launch(void* module, const char* name, unsigned grid, unsigned threads, unsigned shared, void* stream, A... arguments)
{
    void* function;
    NEED(call(cuda, "cuModuleGetFunction", &function, module, name));
    void* parameters[] = { &arguments... };
    return call(cuda, "cuLaunchKernel", function, grid, 1u, 1u, threads, 1u, 1u, shared, stream, (void**)parameters, (void**)nullptr);
}

static unsigned short encode(float value, bool half)
{
    if (half)
    {
        _Float16 h = (_Float16)value;
        unsigned short bits;
        memcpy(&bits, &h, 2);
        return bits;
    }
    unsigned bits;
    memcpy(&bits, &value, 4);
    return (unsigned short)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static float decode(unsigned short bits, bool half)
{
    unsigned wide = (unsigned)bits << 16;
    float value;
    _Float16 h;
    memcpy(&value, &wide, 4);
    memcpy(&h, &bits, 2);
    return half ? (float)h : value;
}

static float random_value() { return (float)rand() / (float)RAND_MAX * 2 - 1; }

static void test_product(void* module, bool half)
{
    std::vector<unsigned short> a(256), b(128);
    for (auto& x : a) x = encode(random_value(), half);
    for (auto& x : b) x = encode(random_value(), half);
    char* c = device(128 * 4);
    NEED(launch(module, "product", 1, 32, 256 * 2 + 128 * 2, nullptr, device(a), device(b), c));
    std::vector<float> got = host<float>(c, 128);
    float worst = 0;
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < 8; j++)
        {
            float sum = 0;
            for (int k = 0; k < 16; k++)
                sum += decode(a[i * 16 + k], half) * decode(b[k * 8 + j], half);
            worst = std::fmax(worst, std::isnan(got[i * 8 + j]) ? 1 : std::fabs(sum - got[i * 8 + j]));
        }
    expect(worst < 1e-5f, half ? "load_matrices and mma, f16" : "load_matrices and mma, bf16");
}

static void test_rows(void* module)
{
    int rows = 5, columns = 333;
    std::vector<float> x(rows * columns);
    for (auto& v : x) v = random_value();
    char *on_device = device(x), *sums = device(rows * 4), *counter = device(std::vector<int> { 0 });
    NEED(launch(module, "row_sums", rows, 100, 0, nullptr, on_device, columns, sums, counter));
    std::vector<float> got = host<float>(sums, rows);
    bool good = host<int>(counter, 1)[0] == 0;
    for (int r = 0; r < rows; r++)
    {
        float sum = 0;
        for (int i = 0; i < columns; i++)
            sum += x[r * columns + i];
        good = good && std::fabs(sum - got[r]) < 1e-3f;
    }
    expect(good, "barriers, shared variables, a partial warp, threads that return early");

    // The same, captured and replayed with other values.
    void *stream, *graph, *executable;
    NEED(call(cuda, "cuStreamCreate", &stream, 1));
    NEED(call(cuda, "cuMemsetD32Async", sums, 0u, (size_t)rows, stream));
    NEED(call(cuda, "cuStreamBeginCapture_v2", stream, 0));
    NEED(launch(module, "row_sums", rows, 100, 0, stream, on_device, columns, sums, counter));
    char* none;
    bool forbidden = call(cuda, "cuStreamSynchronize", stream) == 900 && call(cuda, "cuStreamEndCapture", stream, &graph) == 901;
    NEED(call(cuda, "cuStreamBeginCapture_v2", stream, 0));
    forbidden =
        forbidden && call(cuda, "cuMemAlloc_v2", &none, (size_t)16) == 900 && call(cuda, "cuStreamEndCapture", stream, &graph) == 901;
    NEED(call(cuda, "cuStreamBeginCapture_v2", stream, 0));
    NEED(launch(module, "row_sums", rows, 100, 0, stream, on_device, columns, sums, counter));
    NEED(call(cuda, "cuStreamEndCapture", stream, &graph));
    bool quiet = host<float>(sums, rows)[0] == 0;
    NEED(call(cuda, "cuGraphInstantiateWithFlags", &executable, graph, 0ull));
    NEED(call(cuda, "cuGraphDestroy", graph));
    x.assign(x.size(), 1.0f);
    NEED(call(cuda, "cuMemcpyHtoD_v2", on_device, (const void*)x.data(), x.size() * 4));
    NEED(call(cuda, "cuGraphLaunch", executable, stream));
    NEED(call(cuda, "cuStreamSynchronize", stream));
    expect(forbidden && quiet && host<float>(sums, rows)[4] == columns, "stream capture and graphs");
    expect(launch(module, "row_sums", rows, 128, 0, stream, on_device, columns, sums, counter) == 1,
        "more threads than __launch_bounds__ are refused");
    expect(
        launch(module, "row_sums", rows, 96, 50000, stream, on_device, columns, sums, counter) == 1, "too much shared memory is refused");
}

struct PerHead
{
    int at[128];
};

static void test_exchange(void* module)
{
    PerHead heads;
    for (int i = 0; i < 128; i++)
        heads.at[i] = 1000 * i;
    char *out = device(192 * 4), *codes = device(256), *decoded = device(256 * 4);
    NEED(launch(module, "exchange", 1, 32, 0, nullptr, heads, out, codes, decoded));
    std::vector<int> got = host<int>(out, 192);
    bool good = true;
    for (int i = 0; i < 32; i++)
    {
        good = good && got[i] == (31 - i) * 10 && got[32 + i] == (i ^ 5) && got[64 + i] == (i < 3 ? i : i - 3)
            && (unsigned)got[96 + i] == 0x49249249u;
        good = good && got[128 + i] == 1000 * i + (i % 8 + 2 < 8 ? i + 2 : i);
    }
    expect(good, "shuffles, ballot, a structure by value");
    expect((unsigned)got[160] == 0x07000480u, "pick_bytes");
    auto bytes = host<unsigned char>(codes, 256);
    auto values = host<float>(decoded, 256);
    for (int i = 0; i < 256; i++)
    {
        int exponent = i >> 3 & 15, mantissa = i & 7;
        float value = exponent == 0 ? std::ldexp((float)mantissa, -9) : std::ldexp(8.0f + mantissa, exponent - 10);
        bool nan = (i & 127) == 127;
        good = good && (nan ? std::isnan(values[i]) && (bytes[i] & 127) == 127 : values[i] == (i & 128 ? -value : value) && bytes[i] == i);
    }
    expect(good, "e4m3 there and back");
}

static void test_errors(void* module)
{
    char* memory = device(20);
    fprintf(stderr, "(the next messages are meant to come)\n");
    expect(launch(module, "wrong", 1, 64, 0, nullptr, 0, memory) == 719, "a deadlock ends the launch");
    expect(launch(module, "wrong", 1, 64, 0, nullptr, 1, memory) == 700, "an illegal address is told");
    expect(launch(module, "wrong", 1, 64, 0, nullptr, 2, memory) == 700, "writing behind an allocation is told");
    expect(launch(module, "wrong", 1, 64, 0, nullptr, 3, memory) == 719, "a misaligned access is told");
    expect(launch(module, "wrong", 1, 64, 0, nullptr, 4, memory) == 0, "the next launch is fine");
    NEED(call(cuda, "cuMemsetD8Async", memory, (unsigned char)7, (size_t)20, (void*)nullptr));
    NEED(launch(module, "wrong", 1, 1, 16, nullptr, 5, memory));
    expect(host<int>(memory, 5)[4] == -1, "what is copied asynchronously is not there before it is waited for");
    int result;
    std::string log = compile("#include \"device.cuh\"\nextern \"C\" __global__ void broken(int* x) { *x = y; }\n", { }, &result);
    expect(result == 6 && log.find("selftest.cu:2") != std::string::npos, "errors of compilation are in the log");
}

// D[n, m] = X[n, k] W[m, k]^T, row-major: by columns D' = op(W') X' with W' transposed.
static void test_cublas(int type, int d_type)
{
    void *handle, *desc, *layouts[3], *preference, *stream;
    long m = 10, n = 7, k = 37, ld = 40;
    std::vector<unsigned short> w(m * ld), x(n * ld);
    for (auto& v : w) v = encode(random_value(), type == 2);
    for (auto& v : x) v = encode(random_value(), type == 2);
    char *a = device(w), *b = device(x), *d = device(m * n * 4);
    NEED(call(cublas, "cublasLtCreate", &handle));
    NEED(call(cublas, "cublasLtMatmulDescCreate", &desc, 68, 0));
    int transpose = 1;
    NEED(call(cublas, "cublasLtMatmulDescSetAttribute", desc, 3, (const void*)&transpose, (size_t)4));
    NEED(call(cublas, "cublasLtMatrixLayoutCreate", &layouts[0], type, k, m, ld));
    NEED(call(cublas, "cublasLtMatrixLayoutCreate", &layouts[1], type, k, n, ld));
    NEED(call(cublas, "cublasLtMatrixLayoutCreate", &layouts[2], d_type, m, n, m));
    NEED(call(cublas, "cublasLtMatmulPreferenceCreate", &preference));
    char results[96];
    int found;
    NEED(call(cublas, "cublasLtMatmulAlgoGetHeuristic", handle, desc, layouts[0], layouts[1], layouts[2], layouts[2], preference, 1,
        (void*)results, &found));
    NEED(call(cuda, "cuStreamCreate", &stream, 1));
    float alpha = 2, beta = 0;
    NEED(call(cublas, "cublasLtMatmul", handle, desc, (const void*)&alpha, a, layouts[0], b, layouts[1], (const void*)&beta, d, layouts[2],
        d, layouts[2], (const void*)results, (void*)nullptr, (size_t)0, stream));
    bool good = found == 1;
    auto words = host<unsigned short>(d, m * n * 2);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < m; j++)
        {
            float sum = 0, got;
            for (int l = 0; l < k; l++)
                sum += 2 * decode(x[i * ld + l], type == 2) * decode(w[j * ld + l], type == 2);
            if (d_type == 0)
                memcpy(&got, &words[(i * m + j) * 2], 4);
            else
                got = decode(words[i * m + j], type == 2);
            good = good && std::fabs(sum - got) < (d_type == 0 ? 1e-4f : 0.05f);
        }
    expect(good, d_type == 0 ? "cublasLtMatmul to float32" : "cublasLtMatmul to 16 bits");
}

int main(int count, char** arguments)
{
    std::string folder = count > 1 ? arguments[1] : ".", here = __FILE__;
    cuda = dlopen((folder + "/libcuda.so.1").c_str(), RTLD_NOW | RTLD_LOCAL);
    nvrtc = dlopen((folder + "/libnvrtc.so").c_str(), RTLD_NOW | RTLD_LOCAL);
    cublas = dlopen((folder + "/libcublasLt.so").c_str(), RTLD_NOW | RTLD_LOCAL);
    if (cuda == nullptr || nvrtc == nullptr || cublas == nullptr)
        return printf("%s\n", dlerror()), 1;
    if (count > 2)
    {
        // Only compiles a kernel file.
        int result;
        std::string text = compile(read(arguments[2]), { arguments + 3, arguments + count }, &result, arguments[2]);
        printf("%s", result == 0 ? "compiles\n" : text.c_str());
        return result;
    }
    void* context;
    expect(call(cuda, "cuMemAlloc_v2", &context, (size_t)1) == 3, "nothing before cuInit");
    NEED(call(cuda, "cuInit", 0u));
    NEED(call(cuda, "cuDevicePrimaryCtxRetain", &context, 0));
    NEED(call(cuda, "cuCtxSetCurrent", context));
    std::string source = read(here.substr(0, here.rfind('.')) + ".cu");
    for (const char* element : { "-DELEMENT=bf16", "-DELEMENT=f16" })
    {
        int result;
        std::string image = compile(source, { element, "-DTHREADS=100", "--gpu-architecture=sm_90", "--std=c++17" }, &result);
        if (result != 0)
            return printf("%s\n", image.c_str()), 1;
        void* module;
        NEED(call(cuda, "cuModuleLoadData", &module, (const void*)image.data()));
        test_product(module, element[10] == 'f');
        if (element[10] == 'f')
            continue;
        test_rows(module);
        test_exchange(module);
        test_errors(module);
    }
    test_cublas(14, 0);
    test_cublas(2, 2);
    printf(failures == 0 ? "all good\n" : "%d FAILED\n", failures);
    return failures != 0;
}
