"""A whole round in hand-written PyTorch, for `npm run bench -- round`: sample a group of completions of each prompt, reward them by
Python's own compile(), group-relative advantages, one clipped policy-gradient update.

What a careful author would do on a CPU: the prompts are run once and their caches shared out to the group, a row that has ended is
dropped from the batch, log-probabilities are kept from sampling, and the update works on micro-batches of similar length with their
padding cut off and steps once. Random weights would hardly ever end a text, so how many tokens each row writes is given from outside:
as many as the other side wrote. Sources: Shao et al., "DeepSeekMath" (2024), eq. 3; Schulman et al., "PPO" (2017), eq. 7.

The set-up: shape, group (completions a prompt), prompts (ids, all equally long, end-of-text first), texts (of the prompts), tokens
(the text of every id).
"""

import copy
import time
import warnings

import torch
import torch.nn.functional as F
from torch_model import Llama, adam_w, serve

MICRO_BATCH = 16
# Dropping copies the caches of the rows that stay, so it waits until an eighth of them has ended.
DROP_AT = 7 / 8
CLIP = (0.8, 1.2)


def make(setup):
    shape, group, table = setup["shape"], setup["group"], setup["tokens"]
    prompts = torch.tensor(setup["prompts"])
    texts = [text for text in setup["texts"] for _ in range(group)]
    P, L = prompts.shape
    R = P * group
    model = Llama(shape)
    start = copy.deepcopy(model.state_dict())
    warnings.simplefilter("ignore")

    @torch.no_grad()
    def sample(lengths):
        """Ids and log-probabilities, each (R, most tokens), of rows as long as `lengths`."""
        steps = max(lengths)
        lengths = torch.tensor(lengths)
        ids, old = torch.zeros(R, steps, dtype=torch.long), torch.zeros(R, steps)
        caches = model.new_caches(P)
        logits = model(prompts, caches, 0, last=True)[:, -1].repeat_interleave(group, 0)
        caches = [tuple(part.repeat_interleave(group, 0) for part in cache) for cache in caches]
        rows = torch.arange(R)
        for step in range(steps):
            log_probs = F.log_softmax(logits, -1)
            drawn = torch.multinomial(log_probs.exp(), 1)
            ids[rows, step] = drawn[:, 0]
            old[rows, step] = log_probs.gather(1, drawn)[:, 0]
            if step + 1 == steps:
                break
            going = lengths[rows] > step + 1
            if going.sum() <= DROP_AT * len(rows):
                kept = going.nonzero()[:, 0]
                rows, drawn = rows[kept], drawn[kept]
                caches = [tuple(part[kept] for part in cache) for cache in caches]
            logits = model(drawn, caches, L + step)[:, -1]
        return ids, old

    def reward(text):
        try:
            compile(text, "sample", "exec")
            return 1.0
        except Exception:
            return 0.0

    def judge(ids, lengths):
        return [
            reward(text + "".join(table[token] for token in row[:length])) for text, row, length in zip(texts, ids.tolist(), lengths)
        ]

    def update(optimizer, ids, old, lengths, rewards):
        groups = torch.tensor(rewards).view(P, group)
        advantages = ((groups - groups.mean(1, keepdim=True)) / (groups.std(1, keepdim=True) + 1e-4)).view(R)
        total, order = sum(lengths), sorted(range(R), key=lambda row: lengths[row])
        lengths = torch.tensor(lengths)
        optimizer.zero_grad(set_to_none=True)
        for begin in range(0, R, MICRO_BATCH):
            rows = torch.tensor(order[begin : begin + MICRO_BATCH])
            most = int(lengths[rows].max())
            written = ids[rows, :most]
            whole = torch.cat((prompts[rows // group], written), 1)
            logits = model(whole[:, :-1])[:, L - 1 :]
            log_probs = -F.cross_entropy(logits.reshape(-1, logits.shape[-1]), written.reshape(-1), reduction="none").view(written.shape)
            ratio = (log_probs - old[rows, :most]).exp()
            advantage = advantages[rows, None]
            gain = torch.minimum(ratio * advantage, ratio.clamp(*CLIP) * advantage)
            mask = torch.arange(most) < lengths[rows, None]
            (-(gain * mask).sum() / total).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    def round(lengths):
        # Every round begins from the same weights, as on the other side; putting them back is not part of it.
        model.load_state_dict(start)
        optimizer = adam_w(model)
        times = [time.perf_counter()]
        ids, old = sample(lengths)
        times.append(time.perf_counter())
        rewards = judge(ids, lengths)
        times.append(time.perf_counter())
        update(optimizer, ids, old, lengths, rewards)
        times.append(time.perf_counter())
        sampling, judging, learning = (b - a for a, b in zip(times, times[1:]))
        return {"tokens": sum(lengths), "valid": int(sum(rewards)), "sampling": sampling, "judging": judging, "learning": learning}

    return {"round": round}


serve(make)
