"""Agreement of two scores as SciPy and scikit-learn have it, for tests/statistics/agreement.test.ts.

    python scripts/reference/agreement.py tests/fixtures/statistics/cases.json

Made with Python 3.11.7, numpy 2.4.6, scipy 1.17.1, scikit-learn 1.9.1. Undefined values are written as null. Pairs are counted one by one,
which SciPy has no function for.
"""

import json
import sys
import warnings

import numpy as np
from scipy import stats
from sklearn.metrics import cohen_kappa_score

warnings.filterwarnings("ignore")


def number(value):
    return float(value) if np.isfinite(value) else None


def pairs(x, y):
    tied_x = tied_y = tied_both = concordant = discordant = 0
    for i in range(len(x) - 1):
        dx, dy = np.sign(x[i + 1 :] - x[i]), np.sign(y[i + 1 :] - y[i])
        concordant += int(np.sum(dx * dy > 0))
        discordant += int(np.sum(dx * dy < 0))
        tied_x += int(np.sum(dx == 0))
        tied_y += int(np.sum(dy == 0))
        tied_both += int(np.sum((dx == 0) & (dy == 0)))
    return {
        "pairs": len(x) * (len(x) - 1) // 2,
        "concordant": concordant,
        "discordant": discordant,
        "tiedX": tied_x,
        "tiedY": tied_y,
        "tiedBoth": tied_both,
    }


def thirds(values):
    """Categories for kappa that need no rule for ties: how many of the two tertiles a value lies above."""
    low, high = np.quantile(values, [1 / 3, 2 / 3])
    return [int(value > low) + int(value > high) for value in values]


def case(name, x, y, formula=None):
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    a, b = thirds(x), thirds(y)
    inputs = {"formula": formula} if formula else {"x": x.tolist(), "y": y.tolist(), "a": a, "b": b}
    kappa = cohen_kappa_score(a, b, labels=[0, 1, 2], weights="quadratic")
    return {
        "name": name,
        **inputs,
        "pearson": number(stats.pearsonr(x, y).statistic),
        "spearman": number(stats.spearmanr(x, y).statistic),
        "kendall": number(stats.kendalltau(x, y).statistic),
        "kappa": None if formula else number(kappa),
        "ranks": None if formula else stats.rankdata(x).tolist(),
        "counts": pairs(x, y),
    }


def formula(n):
    """Numbers that both languages make exactly alike, with many ties in x."""
    i = np.arange(n, dtype=np.int64)
    x = (i * i * 31 + 7 * i) % 997
    y = (x * 3 + (i * i * 17) % 1009) / 8
    return x, y


random = np.random.default_rng(1)
normal = random.normal(size=60)
halves = random.integers(2, 11, size=60) / 2
rated = np.clip(np.round(halves + random.normal(size=60)), 1, 5)
cases = [
    case("continuous", normal, 0.5 * normal + random.normal(size=60)),
    case("opposed", normal, -normal + 0.1 * random.normal(size=60)),
    case("ties in both", halves, rated),
    case("ties in one", normal, halves),
    case("the same", halves, halves),
    case("two rows that agree", [1, 2], [3, 5]),
    case("two rows that do not", [1, 2], [5, 3]),
    case("two rows tied in one", [1, 1], [5, 3]),
    case("three rows", [1, 2, 2], [0.1, 0.3, 0.2]),
    case("constant", [0.1] * 7, [1, 2, 3, 4, 5, 6, 7]),
    case("both constant", [0.1] * 7, [3] * 7),
    case("zeros of either sign", [0.0, -0.0, 1, 2], [1, 2, 3, 4]),
    case("large numbers", normal * 1e300, halves),
    case("small numbers", normal * 1e-300, halves),
    case("far from zero", 1e9 + halves, rated - 1e9),
    case("twenty thousand rows", *formula(20000), formula=20000),
]


def bootstrap():
    x, y = np.array(cases[0]["x"]), np.array(cases[0]["y"])
    found = {}
    for name, statistic in {
        "pearson": lambda a, b: stats.pearsonr(a, b).statistic,
        "spearman": lambda a, b: stats.spearmanr(a, b).statistic,
        "kendall": lambda a, b: stats.kendalltau(a, b).statistic,
    }.items():
        result = stats.bootstrap(
            (x, y), statistic, paired=True, vectorized=False, n_resamples=4000, method="percentile", rng=1
        )
        found[name] = [float(result.confidence_interval.low), float(result.confidence_interval.high)]
    return found


values = np.sort(normal[:11])
shares = [0, 0.025, 0.1, 0.5, 0.77, 0.975, 1]
written = {
    "cases": cases,
    "bootstrap": bootstrap(),
    "quantiles": {"values": values.tolist(), "shares": shares, "found": np.quantile(values, shares).tolist()},
}
with open(sys.argv[1], "w") as file:
    json.dump(written, file)
    file.write("\n")
