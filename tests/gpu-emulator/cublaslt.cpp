// A fake cuBLASLt: D = alpha op(A) op(B) + beta C, on the stream of the emulated GPU.
#include <cstdint>
#include <cstring>
#include <dlfcn.h>
#include <string>
#include <vector>

#define EXPORT extern "C" __attribute__((visibility("default")))
#define FASTEST __attribute__((target_clones("arch=haswell", "default")))

namespace
{
    enum Status { SUCCESS = 0, NOT_INITIALIZED = 1, INVALID_VALUE = 7, EXECUTION_FAILED = 13, NOT_SUPPORTED = 15 };
    enum Type { FLOAT32 = 0, FLOAT16 = 2, BFLOAT16 = 14 };

    struct Handle { int unused; };

    struct MatmulDesc
    {
        int32_t compute_type, scale_type, pointer_mode = 0, transpose_a = 0, transpose_b = 0, transpose_c = 0, epilogue = 1;
    };

    struct Layout
    {
        int32_t type, order = 0;            // order: 0 by columns, 1 by rows
        uint64_t rows, columns;
        int64_t leading;
        int32_t batches = 1;
        int64_t batch_stride = 0;
    };

    struct Preference { uint64_t workspace = 0; };

    struct HeuristicResult
    {
        uint64_t algorithm[8];
        size_t workspace;
        int32_t status;
        float waves;
        int32_t reserved[4];
    };

    template <typename T> Status set(T& member, const void* value, size_t bytes)
    {
        if (value == nullptr || bytes < sizeof(T))
            return INVALID_VALUE;
        memcpy(&member, value, sizeof(T));
        return SUCCESS;
    }

    // ---- Elements ----

    float bits_as_float(uint32_t bits) { float value; memcpy(&value, &bits, 4); return value; }
    uint32_t float_as_bits(float value) { uint32_t bits; memcpy(&bits, &value, 4); return bits; }

    size_t size_of(int type) { return type == FLOAT32 ? 4 : 2; }

    inline float decode_half(uint16_t bits)
    {
        uint32_t sign = (bits & 0x8000u) << 16, magnitude = (bits & 0x7fffu) << 13;
        uint32_t finite = float_as_bits(bits_as_float(magnitude) * 0x1p112f);
        return bits_as_float(sign | (magnitude >= 0x0f800000u ? magnitude | 0x7f800000u : finite));
    }

    float load(const char* address, int type)
    {
        if (type == FLOAT32)
            return *(const float*)address;
        uint16_t bits = *(const uint16_t*)address;
        return type == FLOAT16 ? decode_half(bits) : bits_as_float((uint32_t)bits << 16);
    }

    void store(char* address, int type, float value)
    {
        if (type == FLOAT32)
            *(float*)address = value;
        else if (type == FLOAT16)
        {
            _Float16 half = (_Float16)value;
            memcpy(address, &half, 2);
        }
        else
        {
            uint32_t bits = float_as_bits(value);
            *(uint16_t*)address = value != value ? 0x7fff : (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
        }
    }

    FASTEST void decode_all(float* to, const char* from, size_t count, int type)
    {
        const uint16_t* halves = (const uint16_t*)from;
        if (type == FLOAT32)
            memcpy(to, from, 4 * count);
        else if (type == FLOAT16)
            for (size_t i = 0; i < count; i++)
                to[i] = decode_half(halves[i]);
        else
            for (size_t i = 0; i < count; i++)
                to[i] = bits_as_float((uint32_t)halves[i] << 16);
    }

    // Four products of the same row at once; the sums are spread over eight lanes.
    typedef float Lanes __attribute__((vector_size(32), aligned(4)));
    FASTEST void dot4(const float* a, const float* b, size_t stride, size_t k, float* results)
    {
        Lanes sums[4] = { };
        size_t i = 0;
        for (; i + 8 <= k; i += 8)
            for (int j = 0; j < 4; j++)
                sums[j] += *(const Lanes*)(a + i) * *(const Lanes*)(b + j * stride + i);
        for (int j = 0; j < 4; j++)
        {
            float sum = 0;
            for (int lane = 0; lane < 8; lane++)
                sum += sums[j][lane];
            for (size_t rest = i; rest < k; rest++)
                sum += a[rest] * b[j * stride + rest];
            results[j] = sum;
        }
    }

    // ---- The product ----

    struct Operand
    {
        const char* address;
        Layout layout;
        size_t step_row, step_column;   // in elements, of the matrix as it lies

        Operand(const void* address, const Layout& layout) : address((const char*)address), layout(layout),
            step_row(layout.order == 0 ? 1 : layout.leading), step_column(layout.order == 0 ? layout.leading : 1) { }
        const char* at(size_t batch, size_t row, size_t column) const
        {
            return address + (batch * layout.batch_stride + row * step_row + column * step_column) * size_of(layout.type);
        }
    };

    struct Product
    {
        Operand a, b, c, d;
        bool transpose_a, transpose_b;
        float alpha, beta;
        size_t m, n, k;
    };

    // One row for each row (or column) of an operand, its k elements side by side.
    std::vector<float> lines(const Operand& x, size_t batch, size_t count, size_t k, bool along_rows)
    {
        std::vector<float> result((count + 3) / 4 * 4 * k);
        for (size_t i = 0; i < count; i++)
        {
            float* line = &result[i * k];
            size_t step = along_rows ? x.step_column : x.step_row;
            const char* from = along_rows ? x.at(batch, i, 0) : x.at(batch, 0, i);
            if (step == 1)
                decode_all(line, from, k, x.layout.type);
            else
                for (size_t j = 0; j < k; j++)
                    line[j] = load(from + j * step * size_of(x.layout.type), x.layout.type);
        }
        return result;
    }

    void multiply(void* state)
    {
        const Product& p = *(const Product*)state;
        for (size_t batch = 0; batch < (size_t)p.d.layout.batches; batch++)
        {
            std::vector<float> a = lines(p.a, batch, p.m, p.k, !p.transpose_a), b = lines(p.b, batch, p.n, p.k, p.transpose_b);
            for (size_t i = 0; i < p.m; i++)
                for (size_t j = 0; j < p.n; j += 4)
                {
                    float sums[4];
                    dot4(&a[i * p.k], &b[j * p.k], p.k, p.k, sums);
                    for (size_t l = 0; l < 4 && j + l < p.n; l++)
                    {
                        float value = p.alpha * sums[l];
                        if (p.beta != 0)
                            value += p.beta * load(p.c.at(batch, i, j + l), p.c.layout.type);
                        store((char*)p.d.at(batch, i, j + l), p.d.layout.type, value);
                    }
                }
        }
    }

    bool is_known(int type) { return type == FLOAT32 || type == FLOAT16 || type == BFLOAT16; }

    bool lies_well(const Layout& x) { return x.leading >= (int64_t)(x.order == 0 ? x.rows : x.columns) && x.rows > 0 && x.columns > 0; }

    typedef int (*Enqueue)(void* stream, const char* name, void (*run)(void*), void (*release)(void*), void* state);
    Enqueue find_enqueue()
    {
        Dl_info info;
        dladdr((void*)find_enqueue, &info);
        std::string path = info.dli_fname;
        size_t slash = path.rfind('/');
        void* cuda = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
        if (cuda == nullptr || dlsym(cuda, "emulatorEnqueue") == nullptr)
            cuda = dlopen(((slash == std::string::npos ? "." : path.substr(0, slash)) + "/libcuda.so.1").c_str(), RTLD_NOW);
        return cuda == nullptr ? nullptr : (Enqueue)dlsym(cuda, "emulatorEnqueue");
    }

    // Is this a product that the real library knows, in the shapes of its operands?
    Status check(const MatmulDesc& d, const Layout& A, const Layout& B, const Layout& C, const Layout& D)
    {
        bool compute = d.compute_type == 68 || d.compute_type == 74 || d.compute_type == 75 || d.compute_type == 77;
        if (!compute || d.scale_type != FLOAT32 || d.pointer_mode != 0 || d.transpose_c != 0 || d.epilogue != 1)
            return NOT_SUPPORTED;
        if (!is_known(A.type) || A.type != B.type || C.type != D.type || (D.type != FLOAT32 && D.type != A.type))
            return NOT_SUPPORTED;
        if (!lies_well(A) || !lies_well(B) || !lies_well(C) || !lies_well(D))
            return INVALID_VALUE;
        uint64_t m = d.transpose_a ? A.columns : A.rows, k = d.transpose_a ? A.rows : A.columns;
        uint64_t n = d.transpose_b ? B.rows : B.columns, k_of_b = d.transpose_b ? B.columns : B.rows;
        bool fits = m == D.rows && n == D.columns && k == k_of_b && C.rows == D.rows && C.columns == D.columns;
        return fits && A.batches == D.batches && B.batches == D.batches && C.batches == D.batches ? SUCCESS : INVALID_VALUE;
    }
}

EXPORT int cublasLtCreate(Handle** result) { return result == nullptr ? INVALID_VALUE : (*result = new Handle(), SUCCESS); }
EXPORT int cublasLtDestroy(Handle* handle) { return delete handle, SUCCESS; }
EXPORT size_t cublasLtGetVersion() { return 130000; }
EXPORT const char* cublasLtGetStatusName(int status)
{
    return status == SUCCESS         ? "CUBLAS_STATUS_SUCCESS"
        : status == NOT_INITIALIZED  ? "CUBLAS_STATUS_NOT_INITIALIZED"
        : status == INVALID_VALUE    ? "CUBLAS_STATUS_INVALID_VALUE"
        : status == EXECUTION_FAILED ? "CUBLAS_STATUS_EXECUTION_FAILED"
                                     : "CUBLAS_STATUS_NOT_SUPPORTED";
}
EXPORT const char* cublasLtGetStatusString(int status) { return cublasLtGetStatusName(status); }

EXPORT int cublasLtMatmulDescCreate(MatmulDesc** result, int compute_type, int scale_type)
{
    return result == nullptr ? INVALID_VALUE : (*result = new MatmulDesc { compute_type, scale_type }, SUCCESS);
}
EXPORT int cublasLtMatmulDescDestroy(MatmulDesc* desc) { return delete desc, SUCCESS; }
EXPORT int cublasLtMatmulDescSetAttribute(MatmulDesc* desc, int attribute, const void* value, size_t bytes)
{
    if (desc == nullptr)
        return INVALID_VALUE;
    switch (attribute)
    {
        case 0: return set(desc->compute_type, value, bytes);
        case 1: return set(desc->scale_type, value, bytes);
        case 2: return set(desc->pointer_mode, value, bytes);
        case 3: return set(desc->transpose_a, value, bytes);
        case 4: return set(desc->transpose_b, value, bytes);
        case 5: return set(desc->transpose_c, value, bytes);
        case 7: return set(desc->epilogue, value, bytes);
        default: return NOT_SUPPORTED;
    }
}

EXPORT int cublasLtMatrixLayoutCreate(Layout** result, int type, uint64_t rows, uint64_t columns, int64_t leading)
{
    if (result == nullptr)
        return INVALID_VALUE;
    *result = new Layout { type, 0, rows, columns, leading };
    return SUCCESS;
}
EXPORT int cublasLtMatrixLayoutDestroy(Layout* layout) { return delete layout, SUCCESS; }
EXPORT int cublasLtMatrixLayoutSetAttribute(Layout* layout, int attribute, const void* value, size_t bytes)
{
    if (layout == nullptr)
        return INVALID_VALUE;
    switch (attribute)
    {
        case 0: return set(layout->type, value, bytes);
        case 1: return set(layout->order, value, bytes);
        case 2: return set(layout->rows, value, bytes);
        case 3: return set(layout->columns, value, bytes);
        case 4: return set(layout->leading, value, bytes);
        case 5: return set(layout->batches, value, bytes);
        case 6: return set(layout->batch_stride, value, bytes);
        default: return NOT_SUPPORTED;
    }
}

EXPORT int cublasLtMatmulPreferenceCreate(Preference** result)
{
    return result == nullptr ? INVALID_VALUE : (*result = new Preference(), SUCCESS);
}
EXPORT int cublasLtMatmulPreferenceDestroy(Preference* preference) { return delete preference, SUCCESS; }
EXPORT int cublasLtMatmulPreferenceSetAttribute(Preference* preference, int attribute, const void* value, size_t bytes)
{
    if (preference == nullptr)
        return INVALID_VALUE;
    return attribute == 1 ? set(preference->workspace, value, bytes) : SUCCESS;
}

EXPORT int cublasLtMatmulAlgoGetHeuristic(Handle* handle, MatmulDesc* desc, Layout* A, Layout* B, Layout* C, Layout* D,
    Preference* preference, int requested, HeuristicResult* results, int* found)
{
    if (handle == nullptr)
        return NOT_INITIALIZED;
    if (!desc || !A || !B || !C || !D || !preference || requested < 1 || !results || !found)
        return INVALID_VALUE;
    *found = 0;
    if (Status status = check(*desc, *A, *B, *C, *D); status != SUCCESS)
        return status;
    results[0] = { };
    results[0].algorithm[0] = 0xe0e0e0e0;
    results[0].waves = 1;
    *found = 1;
    return SUCCESS;
}

EXPORT int cublasLtMatmul(Handle* handle, MatmulDesc* desc, const float* alpha, const void* a, Layout* A, const void* b, Layout* B,
    const float* beta, const void* c, Layout* C, void* d, Layout* D, const uint64_t* algorithm, void*, size_t, void* stream)
{
    if (handle == nullptr)
        return NOT_INITIALIZED;
    if (!desc || !alpha || !beta || !a || !b || !d || !A || !B || !C || !D || (c == nullptr && *beta != 0))
        return INVALID_VALUE;
    if (algorithm != nullptr && algorithm[0] != 0xe0e0e0e0)
        return INVALID_VALUE;
    if (Status status = check(*desc, *A, *B, *C, *D); status != SUCCESS)
        return status;
    static const Enqueue enqueue = find_enqueue();
    if (enqueue == nullptr)
        return NOT_INITIALIZED;
    Product* product = new Product{ { a, *A }, { b, *B }, { c, *C }, { d, *D }, desc->transpose_a != 0, desc->transpose_b != 0, *alpha,
        *beta, (size_t)D->rows, (size_t)D->columns, (size_t)(desc->transpose_a ? A->rows : A->columns) };
    int result = enqueue(stream, "cublasLtMatmul", multiply, [](void* state) { delete (Product*)state; }, product);
    return result == 0 ? SUCCESS : EXECUTION_FAILED;
}
