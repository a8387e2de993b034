"""Statistics of a study as SciPy and statsmodels have them, for tests/statistics/ and tests/study/results/.

    python scripts/reference/study_statistics.py tests/fixtures/statistics

Made with Python 3.11.7, numpy 2.4.6, scipy 1.17.1, statsmodels 0.15.0, pandas 3.1.1. Writes study.json.
"""

import itertools
import json
import pathlib
import sys

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import integrate, optimize, special, stats
from statsmodels.formula.api import ols
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import ttost_paired

OUT = pathlib.Path(sys.argv[1])
NS = [2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 29, 60]


def over_deviations(v, f, to, middle):
    """Mean of f over the deviation that a study finds, by adaptive quadrature."""
    log = np.log(2) + v / 2 * np.log(v / 2) - special.gammaln(v / 2)
    density = lambda s: np.exp(log + special.xlogy(v - 1, s) - v * s * s / 2)
    points = [p for p in (middle, 1.0) if 0 < p < to]
    return float(integrate.quad(lambda s: density(s) * f(s), 0, to, points=points, epsabs=1e-13, epsrel=1e-12, limit=500)[0])


def power(n, difference, sd, alpha):
    """Power of the two-sided t test; the noncentral t agrees where SciPy has it."""
    v, shift = n - 1, abs(difference) / sd * np.sqrt(n)
    t = stats.t.isf(alpha / 2, v)
    found = over_deviations(v, lambda s: special.ndtr(shift - t * s) + special.ndtr(-t * s - shift), 1 + 14 / np.sqrt(v), shift / t)
    exact = stats.nct.sf(t, v, shift) + stats.nct.cdf(-t, v, shift)
    assert np.isnan(exact) or abs(exact - found) < 1e-9, (n, difference, sd, alpha, exact, found)
    return found


def tost_power(n, margin, difference, sd, alpha):
    """Power of two one-sided tests."""
    v, root, t = n - 1, np.sqrt(n) / sd, stats.t.isf(alpha, n - 1)
    f = lambda s: special.ndtr((margin - difference) * root - t * s) - special.ndtr(t * s - (margin + difference) * root)
    return over_deviations(v, f, min(margin * root / t, 1 + 14 / np.sqrt(v)), (margin - abs(difference)) * root / t)


def least(powered):
    return float(optimize.brentq(lambda x: powered(x) - 0.8, 1e-6, 200, xtol=1e-13, rtol=1e-13))


def fewest(powered):
    return next(n for n in itertools.count(2) if powered(n) >= 0.8)


def powers():
    cases = [(n, d, sd, a) for n in NS for d, sd in ((0.0, 1.0), (0.3, 1.0), (-1.0, 1.0), (0.02, 0.013), (6.0, 2.0)) for a in (0.05, 0.05 / 3, 0.001)]
    same = [(n, m, d, 1.0, a) for n in NS for m in (0.4, 1.0, 2.5) for d in (0.0, 0.3, -0.9) for a in (0.05, 0.01)]
    return {
        "power": [[*c, power(*c)] for c in cases],
        "tostPower": [[*c, tost_power(*c)] for c in same],
        "least": [[n, a, least(lambda d: power(n, d, 1, a))] for n in NS for a in (0.05, 0.05 / 3)],
        "leastMargin": [[n, 0.05, least(lambda m: tost_power(n, m, 0, 1, 0.05))] for n in NS[1:]],
        "seeds": [[d, a, fewest(lambda n: power(n, d, 1, a))] for d in (0.3, 0.5, 1.0, 1.5, 4.0) for a in (0.05, 0.05 / 3)],
        "seedsEquivalence": [[m, fewest(lambda n: tost_power(n, m, 0, 1, 0.05))] for m in (0.5, 1.0, 1.5, 4.0)],
    }


def two_way(rng, blocks, arms, block_sd):
    y = np.round(2.5 + rng.normal(0, block_sd, (blocks, 1)) + rng.normal(0, 0.02, (1, arms)) + rng.normal(0, 0.01, (blocks, arms)), 6)
    frame = pd.DataFrame({"y": y.ravel(), "block": np.repeat(range(blocks), arms), "arm": np.tile(range(arms), blocks)})
    frame["y"] -= frame["y"].iloc[0]
    table = sm.stats.anova_lm(ols("y ~ C(block) + C(arm)", frame).fit())
    ms = table["sum_sq"] / table["df"]
    b, a, r = (float(ms[k]) for k in ("C(block)", "C(arm)", "Residual"))
    variances = [max(0, (a - r) / blocks), max(0, (b - r) / arms), r]
    return {"table": y.tolist(), "arms": a, "blocks": b, "rest": r, "shares": [v / sum(variances) for v in variances], "pairing": (b - r) / (b + (arms - 1) * r)}


def enumerated(d):
    sums = np.array([abs(np.dot(d, signs)) for signs in itertools.product([1, -1], repeat=len(d))])
    return float(np.mean(sums >= abs(d.sum()) - 1e-12))


def study(rng, seeds, arms, effect, margin):
    """Values of a whole study (arms in rows, the control first) and everything that its comparisons have."""
    y = 2.5 + rng.normal(0, 0.05, seeds) + rng.normal(0, 0.006, (arms, seeds))
    y[1] += effect
    y = np.round(y, 6)
    comparisons = []
    for i in range(1, arms):
        d = y[i] - y[0]
        t = stats.ttest_rel(y[i], y[0])
        low, high = t.confidence_interval(0.95)
        same, lower, upper = ttost_paired(y[i], y[0], -margin, margin)
        inner = stats.ttest_rel(y[i], y[0]).confidence_interval(0.9)
        share = float(np.mean((d < 0) + 0.5 * (d == 0)))
        comparisons.append({
            "difference": float(d.mean()), "low": float(low), "high": float(high), "sd": float(d.std(ddof=1)), "p": float(t.pvalue),
            "signFlip": enumerated(d), "same": float(same), "sameLow": float(inner.low), "sameHigh": float(inner.high),
            "better": share, "betterLow": float(proportion_confint(share * seeds, seeds, method="wilson")[0]), "betterHigh": float(proportion_confint(share * seeds, seeds, method="wilson")[1]),
            "leastDifference": float(d.std(ddof=1)) * least(lambda x: power(seeds, x, 1, 0.05 / (arms - 1))),
            "seedsForMargin": fewest(lambda n: power(n, margin, d.std(ddof=1), 0.05 / (arms - 1))),
        })
    for key in ("p", "same", "signFlip"):
        for one, adjusted in zip(comparisons, multipletests([c[key] for c in comparisons], method="holm")[1]):
            one[key + "Holm"] = float(adjusted)
    return {"margin": margin, "values": y.tolist(), "comparisons": comparisons}


def main():
    rng = np.random.default_rng(20261128)
    wilson = [(k, n, level) for n in (1, 5, 8, 29) for k in (0, 0.5, 1, n // 2, n - 0.5, n) for level in (0.9, 0.95)]
    numbers = [np.round(rng.normal(0, 1, n), 4).tolist() for n in (1, 2, 3, 4, 5, 7, 8, 30)]
    OUT.joinpath("study.json").write_text(json.dumps({
        **powers(),
        "wilson": [[k, n, level, *map(float, proportion_confint(k, n, 1 - level, "wilson"))] for k, n, level in wilson if k <= n],
        "twoWay": [two_way(rng, b, a, sd) for b, a, sd in ((3, 2, 0.05), (6, 4, 0.03), (8, 3, 0.0), (12, 6, 0.004))],
        "interquartileMean": [[x, float(stats.trim_mean(x, 0.25))] for x in numbers],
        "studies": [study(rng, n, k, e, m) for n, k, e, m in ((3, 3, -0.05, 0.02), (6, 4, 0.02, 0.01), (8, 4, 0.0, 0.02), (12, 2, -0.004, 0.003))],
    }, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
