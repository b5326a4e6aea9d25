#!/usr/bin/env python3
"""Times PyTorch's decode attention: one query a sequence over a dense cache, scaled_dot_product_attention with one backend at a time.

Inputs are rotated over several sets of keys and values, so that the L2 cache is cold; one pass over all sets is a CUDA graph, timed with
events. Prints a JSON line for each cell: median microseconds of one call, and the byte limit at the copy bandwidth of this run.

    python3 bench/peers/flash_decode.py --heads 32/32 --batch 8,16 --context 1024,4096
"""
import argparse
import json
import statistics

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

BACKENDS = {"flash": SDPBackend.FLASH_ATTENTION, "cudnn": SDPBackend.CUDNN_ATTENTION}
REPEATS = 7
SHORTEST = 2e-3  # seconds of one timed run
DTYPES = {"bf16": torch.bfloat16, "f16": torch.float16}


def seconds(work):
    """Seconds that the GPU takes for what a call enqueues."""
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    torch.cuda.synchronize()
    start.record()
    work()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / 1e3


def median_seconds(work):
    """Median over repeats of one call's time, each repeat long enough to be measured."""
    work()
    times = max(1, min(200, round(SHORTEST / max(seconds(work), 1e-6))))
    return statistics.median(seconds(lambda: [work() for _ in range(times)]) / times for _ in range(REPEATS))


def copy_bandwidth():
    """Bytes read plus written in a second by a copy of 1 GiB on the device."""
    source = torch.empty(1 << 30, dtype=torch.uint8, device="cuda").random_()
    target = torch.empty_like(source)
    return 2 * source.numel() / median_seconds(lambda: target.copy_(source))


def graph_of(work):
    """A CUDA graph of what a call enqueues, warmed up on a side stream first."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(2):
            work()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph


def measure(backend, heads, kv_heads, dim, batch, context, dtype):
    """Median microseconds of one call, and how many sets took turns."""
    free, _ = torch.cuda.mem_get_info()
    l2 = getattr(torch.cuda.get_device_properties(0), "L2_cache_size", 50 << 20)
    one = 2 * batch * kv_heads * context * dim * 2
    if one > 0.9 * free:
        raise MemoryError(f"keys and values take {one / 2**30:.1f} GiB, {free / 2**30:.1f} are free")
    sets = int(max(1, min(4 * l2 // one + 1, 64, 0.9 * free // one)))
    keys = [torch.randn(batch, kv_heads, context, dim, dtype=dtype, device="cuda") for _ in range(sets)]
    values = [torch.randn(batch, kv_heads, context, dim, dtype=dtype, device="cuda") for _ in range(sets)]
    query = torch.randn(batch, heads, 1, dim, dtype=dtype, device="cuda")

    def work():
        with sdpa_kernel(BACKENDS[backend]):
            for k, v in zip(keys, values):
                scaled_dot_product_attention(query, k, v, enable_gqa=heads != kv_heads)

    graph = graph_of(work)
    return median_seconds(graph.replay) / sets * 1e6, sets


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heads", action="append", help="query heads/KV heads[xELEMENTS], may be repeated [default: 32/32 and 32/8]")
    parser.add_argument("--batch", default="1,8,16")
    parser.add_argument("--context", default="1024,2048,4096,16384")
    parser.add_argument("--backends", default="flash,cudnn")
    parser.add_argument("--dtype", choices=DTYPES, default="bf16")
    options = parser.parse_args()

    torch.manual_seed(1)
    copy = copy_bandwidth()
    machine = {"device": torch.cuda.get_device_name(), "torch": torch.__version__}
    print(json.dumps({"peer": "copy", "gb_per_second": copy / 1e9, **machine}), flush=True)
    for text in options.heads or ["32/32", "32/8"]:
        heads, kv_heads, dim = (int(part) for part in (text if "x" in text else text + "x128").replace("x", "/").split("/"))
        for batch in map(int, options.batch.split(",")):
            for context in map(int, options.context.split(",")):
                for backend in options.backends.split(","):
                    row = {"peer": f"sdpa-{backend}", "heads": f"{heads}/{kv_heads}x{dim}", "batch": batch, "context": context}
                    try:
                        microseconds, sets = measure(backend, heads, kv_heads, dim, batch, context, DTYPES[options.dtype])
                        limit = 2 * batch * kv_heads * context * dim * 2 / copy * 1e6
                        row |= {"microseconds": microseconds, "limit_microseconds": limit, "sets": sets}
                    except (RuntimeError, MemoryError) as error:
                        row["skipped"] = str(error).splitlines()[0]
                    print(json.dumps(row), flush=True)
                    torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
