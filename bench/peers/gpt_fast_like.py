#!/usr/bin/env python3
"""Times a decode step of a LLaMA geometry in plain PyTorch with torch.compile, in the manner of gpt-fast: a static cache, the whole step
compiled (mode="reduce-overhead", fullgraph, CUDA graphs), bf16, random weights, the most probable token taken.

With --gpt-fast DIR the model is gpt-fast's own, imported from DIR/model.py (not part of this repository); else it is the one below.
Prints a JSON line for each batch: median milliseconds of a step, its positions advancing to the context's end.

    python3 bench/peers/gpt_fast_like.py --shape llama2-7b --batch 1,16 --context 4096
"""
import argparse
import inspect
import json
import statistics
import sys
from dataclasses import dataclass

import torch
import torch._inductor.config
from torch import nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

REPEATS = 7
STEPS = 8  # of a repeat
KERNELS = {
    "math": [SDPBackend.MATH],  # the compiler then writes the attention itself, as gpt-fast has it
    "auto": [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.CUDNN_ATTENTION, SDPBackend.MATH],
}


@dataclass
class Shape:
    """A geometry: rows of the tables below."""

    dim: int
    intermediate: int
    layers: int
    heads: int
    kv_heads: int
    vocabulary: int
    theta: float = 10000.0

    @property
    def head_dim(self):
        return self.dim // self.heads

    @property
    def multiplied_weights(self):
        """Weights that a step multiplies with."""
        attention = (2 * self.heads + 2 * self.kv_heads) * self.head_dim * self.dim
        return self.layers * (attention + 3 * self.dim * self.intermediate) + self.vocabulary * self.dim


SHAPES = {
    "hshare-tiny": Shape(384, 1024, 12, 6, 2, 8192, 500000.0),
    "llama2-7b": Shape(4096, 11008, 32, 32, 32, 32000),
    "llama3-8b": Shape(4096, 14336, 32, 32, 8, 128256, 500000.0),
    "mistral-7b": Shape(4096, 14336, 32, 32, 8, 32000),
}


class Norm(nn.Module):
    """RMS norm, computed in float32."""

    def __init__(self, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        wide = x.float()
        return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + 1e-5)).type_as(x) * self.weight


class Layer(nn.Module):
    """A pre-norm decoder layer with a cache of fixed size."""

    def __init__(self, shape, batch, context):
        super().__init__()
        self.shape = shape
        queries, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
        self.splits = [queries, keys, keys]
        self.qkv = nn.Linear(shape.dim, queries + 2 * keys, bias=False)
        self.output = nn.Linear(queries, shape.dim, bias=False)
        self.gate = nn.Linear(shape.dim, shape.intermediate, bias=False)
        self.up = nn.Linear(shape.dim, shape.intermediate, bias=False)
        self.down = nn.Linear(shape.intermediate, shape.dim, bias=False)
        self.norm, self.feed_norm = Norm(shape.dim), Norm(shape.dim)
        self.register_buffer("keys", torch.zeros(batch, shape.kv_heads, context, shape.head_dim))
        self.register_buffer("values", torch.zeros(batch, shape.kv_heads, context, shape.head_dim))

    def forward(self, x, position, angles, mask):
        batch, dim = x.shape[0], self.shape.head_dim
        q, k, v = self.qkv(self.norm(x)).split(self.splits, dim=-1)
        q = rotate(q.view(batch, 1, -1, dim), angles).transpose(1, 2)
        k = rotate(k.view(batch, 1, -1, dim), angles).transpose(1, 2)
        self.keys[:, :, position] = k
        self.values[:, :, position] = v.view(batch, 1, -1, dim).transpose(1, 2)
        group = self.shape.heads // self.shape.kv_heads
        keys, values = (cache.repeat_interleave(group, dim=1) for cache in (self.keys, self.values))
        attended = functional.scaled_dot_product_attention(q, keys, values, attn_mask=mask)
        x = x + self.output(attended.transpose(1, 2).reshape(batch, 1, -1))
        h = self.feed_norm(x)
        return x + self.down(functional.silu(self.gate(h)) * self.up(h))


class Model(nn.Module):
    """Embedding, layers, norm, output projection."""

    def __init__(self, shape, batch, context):
        super().__init__()
        self.embedding = nn.Embedding(shape.vocabulary, shape.dim)
        self.layers = nn.ModuleList(Layer(shape, batch, context) for _ in range(shape.layers))
        self.norm = Norm(shape.dim)
        self.head = nn.Linear(shape.dim, shape.vocabulary, bias=False)
        frequencies = shape.theta ** (-torch.arange(0, shape.head_dim, 2, dtype=torch.float32) / shape.head_dim)
        table = torch.arange(context, dtype=torch.float32)[:, None] * frequencies
        self.register_buffer("angles", torch.stack([table.cos(), table.sin()], dim=-1))
        self.register_buffer("columns", torch.arange(context), persistent=False)

    def forward(self, tokens, position):
        mask = (self.columns[None, :] <= position[:, None])[None, None]
        x = self.embedding(tokens)
        for layer in self.layers:
            x = layer(x, position, self.angles[position], mask)
        return self.head(self.norm(x))


def rotate(x, angles):
    """Rotates neighbouring pairs of elements by the position's angles."""
    pairs = x.float().unflatten(-1, (-1, 2))
    cos, sin = angles[:, None, :, 0], angles[:, None, :, 1]
    turned = (pairs[..., 0] * cos - pairs[..., 1] * sin, pairs[..., 1] * cos + pairs[..., 0] * sin)
    return torch.stack(turned, dim=-1).flatten(-2).type_as(x)


def own_model(shape, batch, context):
    """The model above on the GPU, with random weights and a random cache, as a function of tokens and position."""
    with torch.device("cuda"):
        torch.set_default_dtype(torch.bfloat16)
        model = Model(shape, batch, context).eval()
        torch.set_default_dtype(torch.float32)
    for layer in model.layers:
        layer.keys.normal_()
        layer.values.normal_()
    return model


def gpt_fast_model(folder, shape, batch, context):
    """gpt-fast's model, likewise."""
    sys.path.insert(0, folder)
    import model as gpt_fast  # noqa: PLC0415

    arguments = gpt_fast.ModelArgs(
        block_size=context,
        vocab_size=shape.vocabulary,
        n_layer=shape.layers,
        n_head=shape.heads,
        dim=shape.dim,
        intermediate_size=shape.intermediate,
        n_local_heads=shape.kv_heads,
        rope_base=shape.theta,
    )
    with torch.device("meta"):
        model = gpt_fast.Transformer(arguments)
    model = model.to(torch.bfloat16).to_empty(device="cuda").eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.02)
    with torch.device("cuda"):
        model.setup_caches(max_batch_size=batch, max_seq_length=context)
    for layer in model.layers:
        layer.attention.kv_cache.k_cache.normal_()
        layer.attention.kv_cache.v_cache.normal_()
    if "mask" not in list(inspect.signature(model.forward).parameters)[:1]:
        return model

    # Later versions take a block mask, of which a step uses one row.
    from torch.nn.attention.flex_attention import create_block_mask  # noqa: PLC0415

    whole = create_block_mask(lambda b, h, q, k: q >= k, 1, 1, context, context, device="cuda")

    def forward(tokens, position):
        mask = whole[:, :, position // whole.BLOCK_SIZE[0]]
        mask.mask_mod = whole.mask_mod
        mask.seq_lengths = (1, context)
        return model(mask, tokens, position)

    return forward


def measure(model, batch, context, vocabulary, kernels):
    """Median milliseconds of a step."""

    def step(tokens, position):
        return model(tokens, position)[:, -1].argmax(dim=-1, keepdim=True).to(torch.int32)

    compiled = torch.compile(step, mode="reduce-overhead", fullgraph=True)
    tokens = torch.randint(vocabulary, (batch, 1), dtype=torch.int32, device="cuda")

    def run(steps, position):
        nonlocal tokens
        for _ in range(steps):
            torch.compiler.cudagraph_mark_step_begin()
            tokens = compiled(tokens, position).clone()
            position += 1

    milliseconds = []
    with torch.no_grad(), sdpa_kernel(kernels):
        first = context - STEPS * (REPEATS + 1)
        run(STEPS, torch.tensor([first], device="cuda"))
        for repeat in range(REPEATS):
            position = torch.tensor([first + STEPS * (repeat + 1)], device="cuda")
            start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            torch.cuda.synchronize()
            start.record()
            run(STEPS, position)
            end.record()
            end.synchronize()
            milliseconds.append(start.elapsed_time(end) / STEPS)
    return statistics.median(milliseconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, default="llama2-7b")
    parser.add_argument("--batch", default="1,16")
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument("--attention", choices=KERNELS, default="math", help="which attention PyTorch may take")
    parser.add_argument("--gpt-fast", metavar="DIR", help="a checkout of gpt-fast, whose model is timed instead")
    options = parser.parse_args()
    if options.context <= STEPS * (REPEATS + 1):
        parser.error(f"--context must be more than {STEPS * (REPEATS + 1)}")

    torch._inductor.config.coordinate_descent_tuning = True
    torch.manual_seed(1)
    shape = SHAPES[options.shape]
    for batch in map(int, options.batch.split(",")):
        name = "gpt-fast" if options.gpt_fast else "gpt-fast-like"
        row = {"peer": name, "shape": options.shape, "batch": batch, "context": options.context}
        try:
            if options.gpt_fast:
                model = gpt_fast_model(options.gpt_fast, shape, batch, options.context)
            else:
                model = own_model(shape, batch, options.context)
            row["milliseconds"] = measure(model, batch, options.context, shape.vocabulary, KERNELS[options.attention])
            row["tokens_per_second"] = batch / row["milliseconds"] * 1e3
            kv = 2 * 2 * batch * options.context * shape.layers * shape.kv_heads * shape.head_dim
            row["bytes"] = 2 * shape.multiplied_weights + kv
        except torch.OutOfMemoryError as error:
            row["skipped"] = str(error).splitlines()[0]
        print(json.dumps(row), flush=True)
        model = None
        torch._dynamo.reset()
        torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
