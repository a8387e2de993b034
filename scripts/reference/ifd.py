"""Reference losses of answers given their instruction and alone, and their ratio (IFD), by transformers.

    python scripts/reference/ifd.py                           tiny model: tests/fixtures/ifd/cases.json
    python scripts/reference/ifd.py smollm2 MODEL DATA        real rows: tests/fixtures/ifd/smollm2.json (losses only, never a row)
    python scripts/reference/ifd.py compare MODEL SCORED.jsonl [bfloat16]
                                      what `phasetune score --scorer loss` wrote, with its default template and --max-length

MODEL is SmolLM2-135M-Instruct as `phasetune model import` writes it, DATA the folder with alpaca-random-9k.json. Made with torch 2.15.0,
transformers 5.24.0 (smollm2.json: 5.23.0), on a CPU in float32.

As in the code of Cherry LLM (arXiv 2308.12032) a loss is transformers' own for labels that are -100 up to the answer, its end token is not
counted, and rows go through the model one by one. The answer alone stands behind the assistant's header and nothing else, with the same
token ids as in the row. Where tokens begin is told by the Rust tokenizer's offsets.
"""
import json
import sys
from pathlib import Path

import torch
from conversation import encode, render
from transformers import AutoModelForCausalLM, AutoTokenizer

ROOT = Path(__file__).parents[2]
OUT = ROOT / "tests/fixtures/ifd"
NO_HEADER = "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'assistant' %} {{ m['content'] }}{{ eos_token }}{% else %}[INST] {{ m['content'] }} [/INST]{% endif %}{% endfor %}"
NO_HEADER_NO_BOS = NO_HEADER.replace("{{ bos_token }}", "")


class Reference:
    def __init__(self, folder, dtype=torch.float32):
        self.tok = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation="eager").eval()

    def pair(self, messages, template, max_length):
        """Ids given and alone, each with the number of ids before the answer; None where nothing of the answer is left."""
        text, asked = render(self.tok, messages, template), render(self.tok, messages[:-1], template)
        prompt = render(self.tok, messages[:-1], template, prompt=True)
        assert text.startswith(prompt) and text.startswith(asked)
        header = len(asked)
        while header < len(prompt) and text[header].isspace():
            header += 1
        ids, offsets = encode(self.tok, messages, template)
        ends = [end for _, end in offsets]
        first = next(t for t, end in enumerate(ends) if end > len(prompt))
        stop = next((t for t in range(first, len(ids)) if ids[t] == self.tok.eos_token_id), len(ids))
        answer = ids[first : min(stop, max_length)]
        if not answer or not messages[-1]["content"].strip():
            return None
        begin = next(t for t, end in enumerate(ends) if end > header)
        head = ids[min(begin, first) : first]
        bos = self.tok.bos_token_id
        if bos is not None and ids[0] == bos and head[:1] != [bos]:
            head = [bos, *head]
        head = head or [self.tok.eos_token_id if bos is None else bos]
        return (ids[:first] + answer, first), (head + answer, len(head))

    def loss(self, ids, start):
        ids = torch.tensor([ids])
        labels = ids.clone()
        labels[0, :start] = -100
        with torch.no_grad():
            return float(self.model(input_ids=ids, labels=labels, use_cache=False).loss)

    def losses(self, messages, template="chat", max_length=1024):
        pair = self.pair(messages, template, max_length)
        return pair and (*pair, self.loss(*pair[0]), self.loss(*pair[1]))


def qa(instruction, answer):
    return [{"role": "user", "content": instruction}, {"role": "assistant", "content": answer}]


SYSTEM = {"role": "system", "content": "Be short.\n"}
LONG = "First comes the sun, then the moon, and then all of the stars. " * 8
CASES = [
    ("plain", "chat", 1024, qa("Name three colours.", "red, green, blue")),
    ("plain", "paper", 1024, qa("Name three colours.", "red, green, blue")),
    ("system", "chat", 1024, [SYSTEM, *qa("Why is the sky blue?", "Rayleigh scattering.")]),
    ("system", "paper", 1024, [SYSTEM, *qa("Why is the sky blue?", "Rayleigh scattering.")]),
    ("several turns", "chat", 1024, [*qa("Hi", "Hello!"), *qa("1+1?", "2"), *qa("And now twice that.", "That makes 4.")]),
    ("several turns", "paper", 1024, [*qa("Hi", "Hello!"), *qa("1+1?", "2"), *qa("And now twice that.", "That makes 4.")]),
    ("one token", "chat", 1024, qa("1+1?", "2")),
    ("empty", "chat", 1024, qa("Say nothing.", "")),
    ("white space only", "chat", 1024, qa("Tabs?", " \t\n ")),
    ("begins with newlines", "chat", 1024, qa("Write a list.", "\n\n- one\n- two\n")),
    ("begins with a space", "paper", 1024, qa("Go on.", "  indented")),
    ("bytes", "chat", 1024, qa("Emoji?", "\u0301 \U0001f1e8\U0001f1ed \u00e9 \u65e5\u672c\u8a9e")),
    ("end token inside", "chat", 1024, qa("Show it.", "Here: <|im_end|> and on it goes")),
    ("cut", "chat", 48, qa("What comes first?", LONG)),
    ("cut to one token", "chat", 20, qa("What comes first of all, and what then?", LONG)),
    ("cut", "paper", 40, qa("What comes first?", LONG)),
    ("longer", "chat", 1024, qa("What comes first?", LONG)),
]


def write_cases():
    reference = Reference(ROOT / "models/tiny-llama")
    own = reference.tok.chat_template
    cases = [(name, template, length, messages, None) for name, template, length, messages in CASES]
    for name, given in (("no header", NO_HEADER), ("no header, no bos", NO_HEADER_NO_BOS)):
        cases.append((name, "chat", 1024, qa("Name three colours.", "red, green, blue"), given))
    made = []
    for name, template, length, messages, chat_template in cases:
        reference.tok.chat_template = chat_template or own
        found = reference.losses(messages, template, length)
        case = dict(name=name, template=template, maxLength=length, messages=messages)
        if chat_template:
            case["chatTemplate"] = chat_template
        if found:
            (given, first), (alone, start), loss, loss_alone = found
            case |= dict(given=given, first=first, alone=alone, start=start, loss=loss, lossAlone=loss_alone)
        made.append(case)
        print(name, template, loss / loss_alone if found else None)
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "cases.json").write_text("[\n" + ",\n".join(json.dumps(c) for c in made) + "\n]\n", encoding="utf-8")


def write_smollm2(model, data, rows=6):
    reference = Reference(model)
    found = []
    for row in json.loads((Path(data) / "alpaca-random-9k.json").read_text(encoding="utf-8"))[:rows]:
        *_, loss, alone = reference.losses(qa(row["instruction"] + ("\n" + row["input"] if row["input"] else ""), row["output"]))
        found.append([loss, alone])
    (OUT / "smollm2.json").write_text(json.dumps(found) + "\n")


def compare(model, scored, dtype="float32"):
    reference = Reference(model, getattr(torch, dtype))
    worst = dict(score=0.0, loss=0.0, lossAlone=0.0)
    rows = unscored = 0
    for line in Path(scored).read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        found = reference.losses(record["messages"])
        if found is None or "score" not in record:
            assert found is None and "score" not in record, f"row {record['id']}: scored by one side only"
            unscored += 1
            continue
        *_, loss, alone = found
        own = dict(record["meta"]["score"], score=record["score"])
        theirs = dict(score=loss / alone, loss=loss, lossAlone=alone)
        worst = {key: max(worst[key], abs(own[key] - theirs[key])) for key in worst}
        rows += 1
    print(json.dumps(dict(rows=rows, unscored=unscored, largest_differences=worst)))


command, *arguments = sys.argv[1:] or [""]
{"": write_cases, "smollm2": write_smollm2, "compare": compare}[command](*arguments)
