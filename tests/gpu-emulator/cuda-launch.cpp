// The fake driver: modules, functions, launches.
#include "driver.h"
#include <chrono>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
using namespace driver;

namespace
{
    const char MAGIC[] = "EMULATED-GPU-MODULE\n";   // then the path of a library, up to a zero byte

    std::set<Module*> modules;
    std::set<Function*> functions;

    void unload(Module* module)
    {
        for (auto& function : module->functions)
            functions.erase(function.get());
        // The library stays: graphs and other modules may use the same one.
        delete module;
    }
}

bool driver::is_function(void* handle) { return functions.count((Function*)handle) != 0; }

void driver::release_modules()
{
    for (Module* module : modules)
        unload(module);
    modules.clear();
}

EXPORT int cuModuleLoadData(Module** result, const void* image)
{
    ENTER;
    if (result == nullptr || image == nullptr)
        return INVALID_VALUE;
    if (Result forbidden = forbid_while_capturing(); forbidden != SUCCESS)
        return forbidden;
    if (strncmp((const char*)image, MAGIC, sizeof MAGIC - 1) != 0)
        return INVALID_IMAGE;
    const char* path = (const char*)image + sizeof MAGIC - 1;
    void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr)
        return fprintf(stderr, "Emulated GPU: cannot load a compiled kernel: %s\n", dlerror()), FILE_NOT_FOUND;
    const EmulatedModule* contents = (const EmulatedModule*)dlsym(library, "emulated_module");
    if (contents == nullptr || contents->abi != EMULATED_ABI)
        return fprintf(stderr, "Emulated GPU: %s was compiled for another version of the emulator\n", path), INVALID_IMAGE;
    Module* module = new Module { library, contents, { } };
    for (int i = 0; i < contents->kernel_count; i++)
    {
        module->functions.push_back(std::make_unique<Function>(Function { module, &contents->kernels[i] }));
        functions.insert(module->functions.back().get());
    }
    modules.insert(module);
    *result = module;
    return SUCCESS;
}

EXPORT int cuModuleLoadDataEx(Module** result, const void* image, unsigned, int*, void**) { return cuModuleLoadData(result, image); }

EXPORT int cuModuleUnload(Module* module)
{
    ENTER;
    if (modules.erase(module) == 0)
        return INVALID_HANDLE;
    unload(module);
    return SUCCESS;
}

EXPORT int cuModuleGetFunction(Function** result, Module* module, const char* name)
{
    ENTER;
    if (result == nullptr || name == nullptr)
        return INVALID_VALUE;
    if (modules.count(module) == 0)
        return INVALID_HANDLE;
    for (auto& function : module->functions)
        if (strcmp(function->kernel->name, name) == 0)
            return *result = function.get(), SUCCESS;
    return NOT_FOUND;
}

EXPORT int cuFuncSetAttribute(Function* function, int attribute, int value)
{
    ENTER;
    if (!is_function(function))
        return INVALID_HANDLE;
    if (attribute == 8)
    {
        if (value < 0 || (unsigned)value > SHARED_OPT_IN)
            return INVALID_VALUE;
        function->max_dynamic_shared = (unsigned)value;
        return SUCCESS;
    }
    return attribute == 9 && value >= -1 && value <= 100 ? SUCCESS : INVALID_VALUE;
}

EXPORT int cuFuncGetAttribute(int* value, int attribute, Function* function)
{
    ENTER;
    if (!is_function(function))
        return INVALID_HANDLE;
    if (value == nullptr)
        return INVALID_VALUE;
    int shared = 0; // of the whole file: which kernel uses which variable is not known
    for (int i = 0; i < function->module->contents->shared_count; i++)
        shared += (int)(function->module->contents->shared[i].end - function->module->contents->shared[i].begin);
    switch (attribute)
    {
        case 0: *value = function->kernel->max_threads; return SUCCESS;
        case 1: *value = shared; return SUCCESS;
        case 2: case 3: *value = 0; return SUCCESS;
        case 4: *value = 64; return SUCCESS;
        case 5: case 6: *value = 90; return SUCCESS;
        case 7: *value = 0; return SUCCESS;
        case 8: *value = (int)function->max_dynamic_shared; return SUCCESS;
        case 9: *value = -1; return SUCCESS;
        default: return INVALID_VALUE;
    }
}

EXPORT int cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, Function* function, int threads, size_t shared)
{
    ENTER;
    if (blocks == nullptr || threads <= 0 || threads > 1024)
        return INVALID_VALUE;
    if (!is_function(function))
        return INVALID_HANDLE;
    int by_threads = 2048 / ((threads + 31) / 32 * 32), by_shared = (int)(228 * 1024 / (shared + 1024));
    int by_registers = 65536 / (64 * ((threads + 31) / 32 * 32));
    *blocks = std::min(std::min(by_threads, by_shared), std::min(by_registers, 32));
    return SUCCESS;
}

// ---- Launches ----

namespace
{
    Result run_kernel(const emulated::Launch& launch, void** parameters)
    {
        auto start = std::chrono::steady_clock::now();
        emulated::Outcome outcome = emulated::run(launch, parameters);
        if (tracing())
            fprintf(stderr, "Emulated GPU: %s<<<(%u, %u, %u), (%u, %u, %u), %u>>> %.3f ms\n", launch.kernel->name, launch.grid.x,
                launch.grid.y, launch.grid.z, launch.block.x, launch.block.y, launch.block.z, launch.shared_bytes,
                std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
        Result result = outcome == emulated::Outcome::Done ? check_memory(launch.kernel->name)
            : outcome == emulated::Outcome::IllegalAddress ? ILLEGAL_ADDRESS : LAUNCH_FAILED;
        return result;
    }

    Result refuse(const Function& function, const char* why, Result result = INVALID_VALUE)
    {
        fprintf(stderr, "Emulated GPU: kernel %s cannot be launched: %s\n", function.kernel->name, why);
        return result;
    }

    Result check_launch(const Function& function, const emulated::Launch& launch)
    {
        const EmulatedIndex &grid = launch.grid, &block = launch.block;
        if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > 0x7fffffff || grid.y > 65535 || grid.z > 65535)
            return refuse(function, "an extent of the grid is 0, or more than 2147483647, 65535, 65535");
        if (block.x == 0 || block.y == 0 || block.z == 0 || block.x > 1024 || block.y > 1024 || block.z > 64
            || block.x * block.y * block.z > 1024)
            return refuse(function, "an extent of the block is 0, or it has more than 1024 threads");
        if ((int)(block.x * block.y * block.z) > function.kernel->max_threads)
            return refuse(function, "more threads than its __launch_bounds__");
        if (launch.shared_bytes > function.max_dynamic_shared)
            return refuse(function, "more dynamic shared memory than set by cuFuncSetAttribute (48 KB unless set)");
        int parameters = 0;
        for (int i = 0; i < function.kernel->parameter_count; i++)
            parameters += function.kernel->parameter_sizes[i];
        return parameters > 4096 ? refuse(function, "more than 4096 bytes of parameters") : SUCCESS;
    }

    Result launch_kernel(
        Function* function, const EmulatedIndex& grid, const EmulatedIndex& block, unsigned shared, void* handle, void** parameters)
    {
        if (!is_function(function))
            return INVALID_HANDLE;
        Stream* stream = find_stream(handle);
        if (stream == nullptr)
            return INVALID_HANDLE;
        emulated::Launch launch = { function->module->contents, function->kernel, grid, block, shared };
        if (Result result = check_launch(*function, launch); result != SUCCESS)
            return result;
        int count = function->kernel->parameter_count;
        if (count > 0 && parameters == nullptr)
            return INVALID_VALUE;
        if (stream->capture == nullptr)
            return enqueue(handle, [&] { return run_kernel(launch, parameters); });

        // The arguments are copied now, as they are.
        auto copies = std::make_shared<std::vector<std::vector<EmulatedSlot>>>();
        for (int i = 0; i < count; i++)
        {
            int bytes = function->kernel->parameter_sizes[i];
            copies->emplace_back((bytes + sizeof(EmulatedSlot) - 1) / sizeof(EmulatedSlot));
            memcpy((void*)copies->back().data(), parameters[i], bytes);
        }
        return enqueue(handle, [launch, copies]
        {
            std::vector<void*> places;
            for (auto& copy : *copies)
                places.push_back(copy.data());
            return run_kernel(launch, places.data());
        });
    }

    struct LaunchConfig
    {
        unsigned grid_x, grid_y, grid_z, block_x, block_y, block_z, shared;
        void* stream;
        void* attributes;
        unsigned attribute_count;
    };
}

EXPORT int cuLaunchKernel(Function* function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y,
    unsigned block_z, unsigned shared, void* stream, void** parameters, void** extra)
{
    ENTER;
    if (extra != nullptr)
        return NOT_SUPPORTED;
    return launch_kernel(function, { grid_x, grid_y, grid_z }, { block_x, block_y, block_z }, shared, stream, parameters);
}

EXPORT int cuLaunchKernelEx(const LaunchConfig* config, Function* function, void** parameters, void** extra)
{
    ENTER;
    if (config == nullptr || (config->attribute_count != 0 && config->attributes == nullptr))
        return INVALID_VALUE;
    if (extra != nullptr)
        return NOT_SUPPORTED;
    return launch_kernel(function, { config->grid_x, config->grid_y, config->grid_z },
        { config->block_x, config->block_y, config->block_z }, config->shared, config->stream, parameters);
}
