"""The policy's architecture in PyTorch, and the loop that answers the benches: what both peers share.

RMSNorm, rotary positions, SwiGLU, tied embeddings; scaled_dot_product_attention; fused AdamW. A PyTorch before 2.4 lacks some of
them: there attention and norm are written out and AdamW runs on lists of tensors (foreach). Shapes: B rows, T positions, d width,
H heads, hs = d / H, M hidden, V vocabulary. Not here: what is measured (torch_llama.py, torch_round.py).
"""

import json
import os
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

VERSION = tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2])


def attend(q, k, v, bias=None, causal=False):
    """Attention (B, H, t, hs) over (B, H, s, hs); `bias` is added to the scores."""
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q, k, v, attn_mask=bias, is_causal=causal)
    scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    if causal:
        t = q.shape[2]
        bias = torch.full((t, t), float("-inf")).triu(1)
    return F.softmax(scores if bias is None else scores + bias, -1) @ v


def rotate(x, cos, sin):
    """x (B, H, t, hs); cos and sin (t, hs / 2)."""
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


class Norm(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(d))

    def forward(self, x):
        if hasattr(F, "rms_norm"):
            return F.rms_norm(x, self.gain.shape, self.gain, 1e-5)
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * self.gain


class Layer(nn.Module):
    def __init__(self, d, heads, hidden):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = Norm(d), Norm(d)
        self.qkv, self.out = nn.Linear(d, 3 * d, bias=False), nn.Linear(d, d, bias=False)
        self.gate_up, self.down = nn.Linear(d, 2 * hidden, bias=False), nn.Linear(hidden, d, bias=False)

    def forward(self, x, cos, sin, cache, position, bias):
        b, t, d = x.shape
        q, k, v = (y.view(b, t, self.heads, -1).transpose(1, 2) for y in self.qkv(self.norm1(x)).chunk(3, -1))
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        if cache is None:
            y = attend(q, k, v, causal=True)
        elif isinstance(position, int):
            cache[0][:, :, position : position + t], cache[1][:, :, position : position + t] = k, v
            y = attend(q, cache[0][:, :, : position + t], cache[1][:, :, : position + t], causal=t > 1)
        else:
            cache[0].index_copy_(2, position, k)
            cache[1].index_copy_(2, position, v)
            y = attend(q, cache[0], cache[1], bias)
        x = x + self.out(y.transpose(1, 2).reshape(b, t, d))
        gate, up = self.gate_up(self.norm2(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


class Llama(nn.Module):
    def __init__(self, shape):
        super().__init__()
        layers, heads, d = shape["layers"], shape["heads"], shape["width"]
        self.embedding = nn.Embedding(shape["vocabulary"], d)
        self.layers = nn.ModuleList(Layer(d, heads, shape["hidden"]) for _ in range(layers))
        self.norm = Norm(d)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, 0, 0.02)
        self.heads, self.head, self.context = heads, d // heads, shape["context"]
        angles = torch.arange(self.context)[:, None] * 10000.0 ** (-torch.arange(self.head // 2) / (self.head // 2))
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def forward(self, ids, caches=None, position=0, last=False):
        """Logits (B, t, V) of ids (B, t). `position` is where the ids begin: a number, or, for a graph that is compiled once for
        all positions, a tensor of one element (then t is 1). `last`: of the last position alone."""
        bias = None
        if isinstance(position, int):
            cos, sin = self.cos[position : position + ids.shape[1]], self.sin[position : position + ids.shape[1]]
        else:
            cos, sin = self.cos[position], self.sin[position]
            bias = torch.where(torch.arange(self.context) <= position, 0.0, float("-inf"))[None, None, None]
        x = self.embedding(ids)
        for i, layer in enumerate(self.layers):
            x = layer(x, cos, sin, None if caches is None else caches[i], position, bias)
        if last:
            x = x[:, -1:]
        return self.norm(x) @ self.embedding.weight.T

    def new_caches(self, batch):
        shape = (batch, self.heads, self.context, self.head)
        return [(torch.zeros(shape), torch.zeros(shape)) for _ in self.layers]


def adam_w(model):
    best = {"fused": True} if VERSION >= (2, 4) else {"foreach": True}
    return torch.optim.AdamW(model.parameters(), lr=3e-4, betas=(0.9, 0.99), weight_decay=0.1, **best)


def serve(make):
    """Reads the set-up, a line of JSON, then requests; answers each with a line. `make(setup)` returns functions by name; its `device`
    ("cpu" or "cuda") is where every tensor is made."""
    torch.set_num_threads(int(sys.argv[1]))
    torch.manual_seed(0)
    # What libraries print must not get between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    setup = json.loads(sys.stdin.readline())
    version = torch.__version__
    if setup["device"] != "cpu":
        torch.set_default_device(setup["device"])
        version += f" on {torch.cuda.get_device_name()}"
    functions = make(setup)
    print(json.dumps({"version": version, "compiles": hasattr(torch, "compile")}), file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(functions[request.pop("do")](**request)), file=answers, flush=True)
