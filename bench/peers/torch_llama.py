"""Training and sampling in PyTorch, for `npm run bench -- train`: the peer that the compiled step and the decoder are measured against.

Clipping by global norm and AdamW in training; a key/value cache in sampling; with `compiled`, the same through torch.compile (in
sampling with one graph for all positions, which then attends over the whole cache under a mask). The set-up is the shape.
"""

import time

import torch
import torch.nn.functional as F
from torch_model import Llama, adam_w, serve


def make(shape):
    T, B, V = shape["context"], shape["batch"], shape["vocabulary"]
    model = Llama(shape)
    optimizer = adam_w(model)
    compiled_forms = {}

    def loss_of(ids):
        return F.cross_entropy(model(ids[:, :-1]).reshape(-1, V), ids[:, 1:].reshape(-1))

    def next_probabilities(ids, caches, position):
        return F.softmax(model(ids, caches, position)[:, -1], -1)

    def form(function, compiled, key):
        if not compiled:
            return function
        if key not in compiled_forms:
            compiled_forms[key] = torch.compile(function, dynamic=False)
        return compiled_forms[key]

    def run_training(steps, compiled):
        loss_form = form(loss_of, compiled, "train")
        for _ in range(steps):
            loss = loss_form(torch.randint(0, V, (B, T + 1)))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        return steps * B * T

    def run_sampling(batch, compiled, tokens):
        probabilities = form(next_probabilities, compiled, batch)
        with torch.no_grad():
            caches = model.new_caches(batch)
            ids = torch.zeros(batch, 1, dtype=torch.long)
            for position in range(tokens):
                at = torch.tensor([position]) if compiled else position
                ids = torch.multinomial(probabilities(ids, caches, at), 1)
        return batch * tokens

    def timed(run):
        begun = time.perf_counter()
        try:
            tokens = run()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
        except Exception as error:
            lines = str(error).strip().splitlines()
            return {"unavailable": f"{type(error).__name__}: {lines[0] if lines else ''}"}
        return {"tokens": tokens, "seconds": time.perf_counter() - begun}

    def memory(steps, batch, tokens):
        run_training(steps, False)
        run_sampling(batch, False, tokens)
        try:
            with open("/proc/self/status") as status:
                peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
        except (OSError, StopIteration):
            peak = None
        return {"peak": peak}

    return {
        "train": lambda steps, compiled=False: timed(lambda: run_training(steps, compiled)),
        "sample": lambda batch, passes, compiled=False: timed(lambda: sum(run_sampling(batch, compiled, T - 1) for _ in range(passes))),
        "memory": memory,
    }


serve(make)
