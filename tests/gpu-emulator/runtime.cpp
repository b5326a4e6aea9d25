#include "runtime.h"
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <vector>

namespace emulated
{
    void finish_meeting(EmulatedWarp& warp);
    std::function<const char*(const void*)> describe_address;
}

// Saves the registers that a function must keep on the present stack, goes over to another stack and takes them from there.
extern "C" void emulated_switch(void** from, void* to);
asm(R"(
.text
.hidden emulated_switch
.globl emulated_switch
.type emulated_switch,@function
emulated_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size emulated_switch,.-emulated_switch
)");

namespace
{
    using namespace emulated;

    constexpr int MAX_THREADS = 1024;
    constexpr size_t STACK_BYTES = 128 * 1024, PAGE = 4096;
    constexpr size_t SHARED_BYTES = 228 * 1024;

    struct Copy
    {
        void* to;
        const void* from;   // null: zeros
        int group;
    };

    struct Fiber : EmulatedThread
    {
        void* stack_pointer;
        unsigned char* stack_end;
        std::vector<Copy> copies;   // that have not been waited for
        int copy_group;             // the one that is open
    };

    Fiber fibers[MAX_THREADS];
    EmulatedWarp warps[MAX_THREADS / 32];
    EmulatedGpu gpu;
    unsigned ready_warps;
    int warp_in_turn, warp_count, alive_threads, waiting_threads;
    void* main_stack;
    const Launch* running;
    void** running_parameters;
    const char* running_name;
    const char* failure;

    // ---- Turns: a warp runs until all its lanes wait or have returned. Every other block takes warps and lanes from the last to the
    // first, so that what leans on an order that no barrier makes shows itself; with a seed in the environment all is in random order ----

    unsigned long long random_state;
    bool backwards;

    int pick(unsigned mask)
    {
        if (random_state == 0)
            return backwards ? 31 - __builtin_clz(mask) : __builtin_ctz(mask);
        random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
        for (unsigned skip = (unsigned)(random_state >> 33) % __builtin_popcount(mask); skip > 0; skip--)
            mask &= mask - 1;
        return __builtin_ctz(mask);
    }

    Fiber* next_fiber()
    {
        if (ready_warps == 0)
            return nullptr;
        if (random_state != 0 || warps[warp_in_turn].ready == 0)
            warp_in_turn = pick(ready_warps);
        EmulatedWarp& warp = warps[warp_in_turn];
        int lane = pick(warp.ready);
        warp.ready &= ~(1u << lane);
        if (warp.ready == 0)
            ready_warps &= ~(1u << warp_in_turn);
        return &fibers[warp_in_turn * 32 + lane];
    }

    // Gives the turn to whoever can go on, or back to the launch when nobody can.
    void give_turn(Fiber* self)
    {
        Fiber* next = next_fiber();
        gpu.current = next;
        emulated_switch(&self->stack_pointer, next != nullptr ? next->stack_pointer : main_stack);
    }

    void make_ready(EmulatedWarp& warp, unsigned lanes)
    {
        warp.ready |= lanes;
        if (warp.ready != 0)
            ready_warps |= 1u << (&warp - warps);
    }

    [[noreturn]] void fail(const char* why)
    {
        failure = why;
        void* abandoned;
        emulated_switch(&abandoned, main_stack);
        abort();
    }

    void complete_meeting(EmulatedWarp& warp, unsigned without)
    {
        unsigned lanes = warp.arrived;
        if (lanes != ~0u)
            for (int lane = 0; lane < 32; lane++)
                if ((lanes >> lane & 1) == 0)
                    memset(&warp.slots[lane], 0xff, sizeof(EmulatedSlot));
        finish_meeting(warp);
        warp.slots = warp.slots == warp.sets[0] ? warp.sets[1] : warp.sets[0];
        warp.arrived = 0;
        make_ready(warp, lanes & ~without);
    }

    void meet(int meeting)
    {
        Fiber* self = static_cast<Fiber*>(gpu.current);
        EmulatedWarp& warp = *self->warp;
        if (warp.arrived == 0)
            warp.meeting = meeting;
        else if (warp.meeting != meeting)
            fail("lanes of one warp are at different operations that all lanes must do together");
        warp.arrived |= 1u << self->lane;
        if (warp.arrived == warp.alive)
            complete_meeting(warp, 1u << self->lane);
        else
            give_turn(self);
    }

    void open_barrier()
    {
        waiting_threads = 0;
        for (int i = 0; i < warp_count; i++)
        {
            unsigned lanes = warps[i].waiting;
            warps[i].waiting = 0;
            make_ready(warps[i], lanes);
        }
    }

    void sync_block()
    {
        Fiber* self = static_cast<Fiber*>(gpu.current);
        self->warp->waiting |= 1u << self->lane;
        if (++waiting_threads == alive_threads)
            open_barrier();
        give_turn(self);
    }

    // ---- Asynchronous copies: done as late as may be, when they are waited for ----

    void copy_async(void* to, const void* from)
    {
        Fiber* self = static_cast<Fiber*>(gpu.current);
        if (from != nullptr)
            (void)*(const volatile char*)from; // an illegal address is told here
        memset(to, 0xff, 16);
        self->copies.push_back({ to, from, self->copy_group });
    }

    void commit_copies() { static_cast<Fiber*>(gpu.current)->copy_group++; }

    void wait_copies(int groups)
    {
        Fiber* self = static_cast<Fiber*>(gpu.current);
        size_t done = 0;
        for (; done < self->copies.size() && self->copies[done].group < self->copy_group - groups; done++)
            if (const Copy& copy = self->copies[done]; copy.from != nullptr)
                memcpy(copy.to, copy.from, 16);
            else
                memset(copy.to, 0, 16);
        self->copies.erase(self->copies.begin(), self->copies.begin() + done);
    }

    // Where every fiber starts.
    [[noreturn]] void live()
    {
        running->kernel->call(running_parameters);
        Fiber* self = static_cast<Fiber*>(gpu.current);
        EmulatedWarp& warp = *self->warp;
        warp.alive &= ~(1u << self->lane);
        alive_threads--;
        if (warp.arrived != 0 && warp.arrived == warp.alive)
            complete_meeting(warp, 0);
        if (waiting_threads != 0 && waiting_threads == alive_threads)
            open_barrier();
        give_turn(self);
        abort();
    }

    void make_stacks()
    {
        size_t bytes = MAX_THREADS * STACK_BYTES;
        unsigned char* stacks =
            (unsigned char*)mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        for (int i = 0; i < MAX_THREADS; i++)
        {
            mprotect(stacks + i * STACK_BYTES, PAGE, PROT_NONE);
            // Staggered, so that the fibers' frames do not fall into the same sets of the caches.
            fibers[i].stack_end = stacks + (i + 1) * STACK_BYTES - i % 16 * 1088;
        }
        unsigned char* shared =
            (unsigned char*)mmap(nullptr, SHARED_BYTES + 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        mprotect(shared, PAGE, PROT_NONE);
        mprotect(shared + PAGE + SHARED_BYTES, PAGE, PROT_NONE);
        gpu.dynamic_shared = shared + PAGE;
        gpu.meet = meet;
        gpu.sync_block = sync_block;
        gpu.fail = fail;
        gpu.copy_async = copy_async;
        gpu.commit_copies = commit_copies;
        gpu.wait_copies = wait_copies;
        if (const char* seed = getenv("HSHARE_GPU_EMULATOR_SEED"))
            random_state = strtoull(seed, nullptr, 10) * 2 + 1;
    }

    void start_block(const Launch& launch)
    {
        int threads = (int)(launch.block.x * launch.block.y * launch.block.z);
        alive_threads = threads;
        waiting_threads = 0;
        warp_count = (threads + 31) / 32;
        backwards = (gpu.block.x + gpu.block.y + gpu.block.z) % 2 == 1;
        warp_in_turn = backwards ? warp_count - 1 : 0;
        ready_warps = 0;
        failure = nullptr;
        for (int i = 0; i < warp_count; i++)
        {
            EmulatedWarp& warp = warps[i];
            warp.slots = warp.sets[0];
            warp.alive = threads - 32 * i >= 32 ? ~0u : (1u << (threads - 32 * i)) - 1;
            warp.arrived = warp.waiting = warp.ready = 0;
            make_ready(warp, warp.alive);
        }
        EmulatedIndex index = { 0, 0, 0 };
        for (int i = 0; i < threads; i++)
        {
            Fiber& fiber = fibers[i];
            fiber.index = index;
            fiber.lane = i % 32;
            fiber.warp = &warps[i / 32];
            fiber.copies.clear();
            fiber.copy_group = 0;
            void** top = (void**)((size_t)fiber.stack_end & ~(size_t)15);
            *--top = nullptr;               // where a return address would lie: a function starts 8 bytes off a multiple of 16
            *--top = (void*)live;
            for (int k = 0; k < 6; k++)
                *--top = nullptr;
            fiber.stack_pointer = top;
            if (++index.x == launch.block.x)
            {
                index.x = 0;
                if (++index.y == launch.block.y)
                    index.y = 0, index.z++;
            }
        }
    }

    void say(const char* what)
    {
        fprintf(stderr, "Emulated GPU: kernel %s, block (%u, %u, %u): %s\n", running_name, gpu.block.x, gpu.block.y, gpu.block.z, what);
    }

    void say_deadlock()
    {
        char text[400];
        int at_meeting = 0, meeting = -1;
        for (int i = 0; i < warp_count; i++)
            if (warps[i].arrived != 0)
                at_meeting += __builtin_popcount(warps[i].arrived), meeting = warps[i].meeting;
        static const char* const names[] = { "sync_warp", "a shuffle", "a ballot", "load_matrices", "load_matrices_transposed", "mma<bf16>",
            "mma<f16>" };
        snprintf(text, sizeof text,
            "deadlock: of %d threads that have not returned %d wait at sync_block and %d at %s, for others that do not come", alive_threads,
            waiting_threads, at_meeting, meeting >= 0 ? names[meeting] : "a warp operation");
        say(text);
    }

    // ---- Illegal addresses ----

    thread_local bool guarded;
    sigjmp_buf way_out;
    int caught;
    void* caught_address;
    struct sigaction before[3];
    const int signals[3] = { SIGSEGV, SIGBUS, SIGFPE };

    void on_signal(int signal, siginfo_t* info, void* context)
    {
        if (guarded)
        {
            // Nothing more on this stack: it may be the small one that a runtime has set aside for signals.
            guarded = false;
            caught = signal;
            caught_address = info->si_addr;
            siglongjmp(way_out, 1);
        }
        for (int i = 0; i < 3; i++)
        {
            if (signals[i] != signal)
                continue;
            if (before[i].sa_flags & SA_SIGINFO)
                before[i].sa_sigaction(signal, info, context);
            else if (before[i].sa_handler != SIG_IGN && before[i].sa_handler != SIG_DFL)
                before[i].sa_handler(signal);
            else
                sigaction(signal, &before[i], nullptr);
        }
    }

    void say_caught()
    {
        char text[300];
        const Fiber* self = static_cast<const Fiber*>(gpu.current);
        const char* place = describe_address ? describe_address(caught_address) : "";
        if (self != nullptr)
            snprintf(text, sizeof text, "thread (%u, %u, %u): %s %p %s", self->index.x, self->index.y, self->index.z,
                caught == SIGFPE ? "division of an integer by zero at" : "illegal address", caught_address, caught == SIGFPE ? "" : place);
        else
            snprintf(text, sizeof text, "illegal address %p %s", caught_address, place);
        say(text);
    }

    struct Guard
    {
        Guard()
        {
            struct sigaction action = {};
            action.sa_sigaction = on_signal;
            action.sa_flags = SA_SIGINFO | SA_ONSTACK;
            for (int i = 0; i < 3; i++)
                sigaction(signals[i], &action, &before[i]);
            guarded = true;
        }
        ~Guard()
        {
            guarded = false;
            for (int i = 0; i < 3; i++)
                sigaction(signals[i], &before[i], nullptr);
        }
    };

    bool run_blocks(const Launch& launch)
    {
        gpu.block_size = launch.block;
        gpu.grid = launch.grid;
        for (unsigned z = 0; z < launch.grid.z; z++)
            for (unsigned y = 0; y < launch.grid.y; y++)
                for (unsigned x = 0; x < launch.grid.x; x++)
                {
                    gpu.block = { x, y, z };
                    memset(gpu.dynamic_shared, 0xff, launch.shared_bytes);
                    for (int i = 0; i < launch.module->shared_count; i++)
                        memset(launch.module->shared[i].begin, 0xff, launch.module->shared[i].end - launch.module->shared[i].begin);
                    start_block(launch);
                    Fiber* first = next_fiber();
                    gpu.current = first;
                    emulated_switch(&main_stack, first->stack_pointer);
                    if (failure != nullptr)
                        return say(failure), false;
                    if (alive_threads != 0)
                        return say_deadlock(), false;
                }
        return true;
    }

    const unsigned char SHARED_CANARY = 0xa5;

    bool shared_overrun(const Launch& launch)
    {
        for (size_t i = launch.shared_bytes; i < SHARED_BYTES && i < launch.shared_bytes + 4096; i++)
            if (gpu.dynamic_shared[i] != SHARED_CANARY)
                return true;
        return false;
    }
}

emulated::Outcome emulated::run(const Launch& launch, void** parameters)
{
    if (gpu.meet == nullptr)
        make_stacks();
    *launch.module->gpu = &gpu;
    running = &launch;
    running_parameters = parameters;
    running_name = launch.kernel->name;
    gpu.block = { 0, 0, 0 };
    memset(gpu.dynamic_shared + launch.shared_bytes, SHARED_CANARY,
        SHARED_BYTES - launch.shared_bytes < 4096 ? SHARED_BYTES - launch.shared_bytes : 4096);
    Guard guard;
    if (sigsetjmp(way_out, 1) != 0)
        return say_caught(), Outcome::IllegalAddress;
    if (!run_blocks(launch))
        return Outcome::Failed;
    if (shared_overrun(launch))
        return say("wrote behind the dynamic shared memory that the launch asked for"), Outcome::IllegalAddress;
    return Outcome::Done;
}

emulated::Outcome emulated::run(const char* name, const std::function<void()>& body)
{
    running_name = name;
    gpu.current = nullptr;
    gpu.block = { 0, 0, 0 };
    Guard guard;
    if (sigsetjmp(way_out, 1) != 0)
        return say_caught(), Outcome::IllegalAddress;
    body();
    return Outcome::Done;
}
