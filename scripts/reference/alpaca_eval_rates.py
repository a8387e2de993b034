"""Win rates as alpaca-eval has them, for tests/eval/foreign/annotations.test.ts.

    python scripts/reference/alpaca_eval_rates.py tests/fixtures/alpaca-eval

Made with Python 3.11.7, alpaca-eval 0.6.6, pandas 3.1.1, which alpaca-eval installs (not in requirements.txt: it brings 60 packages).
Reads `annotations.json`, which the test made from its own verdicts, and writes `win-rates.json`: what `get_winrate` says about it, and about
preferences of every form that its files have. Undefined values are written as null.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from alpaca_eval.metrics import get_winrate

folder = Path(sys.argv[1])


def plain(value):
    value = float(value)
    return None if math.isnan(value) else value


def win_rate(annotations):
    return {name: plain(value) for name, value in get_winrate(annotations).items()}


def preferences():
    rng = np.random.default_rng(16)
    yield "wins, losses and ties", rng.choice([1.0, 1.5, 2.0], 805, p=[0.4, 0.2, 0.4]).tolist()
    yield "probabilities", (1 + rng.beta(0.6, 0.7, 805)).tolist()
    yield "0 for a tie, as old files have it", rng.choice([0, 1, 2], 80).tolist()
    missing = [None if rng.random() < 0.3 else float(x) for x in 1 + rng.random(200)]
    yield "missing ones", missing
    yield "-1 for a missing one, as the cache has it", [-1.0 if x is None else x for x in missing]
    yield "one", [1.75]
    yield "ties", [1.5] * 12


annotations = pd.read_json(folder / "annotations.json")
cases = {
    "annotations": {
        name: win_rate(rows) for name, rows in annotations.groupby("generator_2")
    },
    "preferences": [
        {"name": name, "preferences": values, "winRate": win_rate([{"preference": value} for value in values])}
        for name, values in preferences()
    ],
}
(folder / "win-rates.json").write_text(json.dumps(cases) + "\n")
