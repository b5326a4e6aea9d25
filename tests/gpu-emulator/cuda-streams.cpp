// The fake driver: streams, events, graphs. Work is done as soon as it is enqueued; while a stream captures it is written down.
#include "driver.h"
#include <algorithm>
#include <chrono>
#include <pthread.h>
using namespace driver;

std::vector<std::weak_ptr<Capture>> driver::captures;

namespace
{
    std::set<Stream*> streams;
    std::set<Event*> events;
    std::set<Graph*> graphs, executables;
    Stream default_stream = { true, nullptr };

    double now() { return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

    Result run_all(const std::vector<Work>& works)
    {
        for (const Work& work : works)
            if (Result result = work(); result != SUCCESS)
                return result;
        return SUCCESS;
    }

    Result spoil(Stream& stream)
    {
        stream.capture->invalid = true;
        return CAPTURE_UNSUPPORTED;
    }
}

Stream* driver::find_stream(void* handle)
{
    if ((size_t)handle <= 2)
        return &default_stream;
    auto found = streams.find((Stream*)handle);
    return found == streams.end() ? nullptr : *found;
}

Result driver::enqueue(void* handle, const Work& work)
{
    Stream* stream = find_stream(handle);
    if (stream == nullptr)
        return INVALID_HANDLE;
    if (stream->capture == nullptr)
        return stream == &default_stream ? forbid_while_capturing(CAPTURE_IMPLICIT) == SUCCESS ? work() : CAPTURE_IMPLICIT : work();
    if (stream->capture->invalid)
        return CAPTURE_INVALIDATED;
    stream->capture->works.push_back(work);
    return SUCCESS;
}

Result driver::forbid_while_capturing(Result error)
{
    Result result = SUCCESS;
    for (auto& weak : captures)
        if (auto capture = weak.lock();
            capture != nullptr && (capture->mode == 0 || (capture->mode == 1 && capture->thread == pthread_self())))
        {
            capture->invalid = true;
            result = error == CAPTURE_IMPLICIT && !capture->origin->blocking ? CAPTURE_UNSUPPORTED : error;
        }
    return result;
}

// For what else is to run in the order of a stream (the fake cuBLASLt).
EXPORT int emulatorEnqueue(void* stream, const char* name, void (*run)(void*), void (*release)(void*), void* state)
{
    std::shared_ptr<void> owned(state, release);
    ENTER;
    std::string kept = name;
    return enqueue(stream, [=]
    {
        emulated::Outcome outcome = emulated::run(kept.c_str(), [&] { run(owned.get()); });
        Result result = outcome == emulated::Outcome::Done ? check_memory(kept.c_str()) : ILLEGAL_ADDRESS;
        return result;
    });
}

EXPORT int cuStreamCreate(Stream** result, unsigned flags)
{
    ENTER;
    if (result == nullptr || flags > 1)
        return INVALID_VALUE;
    *result = new Stream { flags == 0, nullptr };
    streams.insert(*result);
    return SUCCESS;
}

EXPORT int cuStreamCreateWithPriority(Stream** result, unsigned flags, int) { return cuStreamCreate(result, flags); }

EXPORT int cuStreamDestroy_v2(Stream* stream)
{
    ENTER;
    if (streams.erase(stream) == 0)
        return INVALID_HANDLE;
    delete stream;
    return SUCCESS;
}

EXPORT int cuStreamSynchronize(void* handle)
{
    ENTER;
    Stream* stream = find_stream(handle);
    if (stream == nullptr)
        return INVALID_HANDLE;
    if (stream->capture != nullptr)
        return spoil(*stream);
    if (Result result = check_memory(nullptr); result != SUCCESS && pending == SUCCESS)
        pending = result;
    Result result = pending;
    pending = SUCCESS;
    return result;
}

EXPORT int cuStreamQuery(void* handle)
{
    ENTER;
    Stream* stream = find_stream(handle);
    return stream == nullptr ? INVALID_HANDLE : stream->capture != nullptr ? spoil(*stream) : SUCCESS;
}

EXPORT int cuLaunchHostFunc(void* stream, void (*run)(void*), void* state)
{
    ENTER;
    return run == nullptr ? INVALID_VALUE : enqueue(stream, [=] { return run(state), SUCCESS; });
}

// ---- Events ----

EXPORT int cuEventCreate(Event** result, unsigned flags)
{
    ENTER;
    if (result == nullptr || flags > 7)
        return INVALID_VALUE;
    *result = new Event { (flags & 2) == 0 };
    events.insert(*result);
    return SUCCESS;
}

EXPORT int cuEventRecord(Event* event, void* handle)
{
    ENTER;
    Stream* stream = find_stream(handle);
    if (stream == nullptr || events.count(event) == 0)
        return INVALID_HANDLE;
    event->recorded = true;
    event->capture = stream->capture;
    event->milliseconds = now();
    return SUCCESS;
}

EXPORT int cuStreamWaitEvent(void* handle, Event* event, unsigned flags)
{
    ENTER;
    Stream* stream = find_stream(handle);
    if (stream == nullptr || events.count(event) == 0)
        return INVALID_HANDLE;
    if (flags > 1)
        return INVALID_VALUE;
    if (event->capture == nullptr)
        return SUCCESS;
    if (stream->capture != nullptr && stream->capture != event->capture)
        return CAPTURE_MERGE;
    if (stream == &default_stream)
        return CAPTURE_IMPLICIT;
    stream->capture = event->capture;
    stream->capture->members.insert(stream);
    return SUCCESS;
}

EXPORT int cuEventSynchronize(Event* event)
{
    ENTER;
    if (events.count(event) == 0)
        return INVALID_HANDLE;
    if (event->capture != nullptr)
        return CAPTURED_EVENT;
    Result result = pending;
    pending = SUCCESS;
    return result;
}

EXPORT int cuEventQuery(Event* event)
{
    ENTER;
    return events.count(event) == 0 ? INVALID_HANDLE : event->capture != nullptr ? CAPTURED_EVENT : SUCCESS;
}

EXPORT int cuEventElapsedTime(float* milliseconds, Event* start, Event* end)
{
    ENTER;
    if (milliseconds == nullptr)
        return INVALID_VALUE;
    if (events.count(start) == 0 || events.count(end) == 0 || !start->timing || !end->timing || !start->recorded || !end->recorded)
        return INVALID_HANDLE;
    *milliseconds = (float)(end->milliseconds - start->milliseconds);
    return SUCCESS;
}

EXPORT int cuEventElapsedTime_v2(float* milliseconds, Event* start, Event* end) { return cuEventElapsedTime(milliseconds, start, end); }

EXPORT int cuEventDestroy_v2(Event* event)
{
    ENTER;
    if (events.erase(event) == 0)
        return INVALID_HANDLE;
    delete event;
    return SUCCESS;
}

// ---- Capture and graphs ----

EXPORT int cuStreamIsCapturing(void* handle, int* status)
{
    ENTER;
    Stream* stream = find_stream(handle);
    if (stream == nullptr || status == nullptr)
        return stream == nullptr ? INVALID_HANDLE : INVALID_VALUE;
    *status = stream->capture == nullptr ? 0 : stream->capture->invalid ? 2 : 1;
    return SUCCESS;
}

EXPORT int cuStreamBeginCapture_v2(void* handle, int mode)
{
    ENTER;
    Stream* stream = find_stream(handle);
    if (stream == nullptr)
        return INVALID_HANDLE;
    if (mode < 0 || mode > 2)
        return INVALID_VALUE;
    if (stream == &default_stream)
        return CAPTURE_UNSUPPORTED;
    if (stream->capture != nullptr)
        return ILLEGAL_STATE;
    stream->capture = std::make_shared<Capture>(Capture { stream, mode, pthread_self() });
    stream->capture->members.insert(stream);
    captures.push_back(stream->capture);
    return SUCCESS;
}

EXPORT int cuStreamEndCapture(void* handle, Graph** result)
{
    ENTER;
    Stream* stream = find_stream(handle);
    if (stream == nullptr || result == nullptr)
        return stream == nullptr ? INVALID_HANDLE : INVALID_VALUE;
    *result = nullptr;
    std::shared_ptr<Capture> capture = stream->capture;
    if (capture == nullptr)
        return ILLEGAL_STATE;
    if (capture->origin != stream)
        return CAPTURE_UNMATCHED;
    if (capture->mode == 1 && capture->thread != pthread_self())
        return CAPTURE_WRONG_THREAD;
    for (Stream* member : capture->members)
        if (streams.count(member) != 0)
            member->capture = nullptr;
    for (Event* event : events)
        if (event->capture == capture)
            event->capture = nullptr, event->recorded = false;
    captures.erase(std::remove_if(captures.begin(), captures.end(), [&](auto& weak) { return weak.expired() || weak.lock() == capture; }),
        captures.end());
    if (capture->invalid)
        return CAPTURE_INVALIDATED;
    *result = new Graph { std::make_shared<std::vector<Work>>(std::move(capture->works)) };
    graphs.insert(*result);
    return SUCCESS;
}

EXPORT int cuGraphInstantiateWithFlags(Graph** executable, Graph* graph, unsigned long long)
{
    ENTER;
    if (executable == nullptr || graphs.count(graph) == 0)
        return INVALID_VALUE;
    *executable = new Graph(*graph);
    executables.insert(*executable);
    return SUCCESS;
}

EXPORT int cuGraphLaunch(Graph* executable, void* handle)
{
    ENTER;
    Stream* stream = find_stream(handle);
    if (stream == nullptr || executables.count(executable) == 0)
        return INVALID_HANDLE;
    if (stream->capture != nullptr)
        return spoil(*stream);
    return run_all(*executable->works);
}

EXPORT int cuGraphUpload(Graph* executable, void*) { ENTER; return executables.count(executable) == 0 ? INVALID_HANDLE : SUCCESS; }

EXPORT int cuGraphGetNodes(Graph* graph, void** nodes, size_t* count)
{
    ENTER;
    if (graphs.count(graph) == 0 || count == nullptr)
        return INVALID_VALUE;
    if (nodes == nullptr)
        return *count = graph->works->size(), SUCCESS;
    for (size_t i = 0; i < *count; i++)
        nodes[i] = i < graph->works->size() ? &(*graph->works)[i] : nullptr;
    *count = std::min(*count, graph->works->size());
    return SUCCESS;
}

EXPORT int cuGraphExecDestroy(Graph* executable)
{
    ENTER;
    if (executables.erase(executable) == 0)
        return INVALID_VALUE;
    delete executable;
    return SUCCESS;
}

EXPORT int cuGraphDestroy(Graph* graph)
{
    ENTER;
    if (graphs.erase(graph) == 0)
        return INVALID_VALUE;
    delete graph;
    return SUCCESS;
}
