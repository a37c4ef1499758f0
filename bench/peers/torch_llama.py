"""The policy's architecture in PyTorch, for `npm run bench -- train`: the peer that the compiled step is measured against.

RMSNorm, rotary positions, SwiGLU, tied embeddings; scaled_dot_product_attention; fused AdamW; clipping by global norm. A PyTorch
before 2.4 lacks some of them: there attention and norm are written out and AdamW runs on lists of tensors (foreach).
Prints one JSON object: PyTorch's version, tokens a second of training and of sampling with a key/value cache.

    python torch_llama.py '{"layers": 4, "heads": 4, "width": 128, "hidden": 344, "context": 128, "batch": 16, "vocabulary": 1024}' 2
"""

import json
import statistics
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

shape = json.loads(sys.argv[1])
torch.set_num_threads(int(sys.argv[2]))
torch.manual_seed(0)
L, H, d, M = shape["layers"], shape["heads"], shape["width"], shape["hidden"]
T, B, V = shape["context"], shape["batch"], shape["vocabulary"]
hs = d // H
half = torch.arange(hs // 2)
angles = torch.arange(T)[:, None] * 10000.0 ** (-half / (hs // 2))
COS, SIN = angles.cos(), angles.sin()
MASK = torch.full((T, T), float("-inf")).triu(1)


def attend(q, k, v, causal):
    """Attention (B, H, t, hs) over (B, H, s, hs)."""
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    scores = q @ k.transpose(-2, -1) * hs**-0.5
    if causal:
        scores = scores + MASK[: q.shape[2], : k.shape[2]]
    return F.softmax(scores, -1) @ v


def rotate(x, start):
    """x (B, H, t, hs): positions start .. start + t - 1."""
    cos, sin = COS[start : start + x.shape[2]], SIN[start : start + x.shape[2]]
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(d))

    def forward(self, x):
        if hasattr(F, "rms_norm"):
            return F.rms_norm(x, (d,), self.gain, 1e-5)
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * self.gain


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = Norm(), Norm()
        self.qkv, self.out = nn.Linear(d, 3 * d, bias=False), nn.Linear(d, d, bias=False)
        self.gate_up, self.down = nn.Linear(d, 2 * M, bias=False), nn.Linear(M, d, bias=False)

    def forward(self, x, cache, start):
        b, t, _ = x.shape
        q, k, v = (y.view(b, t, H, hs).transpose(1, 2) for y in self.qkv(self.norm1(x)).chunk(3, -1))
        q, k = rotate(q, start), rotate(k, start)
        if cache is not None:
            cache[0][:, :, start : start + t], cache[1][:, :, start : start + t] = k, v
            k, v = cache[0][:, :, : start + t], cache[1][:, :, : start + t]
        y = attend(q, k, v, causal=cache is None)
        x = x + self.out(y.transpose(1, 2).reshape(b, t, d))
        gate, up = self.gate_up(self.norm2(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


class Llama(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(V, d)
        self.layers = nn.ModuleList(Layer() for _ in range(L))
        self.norm = Norm()
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, 0, 0.02)

    def forward(self, ids, caches=None, start=0):
        x = self.embedding(ids)
        for i, layer in enumerate(self.layers):
            x = layer(x, None if caches is None else caches[i], start)
        return self.norm(x) @ self.embedding.weight.T


model = Llama()
FUSED = {"fused": True} if tuple(map(int, torch.__version__.split(".")[:2])) >= (2, 4) else {"foreach": True}
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, betas=(0.9, 0.99), weight_decay=0.1, **FUSED)


def step():
    ids = torch.randint(0, V, (B, T + 1))
    loss = F.cross_entropy(model(ids[:, :-1]).reshape(-1, V), ids[:, 1:].reshape(-1))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()


def timed(run, tokens, repetitions):
    run()
    seconds = []
    for _ in range(repetitions):
        begun = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - begun)
    return tokens / statistics.median(seconds)


def sample(batch):
    with torch.no_grad():
        caches = [(torch.zeros(batch, H, T, hs), torch.zeros(batch, H, T, hs)) for _ in range(L)]
        ids = torch.zeros(batch, 1, dtype=torch.long)
        for position in range(T - 1):
            ids = torch.multinomial(F.softmax(model(ids, caches, position)[:, -1], -1), 1)


result = {"version": torch.__version__, "train": timed(step, B * T, 20 if d < 256 else 7)}
for batch in (1, 16, 64):
    result[f"sample.{batch}"] = timed(lambda: sample(batch), batch * (T - 1), 3)
print(json.dumps(result))
