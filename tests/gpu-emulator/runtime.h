// Executes emulated kernels: the threads of a block are fibers that take turns on the calling thread.
#pragma once
#include "abi.h"
#include <functional>

namespace emulated
{
    struct Launch
    {
        const EmulatedModule* module;
        const EmulatedKernel* kernel;
        EmulatedIndex grid, block;
        unsigned shared_bytes;
    };

    enum class Outcome
    {
        Done,
        Failed,             // a deadlock, a misaligned access, a wrong use of a warp operation; the reason is on stderr
        IllegalAddress,     // the kernel touched memory that nobody allocated
    };

    // Executes all blocks of a launch, one after another. One launch at a time: the caller holds a lock.
    Outcome run(const Launch& launch, void** parameters);

    // Executes a function of the host in the place of a kernel, with the same guard against illegal addresses.
    Outcome run(const char* name, const std::function<void()>& body);

    // The address of the last illegal access was outside every allocation; named by whoever knows the allocations.
    extern std::function<const char*(const void*)> describe_address;
}
