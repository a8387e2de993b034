"""Checks a folder that `phasetune model import FILE.gguf --out DIR --dtype float32` wrote against transformers' own GGUF reader.

Run: python scripts/reference/check_import.py FILE.gguf DIR
Prints what differs in weights (bit for bit), in config and in the greedy answer to a question, and exits with 1 if anything
does. Used with transformers 5.23.0, torch 2.15.0, gguf 0.19.0.
"""

import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

gguf, folder = Path(sys.argv[1]), Path(sys.argv[2])
ours = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
theirs = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
a, b = ours.state_dict(), theirs.state_dict()
wrong = sorted(set(a) ^ set(b)) + [k for k in a if k in b and not torch.equal(a[k], b[k].float())]
print(f"{len(a)} tensors, {len(wrong)} differ {wrong[:5]}")

tokenizer = AutoTokenizer.from_pretrained(folder)
question = [{"role": "user", "content": "What is the capital of France?"}]
inputs = tokenizer.apply_chat_template(question, add_generation_prompt=True, return_tensors="pt", return_dict=True)
answers = []
for model in (ours, theirs):
    output = model.generate(**inputs, max_new_tokens=20, do_sample=False)
    answers.append(tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))
print(answers)
sys.exit(bool(wrong) or answers[0] != answers[1])
