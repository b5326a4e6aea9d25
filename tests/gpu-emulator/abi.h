// What an emulated kernel and the runtime that executes it agree on. Kernels have no standard header, so none is used here.
#pragma once

constexpr int EMULATED_ABI = 2;

struct EmulatedIndex
{
    unsigned x, y, z;
};

// What the lanes of a warp do together.
enum EmulatedMeeting
{
    MEET_SYNC,
    MEET_SHUFFLE,
    MEET_VOTE,
    MEET_LOAD_MATRICES,
    MEET_LOAD_MATRICES_TRANSPOSED,
    MEET_MMA_BF16,
    MEET_MMA_F16,
};

// What one lane brings to a meeting and takes from it.
struct alignas(64) EmulatedSlot
{
    union
    {
        unsigned char bytes[64];
        unsigned vote;
        struct { unsigned a[4], b[2]; float c[4]; } mma;
        struct { const void* row; unsigned r[4]; } matrices;
    };
};

struct EmulatedWarp
{
    // The slots of the meeting that the lanes are coming to. A lane may be one meeting ahead of another: two sets take turns.
    EmulatedSlot* slots;
    unsigned alive;     // lanes that have not returned
    unsigned arrived;   // lanes at the meeting
    unsigned waiting;   // lanes at the block's barrier
    unsigned ready;     // lanes that may go on
    int meeting;
    EmulatedSlot sets[2][32];
};

struct EmulatedThread
{
    EmulatedIndex index;
    int lane;
    EmulatedWarp* warp;
};

// The machine as a kernel sees it: who runs now, and what it can ask for.
struct EmulatedGpu
{
    EmulatedThread* current;
    EmulatedIndex block, block_size, grid;
    unsigned char* dynamic_shared;
    void (*meet)(int meeting);          // returns once all lanes of the warp have arrived
    void (*sync_block)();               // returns once all threads of the block have arrived
    void (*fail)(const char* why);      // ends the launch with an error
    // Asynchronous copies of 16 bytes, of zeros where `from` is null. The place is NaN until the copy is waited for.
    void (*copy_async)(void* to, const void* from);
    void (*commit_copies)();
    void (*wait_copies)(int groups);
};

struct EmulatedKernel
{
    const char* name;
    void (*call)(void** parameters);
    int parameter_count;
    const int* parameter_sizes;
    int max_threads;                    // of __launch_bounds__, or 1024
};

struct EmulatedRegion
{
    unsigned char *begin, *end;
};

// The symbol `emulated_module` of a compiled kernel file.
struct EmulatedModule
{
    int abi;
    EmulatedGpu** gpu;
    const EmulatedKernel* kernels;
    int kernel_count;
    const EmulatedRegion* shared;       // where __shared__ variables lie
    int shared_count;
};
