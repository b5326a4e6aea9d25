// The fake driver: device and host memory, copies. A device address is a host address.
// An allocation ends (but for its rounding to 256 bytes) where 16 MB begin that nobody may touch, so that reading or writing behind it
// is found where it happens; what lies before it in its page is filled with canaries, and before that lie 16 MB untouchable too.
#include "driver.h"
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
using namespace driver;

namespace
{
    constexpr size_t PAGE = 4096, GUARD = 16 << 20, ALIGNMENT = 256, POISONED = 256ull << 20;
    constexpr unsigned char CANARY = 0xa5, POISON = 0xff;

    struct Allocation
    {
        unsigned char* mapping;
        size_t mapped, size;
    };

    std::map<const unsigned char*, Allocation> allocations;
    std::set<void*> host_allocations;
    size_t used;

    const unsigned char* first_page(const Allocation& a) { return a.mapping + GUARD; }
    const unsigned char* last_page_end(const Allocation& a) { return a.mapping + a.mapped - GUARD; }

    bool all_canaries(const unsigned char* from, const unsigned char* to)
    {
        return from == to || (*from == CANARY && memcmp(from, from + 1, to - from - 1) == 0);
    }

    void free_one(const Allocation& a)
    {
        used -= a.size;
        munmap(a.mapping, a.mapped);
    }
}

bool driver::is_device_range(const void* address, size_t bytes)
{
    auto next = allocations.upper_bound((const unsigned char*)address);
    if (next == allocations.begin())
        return false;
    auto& [base, allocation] = *std::prev(next);
    size_t offset = (const unsigned char*)address - base;
    return offset <= allocation.size && bytes <= allocation.size - offset;
}

void driver::release_memory()
{
    for (auto& entry : allocations)
        free_one(entry.second);
    allocations.clear();
}

Result driver::check_memory(const char* kernel)
{
    Result result = SUCCESS;
    for (auto& [base, a] : allocations)
    {
        bool before = !all_canaries(first_page(a), base), behind = !all_canaries(base + a.size, last_page_end(a));
        if (!before && !behind)
            continue;
        fprintf(stderr, "Emulated GPU: %s%s wrote %s the allocation of %zu bytes at %p\n", kernel != nullptr ? "kernel " : "something",
            kernel != nullptr ? kernel : "", before ? "before" : "behind", a.size, base);
        memset((void*)first_page(a), CANARY, base - first_page(a));
        memset((void*)(base + a.size), CANARY, last_page_end(a) - base - a.size);
        result = ILLEGAL_ADDRESS;
    }
    return result;
}

const char* driver::describe_address(const void* address)
{
    static char text[160];
    for (auto& [base, a] : allocations)
        if (address >= a.mapping && address < a.mapping + a.mapped)
        {
            snprintf(
                text, sizeof text, "(byte %td of the allocation of %zu bytes at %p)", (const unsigned char*)address - base, a.size, base);
            return text;
        }
    return "(in no allocation)";
}

EXPORT int cuMemAlloc_v2(void** result, size_t bytes)
{
    ENTER;
    if (result == nullptr || bytes == 0)
        return INVALID_VALUE;
    if (Result forbidden = forbid_while_capturing(); forbidden != SUCCESS)
        return forbidden;
    if (bytes > MEMORY_BYTES - used)
        return OUT_OF_MEMORY;
    size_t rounded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    size_t inner = (rounded + PAGE - 1) / PAGE * PAGE, mapped = inner + 2 * GUARD;
    unsigned char* mapping = (unsigned char*)mmap(nullptr, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED)
        return OUT_OF_MEMORY;
    if (mprotect(mapping + GUARD, inner, PROT_READ | PROT_WRITE) != 0)
        return munmap(mapping, mapped), OUT_OF_MEMORY;
    unsigned char* base = mapping + GUARD + inner - rounded;
    memset(mapping + GUARD, CANARY, inner - rounded);
    memset(base, POISON, bytes < POISONED ? bytes : POISONED);
    memset(base + bytes, CANARY, rounded - bytes);
    allocations[base] = { mapping, mapped, bytes };
    used += bytes;
    *result = base;
    return SUCCESS;
}

EXPORT int cuMemFree_v2(void* address)
{
    ENTER;
    if (address == nullptr)
        return SUCCESS;
    if (Result forbidden = forbid_while_capturing(); forbidden != SUCCESS)
        return forbidden;
    auto found = allocations.find((const unsigned char*)address);
    if (found == allocations.end())
        return INVALID_VALUE;
    Result checked = check_memory(nullptr);
    free_one(found->second);
    allocations.erase(found);
    return checked;
}

EXPORT int cuMemGetInfo_v2(size_t* free, size_t* total)
{
    ENTER;
    if (free == nullptr || total == nullptr)
        return INVALID_VALUE;
    *free = MEMORY_BYTES - used;
    *total = MEMORY_BYTES;
    return SUCCESS;
}

EXPORT int cuMemHostAlloc(void** result, size_t bytes, unsigned flags)
{
    ENTER;
    if (result == nullptr || bytes == 0 || flags > 7)
        return INVALID_VALUE;
    if (Result forbidden = forbid_while_capturing(); forbidden != SUCCESS)
        return forbidden;
    void* memory = aligned_alloc(PAGE, (bytes + PAGE - 1) / PAGE * PAGE);
    if (memory == nullptr)
        return OUT_OF_MEMORY;
    memset(memory, POISON, bytes);
    host_allocations.insert(memory);
    *result = memory;
    return SUCCESS;
}

EXPORT int cuMemAllocHost_v2(void** result, size_t bytes) { return cuMemHostAlloc(result, bytes, 0); }

EXPORT int cuMemFreeHost(void* memory)
{
    ENTER;
    if (host_allocations.erase(memory) == 0)
        return INVALID_VALUE;
    free(memory);
    return SUCCESS;
}

EXPORT int cuMemHostRegister_v2(void* memory, size_t bytes, unsigned)
{
    ENTER;
    return memory == nullptr || bytes == 0 ? INVALID_VALUE : SUCCESS;
}

EXPORT int cuMemHostUnregister(void* memory)
{
    ENTER;
    return memory == nullptr ? INVALID_VALUE : SUCCESS;
}

// ---- Copies ----

namespace
{
    Result copy(void* to, const void* from, size_t bytes) { return memmove(to, from, bytes), SUCCESS; }

    Result check(const void* device, const void* host, size_t bytes)
    {
        return bytes != 0 && (host == nullptr || !is_device_range(device, bytes)) ? INVALID_VALUE : SUCCESS;
    }

    Result copy_now(const void* device, const void* host, void* to, const void* from, size_t bytes)
    {
        if (Result forbidden = forbid_while_capturing(CAPTURE_IMPLICIT); forbidden != SUCCESS)
            return forbidden;
        Result result = check(device, host, bytes);
        return result != SUCCESS ? result : copy(to, from, bytes);
    }

    Result copy_later(const void* device, const void* host, void* to, const void* from, size_t bytes, void* stream)
    {
        Result result = check(device, host, bytes);
        return result != SUCCESS
            ? result
            : enqueue(stream, [=] { return is_device_range(device, bytes) ? copy(to, from, bytes) : ILLEGAL_ADDRESS; });
    }
}

EXPORT int cuMemcpyHtoD_v2(void* to, const void* from, size_t bytes) { ENTER; return copy_now(to, from, to, from, bytes); }
EXPORT int cuMemcpyDtoH_v2(void* to, const void* from, size_t bytes) { ENTER; return copy_now(from, to, to, from, bytes); }
EXPORT int cuMemcpyHtoDAsync_v2(void* to, const void* from, size_t bytes, void* stream)
{
    ENTER;
    return copy_later(to, from, to, from, bytes, stream);
}
EXPORT int cuMemcpyDtoHAsync_v2(void* to, const void* from, size_t bytes, void* stream)
{
    ENTER;
    return copy_later(from, to, to, from, bytes, stream);
}

EXPORT int cuMemcpyDtoDAsync_v2(void* to, const void* from, size_t bytes, void* stream)
{
    ENTER;
    return bytes != 0 && !is_device_range(from, bytes) ? INVALID_VALUE : copy_later(to, from, to, from, bytes, stream);
}

EXPORT int cuMemcpyDtoD_v2(void* to, const void* from, size_t bytes)
{
    ENTER;
    return bytes != 0 && !is_device_range(from, bytes) ? INVALID_VALUE : copy_now(to, from, to, from, bytes);
}

namespace
{
    template <typename T> Result fill(void* to, T value, size_t count, void* stream)
    {
        if (count != 0 && (!is_device_range(to, count * sizeof(T)) || (size_t)to % sizeof(T) != 0))
            return INVALID_VALUE;
        return enqueue(stream, [=]
        {
            if (!is_device_range(to, count * sizeof(T)) && count != 0)
                return ILLEGAL_ADDRESS;
            for (size_t i = 0; i < count; i++)
                ((T*)to)[i] = value;
            return SUCCESS;
        });
    }
}

EXPORT int cuMemsetD8Async(void* to, unsigned char value, size_t count, void* stream) { ENTER; return fill(to, value, count, stream); }
EXPORT int cuMemsetD16Async(void* to, unsigned short value, size_t count, void* stream) { ENTER; return fill(to, value, count, stream); }
EXPORT int cuMemsetD32Async(void* to, unsigned value, size_t count, void* stream) { ENTER; return fill(to, value, count, stream); }
EXPORT int cuMemsetD8_v2(void* to, unsigned char value, size_t count) { return cuMemsetD8Async(to, value, count, nullptr); }
EXPORT int cuMemsetD32_v2(void* to, unsigned value, size_t count) { return cuMemsetD32Async(to, value, count, nullptr); }
