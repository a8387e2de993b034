"""Statistics of an evaluation as SciPy and statsmodels have them, for tests/statistics/.

    python scripts/reference/evaluation_statistics.py tests/fixtures/statistics

Made with Python 3.11.7, numpy 2.4.6, scipy 1.17.1, statsmodels 0.15.0. Writes tests.json (distributions and tests) and models.json (fits).
"""

import itertools
import json
import pathlib
import sys
import warnings

import numpy as np
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired

warnings.filterwarnings("ignore")
OUT = pathlib.Path(sys.argv[1])


def enumerated(differences):
    """p of the sign-flip test from every way to flip."""
    d = np.array(differences)
    sums = np.array([abs(np.dot(d, signs)) for signs in itertools.product([1, -1], repeat=len(d))])
    return float(np.mean(sums >= abs(d.sum()) - 1e-9))


def distributions():
    zs = [-37.0, -20.0, -8.5, -5.0, -2.5, -2.0, -1.96, -1.0, -0.3, 0.0, 1e-9, 0.5, 1.0, 1.5, 2.0, 2.1, 3.0, 6.0]
    ps = [1e-300, 1e-20, 1e-10, 1e-5, 0.001, 0.025, 0.05, 0.07, 0.1, 0.3, 0.5, 0.6, 0.9, 0.925, 0.975, 0.999, 1 - 1e-9]
    dfs = [1, 1.5, 2, 3, 4.7, 10, 29, 120, 1000, 1e6]
    ts = [-60.0, -8.0, -2.5, -1.0, -0.1, 0.0, 0.3, 1.7, 4.0, 30.0]
    shares = [1e-6, 0.001, 0.025, 0.2, 0.5, 0.8, 0.95, 0.995, 1 - 1e-6]
    return {
        "normalCdf": [[z, float(stats.norm.cdf(z))] for z in zs],
        "normalQuantile": [[p, float(stats.norm.ppf(p))] for p in ps],
        "studentCdf": [[t, df, float(stats.t.cdf(t, df))] for df in dfs for t in ts],
        "studentQuantile": [[p, df, float(stats.t.ppf(p, df))] for df in dfs for p in shares],
    }


def tests(rng):
    splits = [(0, 0), (1, 0), (3, 3), (9, 1), (10, 10), (0, 30), (47, 33), (400, 405), (450, 355), (700, 347), (5000, 5300), (90000, 91000)]
    tables = [[[8, 2], [1, 5]], [[0, 5], [5, 0]], [[3, 3], [3, 3]], [[40, 765], [12, 793]], [[0, 0], [4, 5]], [[1, 9], [11, 3]]]
    tables += [rng.integers(0, top, (2, 2)).tolist() for top in (6, 12, 40, 300, 3000) for _ in range(4)]
    families = [[0.01, 0.04, 0.03], [0.5], [0.9, 0.8, 0.02], [0.02, 0.02, 0.02]]
    families += [np.round(rng.random(n) ** 3, 6).tolist() for n in (2, 5, 9, 30)]
    flips = [[0.5], [0.5, -0.5], [0.5, 0.5, 0.5, 0.5, 0.5], [0.0, 0.25, 0.5, 0.5, -0.25, 0.0, 0.5]]
    flips += [rng.choice([-0.5, -0.25, 0, 0.25, 0.5], n, p=[0.1, 0.1, 0.2, 0.2, 0.4]).tolist() for n in (3, 8, 11, 16)]
    flips += [np.round(rng.normal(0.4, 1, n), 4).tolist() for n in (6, 13, 16)]
    cases = [(0, 4), (1, 4), (5, 10), (8, 10), (10, 10), (130, 200), (2, 3000)]
    raters = [rng.integers(0, 40, (k, k)).tolist() for k in (2, 3, 5)]
    return {
        "sign": [[w, l, float(stats.binomtest(w, w + l).pvalue) if w + l else 1.0] for w, l in splits],
        "binomialCdf": [[k, n, p, float(stats.binom.cdf(k, n, p))] for n in (1, 7, 80, 1047) for p in (0.03, 0.5, 0.9) for k in range(0, n + 1, max(1, n // 6))],
        "interval": [[k, n, level, *map(float, stats.binomtest(k, n).proportion_ci(level, "exact"))] for k, n in cases for level in (0.9, 0.95)],
        "fisher": [[t, float(stats.fisher_exact(t).pvalue)] for t in tables],
        "holm": [[f, multipletests(f, method="holm")[1].tolist()] for f in families],
        "flips": [[f, enumerated(f)] for f in flips],
        "kappa": [[t, float(cohens_kappa(np.array(t)).kappa)] for t in raters],
    }


def length_table(rng, n, difficulty):
    """Scores of an arm whose judge likes length, by steps of one half or as probabilities."""
    deltas = np.round(rng.normal(rng.normal(0, 150), 300, n))
    z = np.tanh(deltas / np.std(deltas, ddof=1))
    hard = np.round(rng.normal(3, 1, n), 2)
    eta = rng.normal(0, 0.5) + rng.normal(1, 0.5) * z + (0.4 * (hard - 3) if difficulty else 0)
    p = 1 / (1 + np.exp(-eta))
    x = (rng.binomial(2, p) / 2) if rng.random() < 0.7 else np.round(p, 3)
    columns = [np.ones(n), z]
    if difficulty:
        columns.append((hard - hard.mean()) / np.std(hard, ddof=1))
    fit = sm.GLM(x, np.column_stack(columns), family=sm.families.Binomial()).fit(tol=1e-14, maxiter=100)
    b = fit.params
    rate = np.mean(1 / (1 + np.exp(-(b[0] + (b[2] * columns[2] if difficulty else 0)))))
    return {
        "scores": x.tolist(),
        "deltas": deltas.tolist(),
        **({"difficulty": hard.tolist()} if difficulty else {}),
        "coefficients": b.tolist(),
        "winRate": float(100 * rate),
    }


def davidson_table(rng, arms, ties):
    """Counts of first, tie and second for every ordered pair, and the Poisson log-linear fit with a constant for each."""
    strength = np.concatenate([[0], rng.normal(0, 0.6, arms - 1)])
    g, nu = rng.normal(0.2, 0.3), rng.normal(-0.3, 0.4)
    games, rows, counts = [], [], []
    ordered = [(i, j) for i in range(arms) for j in range(arms) if i != j]
    for pair, (i, j) in enumerate(ordered):
        weights = np.exp([g + strength[i], nu + (g + strength[i] + strength[j]) / 2 if ties else -np.inf, strength[j]])
        found = rng.multinomial(rng.integers(40, 120), weights / weights.sum())
        games.append({"first": i, "second": j, "wins": int(found[0]), "ties": int(found[1]), "losses": int(found[2])})
        for kind, count in zip((0, 1, 2), found):
            if kind == 1 and not ties:
                continue
            half = [1.0, 0.5, 0.0][kind]
            row = np.zeros(arms - 1 + 1 + (1 if ties else 0) + len(ordered))
            for arm, share in ((i, half), (j, 1 - half)):
                if arm:
                    row[arm - 1] += share
            row[arms - 1] = half
            if ties:
                row[arms] = 1.0 if kind == 1 else 0.0
            row[len(row) - len(ordered) + pair] = 1
            rows.append(row)
            counts.append(count)
    fit = sm.GLM(np.array(counts), np.array(rows), family=sm.families.Poisson()).fit(tol=1e-14, maxiter=200)
    return {
        "arms": arms,
        "games": games,
        "strengths": [0.0, *fit.params[: arms - 1].tolist()],
        "order": float(fit.params[arms - 1]),
        "ties": float(fit.params[arms]) if ties else None,
    }


def calibration(rng, n):
    odds = np.round(rng.normal(0.1, 1.2, n), 4)
    outcomes = rng.binomial(2, 1 / (1 + np.exp(-odds / 1.7))) / 2
    slope = sm.GLM(outcomes, odds[:, None], family=sm.families.Binomial()).fit(tol=1e-14).params[0]
    decided = outcomes != 0.5
    wins, losses = odds[decided & (outcomes == 1)], odds[decided & (outcomes == 0)]
    chances = 1 / (1 + np.exp(-odds))
    bins = np.minimum((chances * 10).astype(int), 9)
    error = sum(abs(np.mean(chances[bins == b]) - np.mean(outcomes[bins == b])) * np.mean(bins == b) for b in range(10) if np.any(bins == b))
    return {
        "odds": odds.tolist(),
        "outcomes": outcomes.tolist(),
        "temperature": float(1 / slope),
        "auc": float(stats.mannwhitneyu(wins, losses).statistic / (len(wins) * len(losses))),
        "brier": float(np.mean((chances - outcomes) ** 2)),
        "calibrationError": float(error),
    }


def equivalence(rng, n, shift, margin):
    differences = np.round(rng.normal(shift, 1, n), 4)
    p, lower, upper = ttost_paired(differences, np.zeros(n), -margin, margin)
    low, high = stats.t.interval(0.9, n - 1, differences.mean(), stats.sem(differences))
    return {
        "differences": differences.tolist(),
        "margin": margin,
        "p": float(p),
        "lowerP": float(lower[1]),
        "upperP": float(upper[1]),
        "low": float(low),
        "high": float(high),
    }


def main():
    rng = np.random.default_rng(20240607)
    OUT.joinpath("tests.json").write_text(json.dumps({**distributions(), **tests(rng)}, separators=(",", ":")) + "\n")
    sizes = [30, 60, 80, 120, 200] * 4
    models = {
        "lengthControl": [length_table(rng, n, i % 4 == 3) for i, n in enumerate(sizes)],
        "davidson": [davidson_table(rng, arms, ties) for arms in (2, 3, 4, 6) for ties in (True, False)],
        "calibration": [calibration(rng, n) for n in (60, 300)],
        "equivalence": [equivalence(rng, n, shift, margin) for n, shift, margin in ((3, 0.1, 2), (10, 0.3, 1), (40, 0.0, 0.5), (40, 2.0, 0.5))],
    }
    OUT.joinpath("models.json").write_text(json.dumps(models, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
