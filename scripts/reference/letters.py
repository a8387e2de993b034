"""What SmolLM2-135M-Instruct says after a begun reply, by transformers in float32: for conversations of several lengths
the token ids of the prompt, and logits and log-probabilities of the labels " A" and " B" that may come next.

MODEL_DIR is the folder that `phasetune model import ... --dtype float32` wrote. Writes
tests/fixtures/letters/smollm2.json. Made with torch 2.15.0, transformers 5.23.0.

    python scripts/reference/letters.py MODEL_DIR
"""
import json
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

OPENING = "The better answer is Answer"
LABELS = [" A", " B"]
SYSTEM = {"role": "system", "content": "You compare two answers to an instruction."}
PAIRS = [
    ("What is the capital of France?", "Paris.", "Blue cheese is made of milk."),
    ("What is the capital of France?", "Blue cheese is made of milk.", "Paris."),
    ("Name a river.", "", "The Rhine is a river that flows through Europe from the Alps to the North Sea."),
    ("Write a poem.", "Roses are red,\nviolets are blue. " * 8, "I cannot.\t\u5317\u4eac caf\u00e9"),
    ("Count.", " ".join(str(n) for n in range(50)), " ".join(str(n) for n in range(50, 0, -1))),
]


def conversation(instruction: str, first: str, second: str) -> list[dict]:
    data = json.dumps(dict(instruction=instruction, A=first, B=second), ensure_ascii=False)
    return [SYSTEM, {"role": "user", "content": f"Which answer is better, A or B?\n\n{data}"}]


model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32, attn_implementation="eager").eval()
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
labels = [tokenizer(label, add_special_tokens=False).input_ids for label in LABELS]
assert all(len(ids) == 1 for ids in labels)

cases = []
for pair in PAIRS:
    messages = conversation(*pair)
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True) + OPENING
    ids = tokenizer(text, add_special_tokens=False).input_ids
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1]
    shares = logits.log_softmax(-1)
    pick = lambda values: [float(values[label[0]]) for label in labels]
    cases.append(dict(messages=messages, ids=ids, logits=pick(logits), logProbabilities=pick(shares)))

path = Path(__file__).parents[2] / "tests/fixtures/letters/smollm2.json"
path.write_text(json.dumps(cases, ensure_ascii=False) + "\n", encoding="utf-8")
