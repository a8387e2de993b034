"""What transformers makes of texts under dynamic rotary scaling: greedy answers, and losses of rows, each alone, in float32.

Writes tests/fixtures/dynamic-rope.json for the model tests/fixtures/logits/llama-dynamic-rope (trained for 16 positions):
`prompts` with `answers` (24 tokens each, by generate with its cache) and `margins` (how far the chosen logit was above the next, at
least), and `rows` with the sum of the cross-entropy of all tokens but the first. Made with torch 2.15.0, transformers 5.24.0.

    python scripts/reference/dynamic_rope.py
"""
import json
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

ROOT = Path(__file__).parents[2] / "tests/fixtures"
torch.manual_seed(3)


def fresh():
    """A model that has seen no long text: transformers keeps the scaling of the longest until a short one comes."""
    return AutoModelForCausalLM.from_pretrained(ROOT / "logits/llama-dynamic-rope", dtype=torch.float32, attn_implementation="eager").eval()


def draw(length):
    return torch.randint(3, fresh().config.vocab_size, (length,)).tolist()


prompts, answers, margins = [draw(n) for n in (3, 12, 16, 17, 29)], [], []
for prompt in prompts:
    ids = torch.tensor([prompt])
    made = fresh().generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=24, do_sample=False, eos_token_id=None, pad_token_id=0,
                            output_logits=True, return_dict_in_generate=True)
    top = torch.stack(made.logits)[:, 0].topk(2, dim=-1).values
    answers.append(made.sequences[0, len(prompt):].tolist())
    margins.append((top[:, 0] - top[:, 1]).min().item())
rows = []
for length in (6, 14, 16, 17, 25, 40):
    ids = torch.tensor([draw(length)])
    with torch.no_grad():
        logits = fresh()(input_ids=ids, use_cache=False).logits
    rows.append(dict(ids=ids[0].tolist(), loss=torch.nn.functional.cross_entropy(logits[0, :-1], ids[0, 1:], reduction="sum").item()))
lines = ",\n".join(f'  "{name}": {json.dumps(value)}' for name, value in dict(prompts=prompts, answers=answers, margins=margins, rows=rows).items())
(ROOT / "dynamic-rope.json").write_text(f"{{\n{lines}\n}}\n")
