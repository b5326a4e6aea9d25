// The fake driver: initialization, the device, its context, errors' names.
#include "driver.h"
#include <cstring>
#include <cstdlib>
using namespace driver;

std::recursive_mutex driver::gate;
Result driver::pending = SUCCESS;

namespace
{
    bool initialized;
    int context_users;
    char context_place;
    void* const context = &context_place;
    thread_local void* current_context;
    const char* const DEVICE_NAME = "Emulated GPU";
}

bool driver::tracing()
{
    static const bool value = getenv("HSHARE_GPU_EMULATOR_TRACE") != nullptr;
    return value;
}

Result driver::enter()
{
    return !initialized ? NOT_INITIALIZED : current_context == nullptr || context_users == 0 ? INVALID_CONTEXT : SUCCESS;
}

EXPORT int cuInit(unsigned flags)
{
    if (flags != 0)
        return INVALID_VALUE;
    emulated::describe_address = describe_address;
    initialized = true;
    return SUCCESS;
}

EXPORT int cuDriverGetVersion(int* version) { return version == nullptr ? INVALID_VALUE : (*version = 13000, SUCCESS); }

EXPORT int cuDeviceGetCount(int* count)
{
    return !initialized ? NOT_INITIALIZED : count == nullptr ? INVALID_VALUE : (*count = 1, SUCCESS);
}

EXPORT int cuDeviceGet(int* device, int ordinal)
{
    return !initialized ? NOT_INITIALIZED : device == nullptr ? INVALID_VALUE : ordinal != 0 ? INVALID_DEVICE : (*device = 0, SUCCESS);
}

EXPORT int cuDeviceGetName(char* name, int length, int device)
{
    if (!initialized || device != 0)
        return !initialized ? NOT_INITIALIZED : INVALID_DEVICE;
    if (name == nullptr || length <= 0)
        return INVALID_VALUE;
    strncpy(name, DEVICE_NAME, length - 1);
    name[length - 1] = 0;
    return SUCCESS;
}

EXPORT int cuDeviceGetUuid_v2(unsigned char* uuid, int device) { return device != 0 ? INVALID_DEVICE : (memset(uuid, 0xe0, 16), SUCCESS); }

EXPORT int cuDeviceTotalMem_v2(size_t* bytes, int device)
{
    return !initialized    ? NOT_INITIALIZED
        : device != 0      ? INVALID_DEVICE
        : bytes == nullptr ? INVALID_VALUE
                           : (*bytes = MEMORY_BYTES, SUCCESS);
}

EXPORT int cuDeviceGetAttribute(int* value, int attribute, int device)
{
    if (!initialized || device != 0)
        return !initialized ? NOT_INITIALIZED : INVALID_DEVICE;
    if (value == nullptr || attribute < 1 || attribute > 200)
        return INVALID_VALUE;
    static const std::map<int, int> values =
    {
        { 1, 1024 }, { 2, 1024 }, { 3, 1024 }, { 4, 64 },           // threads per block, and in each direction
        { 5, 0x7fffffff }, { 6, 65535 }, { 7, 65535 },              // grid
        { 8, (int)SHARED_DEFAULT }, { 9, 65536 }, { 10, 32 },       // shared, constant memory, warp size
        { 12, 65536 }, { 13, 1000000 }, { 16, MULTIPROCESSORS },    // registers per block, clock (kHz), multiprocessors
        { 19, 1 }, { 31, 1 }, { 36, 1000000 }, { 37, 256 },         // maps host memory, concurrent kernels, memory clock (kHz), bus (bits)
        { 38, 4 << 20 }, { 39, 2048 }, { 40, 2 }, { 41, 1 },        // L2, threads per multiprocessor, copy engines, unified addresses
        { 75, 9 }, { 76, 0 }, { 81, 228 * 1024 }, { 82, 65536 },    // compute capability; shared, registers per multiprocessor
        { 97, (int)SHARED_OPT_IN }, { 106, 32 }, { 111, 1024 },     // opt-in shared, blocks per multiprocessor, reserved shared
    };
    auto found = values.find(attribute);
    *value = found == values.end() ? 0 : found->second;
    return SUCCESS;
}

EXPORT int cuDevicePrimaryCtxRetain(void** result, int device)
{
    std::lock_guard<std::recursive_mutex> turn(gate);
    if (!initialized || device != 0)
        return !initialized ? NOT_INITIALIZED : INVALID_DEVICE;
    if (result == nullptr)
        return INVALID_VALUE;
    context_users++;
    *result = context;
    return SUCCESS;
}

// The last release takes all memory and modules away.
EXPORT int cuDevicePrimaryCtxRelease_v2(int device)
{
    std::lock_guard<std::recursive_mutex> turn(gate);
    if (!initialized || device != 0)
        return !initialized ? NOT_INITIALIZED : INVALID_DEVICE;
    if (context_users == 0)
        return INVALID_CONTEXT;
    if (--context_users == 0)
    {
        release_memory();
        release_modules();
    }
    return SUCCESS;
}

EXPORT int cuCtxSetCurrent(void* to)
{
    if (!initialized)
        return NOT_INITIALIZED;
    if (to != nullptr && (to != context || context_users == 0))
        return INVALID_CONTEXT;
    current_context = to;
    return SUCCESS;
}

EXPORT int cuCtxGetCurrent(void** result)
{
    return !initialized ? NOT_INITIALIZED : result == nullptr ? INVALID_VALUE : (*result = current_context, SUCCESS);
}

EXPORT int cuCtxGetDevice(int* device)
{
    ENTER;
    return device == nullptr ? INVALID_VALUE : (*device = 0, SUCCESS);
}

EXPORT int cuCtxSynchronize()
{
    ENTER;
    if (Result result = forbid_while_capturing(); result != SUCCESS)
        return result;
    if (Result result = check_memory(nullptr); result != SUCCESS && pending == SUCCESS)
        pending = result;
    Result result = pending;
    pending = SUCCESS;
    return result;
}

namespace
{
    struct ErrorText { int code; const char *name, *text; };
    const ErrorText errors[] = {
        { SUCCESS, "CUDA_SUCCESS", "no error" },
        { INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument" },
        { OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory" },
        { NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "initialization error" },
        { INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal" },
        { INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid" },
        { INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context" },
        { FILE_NOT_FOUND, "CUDA_ERROR_FILE_NOT_FOUND", "file not found" },
        { INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle" },
        { ILLEGAL_STATE, "CUDA_ERROR_ILLEGAL_STATE", "the operation cannot be performed in the present state" },
        { NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found" },
        { NOT_READY, "CUDA_ERROR_NOT_READY", "device not ready" },
        { ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered" },
        { LAUNCH_OUT_OF_RESOURCES, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch" },
        { LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure" },
        { NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported" },
        { CAPTURE_UNSUPPORTED, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "operation not permitted when stream is capturing" },
        { CAPTURE_INVALIDATED, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", "operation failed due to a previous error during capture" },
        { CAPTURE_MERGE, "CUDA_ERROR_STREAM_CAPTURE_MERGE", "operation would result in a merge of separate capture sequences" },
        { CAPTURE_UNMATCHED, "CUDA_ERROR_STREAM_CAPTURE_UNMATCHED", "capture was not ended in the same stream as it began" },
        { CAPTURE_UNJOINED, "CUDA_ERROR_STREAM_CAPTURE_UNJOINED", "capturing stream has unjoined work" },
        { CAPTURE_IMPLICIT, "CUDA_ERROR_STREAM_CAPTURE_IMPLICIT",
            "operation would make the legacy stream depend on a capturing blocking stream" },
        { CAPTURED_EVENT, "CUDA_ERROR_CAPTURED_EVENT", "operation not permitted on an event last recorded in a capturing stream" },
        { CAPTURE_WRONG_THREAD, "CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD",
            "attempt to terminate a thread-local capture sequence from another thread" },
    };

    int find_error(int code, const char** text, const char* ErrorText::* member)
    {
        for (const ErrorText& error : errors)
            if (error.code == code)
                return *text = error.*member, SUCCESS;
        *text = nullptr;
        return INVALID_VALUE;
    }
}

EXPORT int cuGetErrorName(int code, const char** text) { return find_error(code, text, &ErrorText::name); }
EXPORT int cuGetErrorString(int code, const char** text) { return find_error(code, text, &ErrorText::text); }
