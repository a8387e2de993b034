"""Reference logits of SmolLM2-135M-Instruct by transformers in float32.

MODEL_DIR is the folder that `phasetune model import ... --dtype float32` wrote. Without further arguments it writes
tests/fixtures/smollm2-logits.safetensors: for each text input_ids, the likeliest token at every position, and every
97th logit. With IDS and LOGITS (a file of `phasetune inspect logits`) it compares every element and prints the largest
relative error. Made with torch 2.15.0, transformers 5.23.0.

    python scripts/reference/smollm2_logits.py MODEL_DIR [LOGITS.safetensors]
"""
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

TEXTS = [
    "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\nThe capital of France is Paris.<|im_end|>\n",
    "Gravity is the force by which a planet or other body draws objects toward its centre, and it keeps all of the planets in orbit.",
    "def add(a, b):\n    return a + b\n\nprint(add(2, 40))  # 42, naïve café 北京",
]

model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32, attn_implementation="eager").eval()


def logits_of(ids: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return model(input_ids=ids.long(), use_cache=False).logits


if len(sys.argv) > 2:
    ours = load_file(sys.argv[2])
    theirs = logits_of(ours["input_ids"])
    typical = theirs.pow(2).mean().sqrt()
    error = ((ours["logits"] - theirs).abs() / torch.maximum(theirs.abs(), typical)).max()
    same = (ours["logits"].argmax(-1) == theirs.argmax(-1)).all()
    print(json.dumps(dict(elements=theirs.numel(), largest_relative_error=float(error), same_top_token=bool(same))))
else:
    tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
    tensors = {}
    for i, text in enumerate(TEXTS):
        ids = tokenizer(text, return_tensors="pt", add_special_tokens=False).input_ids
        logits = logits_of(ids)
        tensors[f"{i}.input_ids"] = ids.to(torch.int32)
        tensors[f"{i}.top"] = logits.argmax(-1).to(torch.int32)
        tensors[f"{i}.logits"] = logits[..., ::97].contiguous()
    save_file(tensors, Path(__file__).parents[2] / "tests/fixtures/smollm2-logits.safetensors")
