"""A whole round by TRL's GRPOTrainer, for `npm run bench -- round`: its own loop, untouched, over transformers' Llama of the same shape.

At the settings that were fastest here: one generation of all completions a step and one forward and backward pass over all of them, no
reference model (beta 0), fused AdamW, no checkpointing. The reward is Python's own compile(). Lengths cannot be given to it from
outside, so its weights get what ours get: an end of text that is drawn about once in `meanLength` tokens.

The set-up: shape, group (completions a prompt), prompts (ids, end-of-text first), texts (of the prompts), tokens (the text of every
id), maxTokens, meanLength.
"""

import copy
import math
import queue
import tempfile
import threading
import time

import torch
import transformers
import trl
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from torch_model import serve
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

END = 0


def with_ends(weight, mean_length):
    """What bench/round.ts does to our embedding: one dimension is the same in all tokens, and larger in the end of text."""
    vocabulary, width = weight.shape
    common, spread = 1.0, 0.02
    deviation = math.sqrt((common**2 + (width - 1) * spread**2) / width)
    weight[:, 0] = common
    weight[END, 0] = common + math.log(vocabulary / mean_length) / (common / deviation)


def make(setup):
    shape, group, table = setup["shape"], setup["group"], setup["tokens"]
    names = [f"t{i}" for i in range(shape["vocabulary"])]
    tokenizer = Tokenizer(models.WordLevel({name: i for i, name in enumerate(names)}, unk_token=names[END]))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    processor = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=names[END], pad_token=names[END], padding_side="left")
    prompts = [" ".join(names[i] for i in ids) for ids in setup["prompts"]]
    text_of = dict(zip(prompts, setup["texts"]))
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=shape["vocabulary"], hidden_size=shape["width"], intermediate_size=shape["hidden"], num_hidden_layers=shape["layers"],
            num_attention_heads=shape["heads"], num_key_value_heads=shape["kvHeads"], max_position_embeddings=2 * shape["context"],
            rms_norm_eps=1e-5, tie_word_embeddings=True, bos_token_id=END, eos_token_id=END, pad_token_id=END, attn_implementation="sdpa",
        )
    )
    with torch.no_grad():
        # As ours begin: residual branches smaller, or they would drown the end of text.
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight *= (2 * shape["layers"]) ** -0.5
            layer.mlp.down_proj.weight *= (2 * shape["layers"]) ** -0.5
        with_ends(model.model.embed_tokens.weight, setup["meanLength"])
    start = copy.deepcopy(model.state_dict())
    seen = {}

    def reward(prompts, completion_ids, **_):
        rewards = []
        for prompt, ids in zip(prompts, completion_ids):
            try:
                compile(text_of[prompt] + "".join(table[i] for i in ids if i != END), "sample", "exec")
                rewards.append(1.0)
            except Exception:
                rewards.append(0.0)
        seen.update(tokens=sum(len(ids) for ids in completion_ids), valid=int(sum(rewards)))
        return rewards

    asked, answers = queue.Queue(), queue.Queue()

    class Turns(TrainerCallback):
        """Does one step each time it is asked to, and answers when nothing of it goes on."""

        answer = None

        def on_step_begin(self, *_, **__):
            if self.answer:
                answers.put(self.answer)
            asked.get()
            # Every round begins from the same weights, as on the other sides; putting them back is not part of it.
            model.load_state_dict(start)
            self.begun = time.perf_counter()

        def on_step_end(self, *_, **__):
            self.answer = {**seen, "seconds": time.perf_counter() - self.begun}

    def work():
        try:
            with tempfile.TemporaryDirectory() as folder:
                rows = len(prompts) * group
                GRPOTrainer(
                    model=model, reward_funcs=reward, processing_class=processor, callbacks=[Turns()],
                    train_dataset=Dataset.from_list([{"prompt": prompt} for prompt in prompts]),
                    args=GRPOConfig(
                        output_dir=folder, use_cpu=True, bf16=False, per_device_train_batch_size=rows, num_generations=group, max_steps=1_000_000,
                        max_completion_length=setup["maxTokens"], temperature=1.0, top_p=1.0, top_k=0, beta=0.0, learning_rate=3e-4, optim="adamw_torch_fused",
                        gradient_checkpointing=False, logging_strategy="no", save_strategy="no", report_to=[], disable_tqdm=True, shuffle_dataset=False,
                        dataloader_pin_memory=False,
                    ),
                ).train()
        except Exception as error:
            answers.put({"unavailable": f"{type(error).__name__}: {error}"})

    threading.Thread(target=work, daemon=True).start()

    def round():
        asked.put(True)
        return answers.get()

    return {"round": round, "versions": lambda: {"version": f"{trl.__version__} on transformers {transformers.__version__}"}}


serve(make)
