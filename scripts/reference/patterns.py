"""Which names of modules Python's `re.fullmatch` takes by patterns such as target_modules holds.

Writes tests/fixtures/patterns.json: the names, and for each pattern the places of those that it matches, or null where it is none.

    python scripts/reference/patterns.py
"""
import json
import random
import re
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")
OUT = Path(__file__).parents[2] / "tests/fixtures/patterns.json"
draw = random.Random(2)
PARTS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
NAMES = [f"model.layers.{i}.{'self_attn' if part[0] in 'qkvo' else 'mlp'}.{part}" for i in (0, 7, 13) for part in PARTS] + ["lm_head", "model.embed_tokens"]
WRITTEN = [
    r".*\.q_proj", r"(?i).*\.Q_PROJ", r"model\.layers\.\d+\.mlp\.(up\_proj|gate\_proj)", r"(?P<a>model)\.layers\.7\..*", r".*(?P<x>[qk])_(?P=x)?proj",
    r"\Amodel\.layers\.0\..*\Z", r"^model.*proj$", r".*[]_]proj", r".*\.[^]]+_proj", r"model\.layers\.(?:0|1[0-9])\.self_attn\.[qkv]_proj",
    r".*_proj(?#all of them)", r"(?s)(?i)MODEL.*", r"(?x) .* _proj", r".*\-proj", r".*[q\-k]_proj", r".*[\w.]+proj", r"model\.layers\.\d{1,2}\.mlp.*",
    r"model\.layers\.\d{,1}\.mlp.*", r".*{", r".*x{,}y|lm_head", r"lm\_head", r".*\.(?!q)[a-z]_proj", r".*(?<=self_attn\.)[kv]_proj", r"(q_proj", r"[q", r"*q",
    r".*\p{L}", r".*\q", r".*+proj", r"(?>model).*", r".*(?-i:Q)_proj", r".*\/?q_proj", r".*/q_proj", r"(?:.*\.)?(?:lm_head|o_proj)", r".*\x71_proj", r".*\x71\u005fproj",
    r"(.)(.).*", r".*(.)_\1?proj", r"", r"\.", r"model\.(layers|embed_tokens).*", r"(?a).*q_proj", r"(?iu).*Q_proj", r"(?L).*", r".*\N{LATIN SMALL LETTER Q}_proj", r".*[[]|lm_head", r".*\B_proj",
]
PIECES = ["model", r"\.", ".", r"layers", r"\d+", "[0-9]", r"\w+", "mlp", "self_attn", r"self\_attn", r"(?:mlp|self_attn)", "q_proj", r"[qkv]\_proj", ".*", r"[^.]+", "_proj", r"(?P<n>up|down)",
          r".{1,9}", r"\S*", "(?=.)", "(?!x)", "|", r"\-?", "}?", r"[\]a]?", "(gate|up)", r"(?#x)", "[a-z_]+"]


def found(pattern):
    try:
        whole = re.compile(pattern)
    except Exception:  # re.error, and ValueError for the flag L
        return None
    return [i for i, name in enumerate(NAMES) if whole.fullmatch(name)]


patterns = list(WRITTEN)
while len(patterns) < 500:
    inner = "".join(draw.choice(PIECES) for _ in range(draw.randint(1, 5)))
    patterns.append(draw.choice(["", "", "", "(?i)"]) + draw.choice([r".*\.", "model.*", ".*", ""]) + inner)
lines = ",\n".join(json.dumps([pattern, found(pattern)]) for pattern in dict.fromkeys(patterns))
OUT.write_text(f'{{"names": {json.dumps(NAMES)},\n"patterns": [\n{lines}\n]}}\n')
