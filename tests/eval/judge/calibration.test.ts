import { describe, expect, test } from 'vitest';
import { random } from '../../../src/core/random.js';
import { calibrate, preferenceOf, scoresBy } from '../../../src/eval/judge/calibration.js';
import { pairLogOdds, scoreOfLogOdds, TIE } from '../../../src/eval/judge/log-odds.js';
import type { OrderVerdict, Verdict } from '../../../src/eval/verdicts/verdict.js';

const pair = (judge: string, id: number, more: Partial<Verdict>): Verdict => ({
  judge,
  set: 's',
  id: `${id}`,
  baseline: 'base',
  arm: 'arm',
  run: 1,
  baselineRun: 1,
  state: 'judged',
  x: null,
  orders: [],
  ...more,
});

/** Both orders of a judge whose log-odds are the preference for the arm and a place's. */
const orders = (preference: number, position: number): OrderVerdict[] => [
  { first: 'baseline', better: 'tie', logOdds: -preference + position },
  { first: 'arm', better: 'tie', logOdds: preference + position },
];

describe('the preference of two orders', () => {
  test('is what they have in common', () => {
    expect(pairLogOdds(0.5, -0.3)).toEqual({ preference: 0.4, position: 0.1 });
    expect(preferenceOf(pair('letters', 1, { orders: orders(0.4, 7) }))).toBeCloseTo(0.4, 12);
    expect(preferenceOf(pair('letters', 1, { state: 'equal' }))).toBe(0);
  });

  test('is missing where an order is, or has no log-odds', () => {
    const [first] = orders(1, 0);
    expect(preferenceOf(pair('letters', 1, { state: 'missing', orders: [first!] }))).toBeUndefined();
    expect(preferenceOf(pair('llm', 1, { orders: [{ first: 'arm', better: 'arm' }] }))).toBeUndefined();
  });

  test('is a tie below what sums in float32 are off by, and one half exactly', () => {
    expect(scoreOfLogOdds(TIE * 0.99)).toBe(0.5);
    expect(scoreOfLogOdds(-TIE * 0.99)).toBe(0.5);
    expect(scoreOfLogOdds(0.2)).toBeCloseTo(1 / (1 + Math.exp(-0.2)), 15);
    expect(scoreOfLogOdds(0.2, 0.1)).toBeCloseTo(1 / (1 + Math.exp(-2)), 15);
    expect(scoreOfLogOdds(-800) + scoreOfLogOdds(800)).toBe(1);
  });
});

/** Letters with log-odds of a tenth of what the LLM decides by, and a place's bias. */
function world(n: number, scale = 0.1): Verdict[] {
  const { normal, uniform } = random(5, 'world');
  return Array.from({ length: n }, (_, i) => {
    const truth = 1.5 * normal();
    const x = uniform() < 1 / (1 + Math.exp(-truth)) ? 1 : 0;
    return [pair('letters', i, { orders: orders(scale * truth, -0.4) }), pair('gpt', i, { x })];
  }).flat();
}

test('the temperature that a simulated judge needs is found, and its probabilities are then right', () => {
  const verdicts = world(2000);
  const report = calibrate('letters', 'gpt', verdicts, scoresBy('gpt', verdicts));
  expect(report).toMatchObject({ pairs: 2000, temperature: { calibrated: true }, judge: 'letters', against: 'gpt' });
  // Its standard error is about 5 % of it for 2,000 pairs.
  expect(Math.abs(report.temperature.temperature - 0.1)).toBeLessThan(0.015);
  expect(report.calibrationError!).toBeLessThan(0.04);
  expect(report.auc!).toBeGreaterThan(0.75);
  expect(report.agreement!).toBeGreaterThan(0.65);
  expect(report.brier!).toBeLessThan(0.22);
  expect(Math.abs(report.winRate!.judge - report.winRate!.against)).toBeLessThan(2);
});

test('it does not matter how large the log-odds are', () => {
  const [small, large] = [0.01, 10].map((scale) => {
    const verdicts = world(300, scale);
    return calibrate('letters', 'gpt', verdicts, scoresBy('gpt', verdicts));
  });
  expect(large!.brier!).toBeCloseTo(small!.brier!, 1);
  expect(large!.temperature.temperature / small!.temperature.temperature).toBeCloseTo(1000, -1);
});

test('few pairs are not calibrated: the temperature is 1', () => {
  const verdicts = world(49);
  const { temperature, pairs } = calibrate('letters', 'gpt', verdicts, scoresBy('gpt', verdicts));
  expect({
    temperature: temperature.temperature,
    calibrated: temperature.calibrated,
    reason: temperature.reason,
  }).toEqual({ temperature: 1, calibrated: false, reason: 'few rows' });
  expect(pairs).toBe(49);
});

test('pairs that one of them does not judge are left out, and nothing at all is no figure', () => {
  const verdicts = world(60);
  const partly = verdicts.map((one, i) => (i % 4 === 0 ? { ...one, state: 'missing' as const, x: null } : one));
  expect(calibrate('letters', 'gpt', partly, scoresBy('gpt', partly)).pairs).toBe(30);
  expect(calibrate('letters', 'people', verdicts, () => null)).toEqual({
    judge: 'letters',
    against: 'people',
    pairs: 0,
    temperature: { temperature: 1, calibrated: false, reason: 'few rows', rows: 0 },
    agreement: null,
    decided: 0,
    auc: null,
    brier: null,
    calibrationError: null,
    winRate: null,
  });
});
