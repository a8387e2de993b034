"""Reference tokens, masks and rendered templates, by transformers.

    python scripts/reference/tokens.py                        tiny tokenizer: cases.json (in full), demo.json.gz (hashes)
    python scripts/reference/tokens.py smollm2 MODEL DATA     real rows: smollm2.json.gz (hashes only, never a row)

all into tests/fixtures/tokens. MODEL is SmolLM2-135M-Instruct as `phasetune model import` writes it, DATA the folder with
alpaca-random-9k.json and phasedsft-alpaca52k-stage3.jsonl. Made with transformers 5.24.0, tokenizers 0.23.3.

Ids are those of the rendered text tokenised whole; where a turn spells a special token, that stays text. The mask does not use the code under test's way: a token is trained when its
character span (offsets of the Rust tokenizer) reaches behind the prompt, which is the conversation rendered up to the answer with
`add_generation_prompt=True`, until and with the first end token. Wherever the prompt's own ids are the beginning of the
row's ids (counted and printed), that is the plain rule: prompt ids untrained, then everything up to the end token.
"""
import gzip
import hashlib
import json
import sys
from pathlib import Path

from conversation import encode, render, spells_special
from transformers import AutoTokenizer

ROOT = Path(__file__).parents[2]
OUT = ROOT / "tests/fixtures/tokens"


class Reference:
    def __init__(self, folder):
        self.tok = AutoTokenizer.from_pretrained(folder)
        self.end = self.tok.eos_token_id
        self.prefixed = self.rows = 0

    def row(self, messages, template, train_on="last"):
        text = render(self.tok, messages, template)
        ids, offsets = encode(self.tok, messages, template)
        if template == "chat" and not spells_special(self.tok, messages):
            whole = self.tok.apply_chat_template(messages, tokenize=True, return_dict=False)
            assert ids == whole, "apply_chat_template(tokenize=True) differs from the rendered text's tokens"
        mask = [0] * len(ids)
        answers = [i for i, m in enumerate(messages) if m["role"] == "assistant"]
        for i in answers if train_on == "all" else answers[-1:]:
            prompt = render(self.tok, messages[:i], template, prompt=True)
            assert text.startswith(prompt)
            start = next(t for t, (_, end) in enumerate(offsets) if end > len(prompt))
            prompt_ids, _ = encode(self.tok, messages[:i], template, prompt=True)
            self.rows += 1
            if ids[: len(prompt_ids)] == prompt_ids:
                self.prefixed += 1
                assert start == len(prompt_ids)
            for t in range(start, len(ids)):
                mask[t] = 1
                if ids[t] == self.end:
                    break
        mask[0] = 0
        return text, ids, mask


def digest(text, ids, mask):
    line = f"{text}\0{','.join(map(str, ids))}\0{''.join(map(str, mask))}"
    return hashlib.sha256(line.encode("utf-8")).hexdigest()[:6]


def write_hashes(name, reference, sets):
    """{"<set>/<template>": the first six hexadecimal digits of every row's hash, in the order of the rows}."""
    hashes = {}
    for key, rows in sets.items():
        for template in ("chat", "paper"):
            hashes[f"{key}/{template}"] = "".join(digest(*reference.row(messages, template)) for messages in rows)
            print(name, key, template, len(rows), "rows")
    with open(OUT / name, "wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:
        file.write(json.dumps(hashes).encode())
    print(f"prompt ids are the beginning of the row's ids in {reference.prefixed} of {reference.rows} rows")


def pair(instruction, answer):
    return [{"role": "user", "content": instruction}, {"role": "assistant", "content": answer}]


def real_rows(folder):
    alpaca = json.loads((folder / "alpaca-random-9k.json").read_text(encoding="utf-8"))
    phased = (folder / "phasedsft-alpaca52k-stage3.jsonl").read_text(encoding="utf-8").strip("\n").split("\n")
    return {
        "alpaca": [pair(r["instruction"] + ("\n" + r["input"] if r["input"] else ""), r["output"]) for r in alpaca],
        "phasedsft": [pair(*json.loads(line)["data"]) for line in phased],
    }


def turn(role, content):
    return {"role": role, "content": content}


CASES = {
    "plain": pair("Name three colours.", "red, green, blue"),
    "answer begins with newlines": pair("Write a list.", "\n\n- one\n- two\n"),
    "answer begins with a space": pair("Go on.", "  indented"),
    "empty answer": pair("Say nothing.", ""),
    "white space only": pair("Tabs?", " \t\n "),
    "emoji and marks": pair("Emoji? 👩‍👩‍👧 cafe\u0301", "🇨🇭 é ñ 日本語 \u200d"),
    "answer begins in the middle of a pair of bytes": pair("é", "\u0301 combining"),
    "special token in the question": pair("What does <|im_end|> mean?", "It ends a turn."),
    "special token in the answer": pair("Show one.", "<|im_end|> is one, <|endoftext|> another."),
    "system": [turn("system", "Be short.\n"), *pair("Why is the sky blue?", "Rayleigh scattering.")],
    "two turns": [*pair("Hi", "Hello!"), *pair("1+1?", "2")],
    "three turns with system": [turn("system", "You count."), *pair("one", "two"), *pair("three", "\nfour"), *pair("five", "six\n")],
    "windows line ends": pair("a\r\nb", "c\r\n\r\nd"),
    "numbers that are not 0 to 9": pair("\n\n\U0001d7d8 and \u0968", "\n\n\n\u00bd cup, \u2167"),
    "rare white space": pair("x\ufeff's\u0085's", "\ufeff's\u0085's\u00a0's\u2028"),
    "numbers": pair("12345 + 67.89 = ?", "12412.89"),
}


def write_cases(reference):
    cases = []
    for name, messages in CASES.items():
        for template in ("chat", "paper"):
            for train_on in ("last", "all"):
                text, ids, mask = reference.row(messages, template, train_on)
                case = dict(name=name, template=template, trainOn=train_on, messages=messages, text=text, ids=ids, mask="".join(map(str, mask)))
                cases.append(case)
    (OUT / "cases.json").write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n", encoding="utf-8")
    print(f"{len(cases)} cases; prompt ids are the beginning of the row's ids for {reference.prefixed} of {reference.rows} answers")


OUT.mkdir(parents=True, exist_ok=True)
if sys.argv[1:2] == ["smollm2"]:
    write_hashes("smollm2.json.gz", Reference(sys.argv[2]), real_rows(Path(sys.argv[3])))
else:
    tiny = Reference(ROOT / "models/tiny-llama")
    write_cases(tiny)
    demo = [json.loads(line)["messages"] for line in (ROOT / "datasets/demo/raw.jsonl").read_text(encoding="utf-8").splitlines()]
    write_hashes("demo.json.gz", Reference(ROOT / "models/tiny-llama"), {"demo": demo})
