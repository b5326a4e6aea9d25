"""Muon: momentum whose matrices are made orthogonal, for the matrices of the layers (Jordan et al. 2024)."""
import torch

from model import H, HD, KV

COEFFICIENTS = ((4.0848, -6.8946, 2.9270), (3.9505, -6.3029, 2.6377), (3.7418, -5.5913, 2.3037), (2.8769, -3.1427, 1.2046),
                (2.8366, -3.0525, 1.2012))
PARTS = {'qkv': lambda p: p.split((H * HD, KV * HD, KV * HD)), 'o': lambda p: (p,), 'gu': lambda p: p.chunk(2), 'down': lambda p: (p,)}


@torch.compile(dynamic=False)
def orthogonal(g):
    """the nearest orthogonal matrices, by Newton-Schulz steps, [count, rows, columns]"""
    x = g.bfloat16()
    tall = g.size(-2) > g.size(-1)
    if tall:
        x = x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for a, b, c in COEFFICIENTS:
        y = x @ x.mT
        x = a * x + (b * y + c * (y @ y)) @ x
    return x.mT if tall else x


class Muon:
    """The optimizer of the blocks' matrices; fused ones (PARTS) are made orthogonal part by part."""

    def __init__(self, blocks, rate, momentum=.95, decay=.02):
        self.rate, self.momentum, self.decay = rate, momentum, decay
        self.parts = [(PARTS[n], getattr(b, n)) for b in blocks for n in PARTS]
        self.average = [torch.zeros_like(p) for _, p in self.parts]

    @torch.no_grad()
    def step(self, share):
        """one step at a share of the learning rate"""
        weights, grads = [p for _, p in self.parts], [p.grad for _, p in self.parts]
        torch._foreach_lerp_(self.average, grads, 1 - self.momentum)
        grads = torch._foreach_lerp(grads, self.average, self.momentum)
        rate = self.rate * share
        torch._foreach_mul_(weights, 1 - rate * self.decay)
        by_shape = {}
        for (cut, p), g in zip(self.parts, grads):
            for a, b in zip(cut(p), cut(g)):
                by_shape.setdefault(tuple(a.shape), []).append((a, b))
        for shape, pairs in by_shape.items():
            u = orthogonal(torch.stack([g for _, g in pairs])).float() * (rate * max(1, shape[0] / shape[1]) ** .5)
            torch._foreach_sub_([p for p, _ in pairs], list(u.unbind(0)))
