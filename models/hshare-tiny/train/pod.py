"""Proximal over distant (arXiv 2412.02252): followers score their leader's keys of distant tokens, and their own of proximal ones.

Run as a program, it compares the fast form with a plain one on the GPU.
"""
import torch
import torch.nn.functional as F


class Pod:
    """Which layer's keys each KV head reads, and the masks for rows of one length.

    leaders: [layers][kv_heads], the layer that leads; a head that leads itself keeps all its keys. Keys of a row stand twice behind each
    other, the leader's and the head's own, and the mask picks one of the two for every pair of tokens.
    """

    def __init__(self, leaders, sinks, recent, length, heads, device):
        from torch.nn.attention.flex_attention import create_block_mask
        self.leaders, self.masks = leaders, {}
        group = heads // len(leaders[0])
        for flags in {self.followers(i) for i in range(len(leaders))} - {(False,) * len(leaders[0])}:
            follower = torch.tensor(flags, device=device)

            def seen(b, h, q, k, follower=follower):
                own = k >= length
                j = torch.where(own, k - length, k)
                near = (j < sinks) | (q - j < recent)
                f = follower[h // group]
                return (q >= j) & ((own & (near | ~f)) | (~own & ~near & f))

            self.masks[flags] = create_block_mask(seen, None, heads, length, 2 * length, device=device, _compile=True)

    def followers(self, layer):
        """-> for each KV head of the layer, whether it follows"""
        return tuple(leader != layer for leader in self.leaders[layer])

    def attend(self, layer, q, keys, v, flex):
        """q [rows, heads, length, head_dim], keys of this layer and all before it, v [rows, kv_heads, length, head_dim]"""
        flags = self.followers(layer)
        if not any(flags):
            return F.scaled_dot_product_attention(q, keys[layer], v, is_causal=True, enable_gqa=True)
        far = torch.stack([keys[leader][:, h] for h, leader in enumerate(self.leaders[layer])], 1)
        return flex(q, torch.cat((far, keys[layer]), 2), torch.cat((v, v), 2), block_mask=self.masks[flags], enable_gqa=True)


def attend_plainly(leaders, sinks, recent, layer, q, keys, v):
    """the same by one dense softmax: short rows only, to check the other"""
    length, group = q.shape[2], q.shape[1] // v.shape[1]
    i, j = torch.arange(length)[:, None], torch.arange(length)[None]
    near = (j < sinks) | (i - j < recent)
    out = []
    for h in range(q.shape[1]):
        kv = h // group
        own, far = (q[:, h] @ k[:, kv].mT for k in (keys[layer], keys[leaders[layer][kv]]))
        s = torch.where(near.to(q.device), own, far) / q.shape[-1] ** .5
        out.append(s.float().masked_fill((j > i).to(q.device), -torch.inf).softmax(-1).to(v.dtype) @ v[:, kv])
    return torch.stack(out, 1)


if __name__ == '__main__':
    from torch.nn.attention.flex_attention import flex_attention
    device, leaders = torch.device('cuda'), [[0, 0], [0, 1], [0, 1]]
    q = torch.randn(2, 6, 1024, 64, device=device)
    keys, v = [torch.randn(2, 2, 1024, 64, device=device) for _ in leaders], torch.randn(2, 2, 1024, 64, device=device)
    pod, flex = Pod(leaders, 16, 100, 1024, 6, device), torch.compile(flex_attention, dynamic=False)
    for i in range(len(leaders)):
        off = (pod.attend(i, q, keys[:i + 1], v, flex) - attend_plainly(leaders, 16, 100, i, q, keys[:i + 1], v)).norm() / v.norm()
        print('layer', i, 'relative difference', off.item())
        assert off < 2e-2
