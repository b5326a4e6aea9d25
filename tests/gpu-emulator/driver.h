// The state of the fake driver, shared by the files that export its functions.
#pragma once
#include "runtime.h"
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace driver
{
    enum Result
    {
        SUCCESS = 0,
        INVALID_VALUE = 1,
        OUT_OF_MEMORY = 2,
        NOT_INITIALIZED = 3,
        INVALID_DEVICE = 101,
        INVALID_IMAGE = 200,
        INVALID_CONTEXT = 201,
        FILE_NOT_FOUND = 301,
        INVALID_HANDLE = 400,
        ILLEGAL_STATE = 401,
        NOT_FOUND = 500,
        NOT_READY = 600,
        ILLEGAL_ADDRESS = 700,
        LAUNCH_OUT_OF_RESOURCES = 701,
        LAUNCH_FAILED = 719,
        NOT_SUPPORTED = 801,
        CAPTURE_UNSUPPORTED = 900,
        CAPTURE_INVALIDATED = 901,
        CAPTURE_MERGE = 902,
        CAPTURE_UNMATCHED = 903,
        CAPTURE_UNJOINED = 904,
        CAPTURE_IMPLICIT = 906,
        CAPTURED_EVENT = 907,
        CAPTURE_WRONG_THREAD = 908,
    };

    constexpr size_t MEMORY_BYTES = 8ull << 30;
    constexpr unsigned SHARED_DEFAULT = 48 * 1024, SHARED_OPT_IN = 227 * 1024;
    constexpr int MULTIPROCESSORS = 4;

    typedef std::function<Result()> Work;

    struct Stream;

    struct Capture
    {
        Stream* origin;
        int mode;               // 0 global, 1 this thread, 2 relaxed
        unsigned long thread;
        bool invalid = false;
        std::vector<Work> works;
        std::set<Stream*> members;
    };

    struct Stream
    {
        bool blocking;
        std::shared_ptr<Capture> capture;
    };

    struct Event
    {
        bool timing;
        bool recorded = false;
        double milliseconds = 0;
        std::shared_ptr<Capture> capture;
    };

    struct Graph
    {
        std::shared_ptr<std::vector<Work>> works;
    };

    struct Module
    {
        void* library;
        const EmulatedModule* contents;
        std::vector<std::unique_ptr<struct Function>> functions;
    };

    struct Function
    {
        Module* module;
        const EmulatedKernel* kernel;
        unsigned max_dynamic_shared = SHARED_DEFAULT;
    };

    extern std::recursive_mutex gate;
    extern Result pending;                  // an error of work that was enqueued, told at the next synchronization
    extern std::vector<std::weak_ptr<Capture>> captures;

    Result enter();                         // is there a driver and a context?
    Stream* find_stream(void* handle);      // null where there is none
    Result enqueue(void* stream, const Work& work);     // does it at once, or records it while the stream captures
    Result forbid_while_capturing(Result error = CAPTURE_UNSUPPORTED);  // what a capture in global mode forbids, and is spoilt by
    bool is_function(void* handle);
    void release_modules();

    bool is_device_range(const void* address, size_t bytes);
    void release_memory();
    Result check_memory(const char* kernel);   // looks at the canaries
    const char* describe_address(const void* address);
    bool tracing();
}

// Every exported function: one at a time, with a context.
#define ENTER \
    std::lock_guard<std::recursive_mutex> turn(driver::gate); \
    if (driver::Result entered = driver::enter(); entered != driver::SUCCESS) \
        return entered
