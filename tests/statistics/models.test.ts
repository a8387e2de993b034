import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { random } from '../../src/core/random.js';
import { binomialInterval } from '../../src/statistics/binomial.js';
import { auc, brier, calibrationError, fitTemperature } from '../../src/statistics/calibration.js';
import { davidson, davidsonIntervals, type Games } from '../../src/statistics/davidson.js';
import { type LengthControlData, lengthControl } from '../../src/statistics/length-control.js';
import { predictionPowered } from '../../src/statistics/prediction-powered.js';
import { studentCdf, studentQuantile } from '../../src/statistics/student.js';
import { tTest } from '../../src/statistics/t-test.js';
import { tost } from '../../src/statistics/tost.js';

/** Written by scripts/reference/evaluation_statistics.py with SciPy and statsmodels. */
const fixture = <T>(name: string) =>
  JSON.parse(readFileSync(new URL(`../fixtures/statistics/${name}.json`, import.meta.url), 'utf8')) as T;

const student = fixture<{ studentCdf: [number, number, number][]; studentQuantile: [number, number, number][] }>(
  'tests',
);
const models = fixture<{
  lengthControl: {
    scores: number[];
    deltas: number[];
    difficulty?: number[];
    coefficients: number[];
    winRate: number;
  }[];
  davidson: { arms: number; games: Games[]; strengths: number[]; order: number; ties: number | null }[];
  calibration: {
    odds: number[];
    outcomes: number[];
    temperature: number;
    auc: number;
    brier: number;
    calibrationError: number;
  }[];
  equivalence: {
    differences: number[];
    margin: number;
    p: number;
    lowerP: number;
    upperP: number;
    low: number;
    high: number;
  }[];
}>('models');

const close = (found: number, expected: number, within: number, what: string) =>
  expect(Math.abs(found - expected), `${what}: ${found} for ${expected}`).toBeLessThanOrEqual(within);

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

const dataOf = (scores: number[], deltas: number[], difficulty?: number[]): LengthControlData => ({
  scores: [scores],
  differences: [deltas],
  strata: new Int32Array(scores.length),
  difficulty,
});

/** A judge with a habit for length: probability of a win at a difference of z, by halves. */
function habit(n: number, strength: number, length: number, shift: number, seed: number) {
  const { uniform, normal } = random(seed, 'habit');
  const deltas = Array.from({ length: n }, () => Math.round(300 * (normal() + shift)));
  const scores = deltas.map((delta) => {
    const p = sigmoid(strength + length * Math.tanh(delta / 300));
    return (Number(uniform() < p) + Number(uniform() < p)) / 2;
  });
  return { deltas, scores };
}

describe("Student's t", () => {
  it("equals SciPy's probabilities and quantiles", () => {
    for (const [t, df, p] of student.studentCdf) close(studentCdf(t, df), p, 1e-10 * p + 1e-300, `cdf ${t} ${df}`);
    for (const [p, df, t] of student.studentQuantile)
      close(studentQuantile(p, df), t, 1e-9 * Math.abs(t) + 1e-12, `quantile ${p} ${df}`);
  });

  it('is the normal at infinity, and refuses other degrees', () => {
    expect(studentQuantile(0.975, Infinity)).toBeCloseTo(1.959963984540054, 12);
    expect([studentCdf(-Infinity, 3), studentCdf(Infinity, 3), studentCdf(0, 3)]).toEqual([0, 1, 0.5]);
    expect(studentCdf(Number.NaN, 3)).toBeNaN();
    expect(() => studentCdf(1, 0)).toThrow(RangeError);
    expect(() => studentQuantile(2, 3)).toThrow(RangeError);
  });
});

describe('t test and equivalence', () => {
  it("equal statsmodels' two one-sided tests", () => {
    for (const { differences, margin, p, low, high } of models.equivalence) {
      const found = tost(differences, { margin });
      close(found.p, p, 1e-11, 'p');
      close(found.low, low, 1e-9, 'low');
      close(found.high, high, 1e-9, 'high');
      expect(found.equivalent).toBe(low > -margin && high < margin);
    }
  });

  it('answer for none, one and equal numbers', () => {
    expect(tTest([])).toMatchObject({ n: 0, mean: Number.NaN, p: 1, pAbove: 1 });
    expect(tTest([2, Number.NaN])).toMatchObject({ n: 1, mean: 2, low: Number.NaN, p: 1 });
    expect(tTest([0.5, 0.5, 0.5])).toMatchObject({ standardError: 0, low: 0.5, high: 0.5, p: 0, pAbove: 0, pBelow: 1 });
    expect(tTest([0, 0])).toMatchObject({ p: 1, pAbove: 1, pBelow: 1 });
    expect(tost([0.1], { margin: 1 })).toMatchObject({ p: 1, equivalent: false });
    expect(tost([0.1, 0.1], { margin: 1 })).toMatchObject({ p: 0, equivalent: true });
    expect(tost([2, 2], { margin: 1 })).toMatchObject({ p: 1, equivalent: false });
    expect(() => tost([1, 2], { margin: 0 })).toThrow(RangeError);
  });
});

describe('length control', () => {
  it('equals the GLM of statsmodels on 20 tables, without a penalty', () => {
    expect(models.lengthControl).toHaveLength(20);
    for (const { scores, deltas, difficulty, coefficients, winRate } of models.lengthControl) {
      const found = lengthControl(dataOf(scores, deltas, difficulty), { seed: 0, ridge: 0, resamples: 0 });
      const { constant, length, difficulty: hard } = found.coefficients!;
      for (const [i, value] of [constant, length, ...(hard === null ? [] : [hard])].entries())
        close(value, coefficients[i]!, 1e-6, 'coefficient');
      close(found.winRate!, winRate, 1e-6, 'rate');
    }
  });

  it('refuses separable rows without a penalty; with one it is finite and says so', () => {
    const deltas = Array.from({ length: 40 }, (_, i) => 10 * (i - 19.5));
    const scores = deltas.map((delta) => Number(delta > 0));
    const free = lengthControl(dataOf(scores, deltas), { seed: 0, ridge: 0 });
    expect(free).toMatchObject({ winRate: null, low: null, state: 'none', reason: 'no fit', separable: true });
    const held = lengthControl(dataOf(scores, deltas), { seed: 0, resamples: 50 });
    expect(held).toMatchObject({ state: 'shown', reason: null, separable: true });
    close(held.winRate!, 50, 1e-6, 'rate');
    const easy = habit(80, 0, 1, 0, 1);
    expect(lengthControl(dataOf(easy.scores, easy.deltas), { seed: 0, resamples: 0 }).separable).toBe(false);
  });

  it('has no number where one arm wins every row, or nothing varies in the other way', () => {
    const deltas = [5, -5, 10, -10, 3, -3];
    expect(
      lengthControl(
        dataOf(
          deltas.map(() => 1),
          deltas,
        ),
        { seed: 0 },
      ),
    ).toMatchObject({
      winRate: null,
      reason: 'no fit',
      overlap: 0.5,
    });
    const hard = deltas.map(() => 4);
    const half = lengthControl(dataOf([1, 0, 0.5, 0, 1, 0.5], deltas, hard), { seed: 0, resamples: 10 });
    expect(half.coefficients!.difficulty).toBeNull();
  });

  it('is gated by the overlap of lengths', () => {
    const state = (shorter: number) => {
      const deltas = Array.from({ length: 100 }, (_, i) => (i < shorter ? -20 : 20) - i);
      const scores = deltas.map((_, i) => (i % 3) / 2);
      return lengthControl(
        dataOf(
          scores,
          deltas.map((d, i) => d + i),
        ),
        { seed: 0, resamples: 20 },
      );
    };
    expect(state(20)).toMatchObject({ state: 'shown', overlap: 0.2 });
    expect(state(19)).toMatchObject({ state: 'extrapolated' });
    expect(state(5)).toMatchObject({ state: 'extrapolated' });
    expect(state(4)).toMatchObject({ state: 'none', winRate: null, reason: 'overlap', overlap: 0.04 });
    expect(lengthControl(dataOf([], []), { seed: 0 })).toMatchObject({ state: 'none', overlap: 0 });
  });

  it('is exactly 50 for equal answers', () => {
    const scores = new Array<number>(30).fill(0.5);
    for (const deltas of [scores.map(() => 0), scores.map((_, i) => i - 14.5)])
      expect(lengthControl(dataOf(scores, deltas), { seed: 0, resamples: 100 })).toMatchObject({
        winRate: 50,
        low: 50,
        high: 50,
        standardError: 0,
        state: 'shown',
      });
    expect(lengthControl(dataOf([0.5], [0]), { seed: 0, resamples: 20 })).toMatchObject({ winRate: 50, low: 50 });
  });

  it('leaves missing rows out, mirrors, and takes several runs', () => {
    const { scores, deltas } = habit(120, 0.3, 1, 0.3, 4);
    const options = { seed: 1, resamples: 200 };
    const whole = lengthControl(dataOf(scores, deltas), options);
    const gaps = lengthControl(dataOf([...scores, Number.NaN], [...deltas, 5]), { ...options, resamples: 0 });
    close(gaps.winRate!, whole.winRate!, 1e-9, 'missing');
    const mirror = lengthControl(
      dataOf(
        scores.map((x) => 1 - x),
        deltas.map((d) => -d),
      ),
      options,
    );
    close(mirror.winRate!, 100 - whole.winRate!, 1e-7, 'mirror');
    close(mirror.low!, 100 - whole.high!, 1e-7, 'mirrored interval');
    const twice = lengthControl(
      { scores: [scores, scores], differences: [deltas, deltas], strata: new Int32Array(120) },
      { ...options, ridge: 0 },
    );
    // Not to all digits: the deviation of the lengths is that of 240 rows.
    close(twice.winRate!, lengthControl(dataOf(scores, deltas), { ...options, ridge: 0 }).winRate!, 0.1, 'two runs');
    expect(() => lengthControl({ ...dataOf(scores, deltas), differences: [] }, options)).toThrow(RangeError);
  });

  it('finds the rate behind a habit of length, and covers it as often as it says', () => {
    // The truth is 50 %; the raw rate is 5 to 15 points above.
    const worlds = 120;
    let [sum, raw, covered] = [0, 0, 0];
    for (let world = 0; world < worlds; world++) {
      const { scores, deltas } = habit(200, 0, 1.5, 0.5, world);
      const found = lengthControl(dataOf(scores, deltas), { seed: world, resamples: 200 });
      sum += found.winRate! / worlds;
      raw += (100 * scores.reduce((total, one) => total + one, 0)) / 200 / worlds;
      if (found.low! <= 50 && found.high! >= 50) covered++;
    }
    expect(raw).toBeGreaterThan(57);
    // One world's standard error is about 3.2 points, so that of 120 worlds' mean 0.3; the fit's bias is 0.5 at most.
    expect(Math.abs(sum - 50)).toBeLessThan(1.4);
    expect(covered / worlds).toBeGreaterThan(binomialInterval(Math.round(0.93 * worlds), worlds, 0.999)[0]);
  });
});

describe('Davidson', () => {
  it("equals statsmodels' Poisson model", () => {
    for (const { arms, games, strengths, order, ties } of models.davidson) {
      const found = davidson(arms, games)!;
      for (const [i, strength] of strengths.entries()) close(found.strengths[i]!, strength, 1e-6, `strength ${i}`);
      close(found.order, order, 1e-6, 'order');
      if (ties === null) expect(found.ties).toBeNull();
      else close(found.ties!, ties, 1e-6, 'ties');
    }
  });

  it('gives no number where there is no maximum', () => {
    const even = { first: 0, second: 1, wins: 5, ties: 2, losses: 5 };
    const swapped = { first: 1, second: 0, wins: 6, ties: 1, losses: 5 };
    expect(davidson(2, [even, swapped])).toBeDefined();
    const never = [
      { ...even, wins: 0, ties: 0 },
      { ...swapped, losses: 0, ties: 0 },
    ];
    expect(davidson(2, never), 'one arm never loses').toBeUndefined();
    expect(davidson(3, [even, swapped]), 'an arm without verdicts').toBeUndefined();
    expect(davidson(2, [even]), 'one order').toBeUndefined();
    expect(
      davidson(2, [
        { ...even, wins: 0, losses: 0 },
        { ...swapped, wins: 0, losses: 0 },
      ]),
      'ties',
    ).toBeUndefined();
    expect(davidson(2, []), 'nothing').toBeUndefined();
  });

  it('has intervals from the rows, and sees an order effect', () => {
    const { uniform } = random(2, 'davidson');
    const rows = 150;
    const strengths = [0, 0.8, -0.4];
    const games = [0, 1, 2].flatMap((first) =>
      [0, 1, 2]
        .filter((second) => second !== first)
        .map((second) => {
          const weights = [Math.exp(0.5 + strengths[first]!), Math.exp(strengths[second]!)];
          const tie = Math.exp(-0.5) * Math.sqrt(weights[0]! * weights[1]!);
          const total = weights[0]! + weights[1]! + tie;
          const scores = Array.from({ length: rows }, () => {
            const drawn = uniform() * total;
            return drawn < weights[0]! ? 1 : drawn < weights[0]! + tie ? 0.5 : 0;
          });
          return { first, second, scores };
        }),
    );
    const found = davidsonIntervals(3, games, new Int32Array(rows), { seed: 0, resamples: 300, level: 0.999 });
    for (const [i, { interval }] of found.strengths.slice(1).entries()) {
      expect(interval![0]).toBeLessThan(strengths[i + 1]!);
      expect(interval![1]).toBeGreaterThan(strengths[i + 1]!);
    }
    expect(found.order.interval![0]).toBeGreaterThan(0);
    expect(found.strengths[0]).toEqual({ value: 0, interval: [0, 0] });
    close(found.winRates[0]!.value!, 50, 1e-9, 'baseline');
    expect(found.winRates[1]!.value).toBeGreaterThan(60);
    expect(() => davidsonIntervals(2, [{ first: 0, second: 1, scores: [0.3] }], [0], { seed: 0 })).toThrow(RangeError);
    expect(davidsonIntervals(2, [], [], { seed: 0, resamples: 5 }).order).toEqual({ value: null, interval: null });
  });
});

describe('calibration', () => {
  it("equals SciPy's and statsmodels' numbers", () => {
    for (const reference of models.calibration) {
      const { odds, outcomes } = reference;
      const chances = odds.map(sigmoid);
      close(auc(odds, outcomes)!, reference.auc, 1e-12, 'auc');
      close(brier(chances, outcomes)!, reference.brier, 1e-12, 'brier');
      close(calibrationError(chances, outcomes)!, reference.calibrationError, 1e-12, 'calibration error');
      const fit = fitTemperature(odds, outcomes);
      expect(fit).toMatchObject({ calibrated: true, reason: null, rows: odds.length });
      close(fit.temperature, reference.temperature, 1e-6, 'temperature');
    }
  });

  it('has no answer without rows, and no temperature where none fits', () => {
    expect([auc([], []), brier([], []), calibrationError([], [])]).toEqual([undefined, undefined, undefined]);
    expect(auc([1, 2], [1, 0.5])).toBeUndefined();
    expect(brier([0.5, Number.NaN], [1, 1])).toBe(0.25);
    expect(() => calibrationError([1.2], [1])).toThrow(RangeError);
    expect(() => auc([1], [])).toThrow(RangeError);
    const odds = Array.from({ length: 60 }, (_, i) => (i % 7) - 3);
    const right = odds.map((d) => (1 + Math.sign(d)) / 2);
    expect(fitTemperature(odds.slice(11), right.slice(11)).reason).toBe('few rows');
    expect(fitTemperature(odds, right)).toMatchObject({ temperature: 1, calibrated: false, reason: 'separable' });
    expect(
      fitTemperature(
        odds,
        right.map((x) => 1 - x),
      ).reason,
    ).toBe('opposed');
    expect(
      fitTemperature(
        odds.map(() => 0),
        right,
      ).reason,
    ).toBe('opposed');
    expect(
      fitTemperature(
        odds,
        odds.map(() => 0.5),
      ).reason,
    ).toBe('opposed');
  });
});

describe('prediction-powered correction', () => {
  /** People's win rate is 60; the judge agrees with 80 % and likes the arm too much. */
  function world(seed: number, rated: number, n: number) {
    const { uniform } = random(seed, 'people');
    const rows = Array.from({ length: n }, () => {
      const person = Number(uniform() < 0.6);
      return { person, judge: uniform() < 0.8 ? person : Number(uniform() < 0.9) };
    });
    return {
      judged: rows.slice(0, rated).map(({ judge }) => judge),
      people: rows.slice(0, rated).map(({ person }) => person),
      others: rows.slice(rated).map(({ judge }) => judge),
    };
  }

  it('covers the truth as often as it says, with less error than people alone', () => {
    let [covered, squares, alone] = [0, 0, 0];
    const worlds = 600;
    for (let seed = 0; seed < worlds; seed++) {
      const data = world(seed, 100, 1000);
      const { winRate, low, high } = predictionPowered(data);
      if (low <= 60 && high >= 60) covered++;
      squares += (winRate - 60) ** 2;
      alone += (data.people.reduce((sum, one) => sum + one, 0) - 60) ** 2;
    }
    const [low, high] = binomialInterval(Math.round(0.945 * worlds), worlds, 0.999);
    expect(covered / worlds).toBeGreaterThan(low);
    expect(covered / worlds).toBeLessThan(high);
    expect(squares).toBeLessThan(0.7 * alone);
  });

  it('is people alone without a judge that says anything', () => {
    const people = [1, 0, 1, 1];
    expect(predictionPowered({ judged: [1, 1, 1, 1], people, others: [1, 1] })).toMatchObject({
      winRate: 75,
      weight: 0,
    });
    expect(predictionPowered({ judged: people, people, others: [] })).toMatchObject({
      winRate: 75,
      weight: 0,
      others: 0,
    });
    expect(predictionPowered({ judged: [1, Number.NaN], people: [1, 0], others: [1] })).toMatchObject({ rated: 1 });
    expect(predictionPowered({ judged: [], people: [], others: [1] }).winRate).toBeNaN();
    expect(() => predictionPowered({ judged: [1], people: [], others: [] })).toThrow(RangeError);
  });
});
