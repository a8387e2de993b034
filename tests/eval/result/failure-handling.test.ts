import { describe, expect, it } from 'vitest';
import { computeResult } from '../../../src/eval/result/compute.js';
import { assemble } from '../../../src/eval/result/evaluation.js';
import { reportOptionsSchema } from '../../../src/eval/result/options.js';
import { evaluationReport } from '../../../src/eval/result/report.js';
import { markdown } from '../../../src/telemetry/document.js';
import { type Made, type MadePair, made, PASSED, prefers, resultOf } from './made-evaluation.js';

/** The arm wins in every order of 200 rows, as far as a judge says so. */
const of = (given: Partial<Made>, options: object = {}) =>
  resultOf({ sets: { koala: 200 }, about: { gpt: PASSED }, ...given }, options).result;

describe('failure handling of a result: missing', () => {
  const refused = (share: number) => (pair: MadePair) =>
    pair.row < share * 200 ? ('refusal' as const) : ([1, 1] as const);

  it.each([
    [0.05, 'better', 0],
    [0.055, 'withheld', 1],
  ])('> maxMissing (%d): no headline; bounds', (share, verdict, problems) => {
    const { arms, missing } = of({ judges: { gpt: refused(share) } });
    expect(arms.phased).toMatchObject({ verdict, bounds: { low: 100 - 100 * share, high: 100 } });
    expect(missing.problems).toHaveLength(problems);
  });

  it.each([
    [6, 'better'],
    [8, 'withheld'],
  ])('by arm different (Fisher p < 0.01; %i of 200 against none): no headline for any arm', (rows, verdict) => {
    const { arms, missing } = of({
      arms: { base: 1, phased: 1, other: 1 },
      judges: { gpt: (pair) => (pair.arm === 'phased' && pair.row < rows ? 'endpoint' : [1, 1]) },
    });
    expect([arms.phased!.verdict, arms.other!.verdict]).toEqual([verdict, verdict]);
    expect(missing.pDiffers! < 0.01).toBe(verdict === 'withheld');
  });
});

describe('failure handling of a result: figures marked exploratory, headline "this judge cannot tell"', () => {
  const failed = { entrance: { state: 'failed', reasons: ['61 % right'] } };
  // Both orders name different answers in as many rows in favour of the first place as of the second.
  const inconsistent = ({ row }: MadePair): readonly [number, number] =>
    row % 20 < 11 ? (row % 2 === 0 ? [1, 0] : [0, 1]) : [1, 1];
  const prefersFirst = ({ row }: MadePair): readonly [number, number] => (row % 20 < 9 ? [1, 0] : [1, 1]);
  const prefersSecond = ({ row }: MadePair): readonly [number, number] => (row % 20 < 9 ? [0, 1] : [1, 1]);

  it.each([
    ['judge fails its test', { judges: { gpt: prefers(0.95) }, about: { gpt: failed } }, /failed its entrance test/],
    ['consistency < 0.5', { judges: { gpt: inconsistent } }, /says the same about only 45 % of the pairs/],
    ['position over +20 points', { judges: { gpt: prefersFirst } }, /prefers .* stands first by 2[23] points/],
    ['position under -20 points', { judges: { gpt: prefersSecond } }, /prefers .* stands second by 2[23] points/],
  ])('%s', (_, given, problem) => {
    const { judge, arms } = of(given);
    expect(judge!.problems).toEqual([expect.stringMatching(problem)]);
    // Without the problem the arm would be better.
    expect(arms.phased!.low!).toBeGreaterThan(50);
    expect(arms.phased!.verdict).toBe('exploratory');
    expect(arms.phased!.sentence).toMatch(/^This judge cannot tell phased from base/);
  });

  it.each([
    ['consistency of 0.55', ({ row }: MadePair) => (row % 20 < 9 ? (row % 2 === 0 ? [1, 0] : [0, 1]) : [1, 1])],
    ['position of 17.5 points', ({ row }: MadePair) => (row % 20 < 7 ? [1, 0] : [1, 1])],
  ] as [string, (pair: MadePair) => readonly [number, number]][])('%s: a verdict', (_, gpt) => {
    const { judge, arms } = of({ judges: { gpt } });
    expect(judge!.problems).toEqual([]);
    expect(arms.phased!.verdict).toBe('better');
  });
});

describe('failure handling of a result: length', () => {
  /** The arm's answer is the shorter one in a share of the rows, otherwise the longer one. */
  const overlapping = (share: number) =>
    resultOf({
      sets: { koala: 200 },
      lengthOf: (arm, row) => 100 + (arm === 'base' ? 0 : row < share * 200 ? -20 - (row % 7) : 20 + (row % 7)),
      judges: { gpt: prefers(0.6) },
      about: { gpt: PASSED },
    });

  it.each([
    [0.2, 'shown', undefined],
    [0.195, 'extrapolated', /phased: its win rate at equal length is extrapolated/],
    [0.045, 'none', /phased: no win rate at equal length can be computed/],
  ])('overlap < 20 % (%d): marked or left out', (share, state, warning) => {
    const { result, evaluation } = overlapping(share);
    const { lengthControlled } = result.arms.phased!;
    expect(lengthControlled!.state).toBe(state);
    expect(lengthControlled!.winRate === null).toBe(state === 'none');
    const text = markdown(evaluationReport(result, evaluation, { lengths: {} }));
    if (warning) expect(text).toMatch(warning);
    else expect(result.warnings.join()).not.toMatch(/equal length/);
  });
});

it('interval contains 50: "not distinguishable: N rows could have shown D points"', () => {
  const arm = of({ judges: { gpt: prefers(0.5, 0.3) } }).arms.phased!;
  expect([arm.low! < 50, arm.high! > 50]).toEqual([true, true]);
  expect(arm.verdict).toBe('not distinguishable');
  expect(arm.sentence).toContain(
    `not distinguishable: win rate ${arm.winRate!.toFixed(1)} %, 95 % interval ${arm.low!.toFixed(1)} to ${arm.high!.toFixed(1)}, 200 verdicts; 200 verdicts could have shown a difference of ${arm.leastDifference!.toFixed(1)} points`,
  );
  // 8.3 points for 200 rows and 30 % ties by the table of `eval power`, except for the ties that were drawn.
  expect(Math.abs(arm.leastDifference! - 8.3)).toBeLessThan(0.7);
});

it('names an arm that did not answer every row, with its run, even where old verdicts are there', () => {
  const { file, answered, verdicts } = made({ arms: { base: 1, phased: 2 }, judges: { gpt: () => [1, 1] } });
  const evaluation = assemble(
    file,
    answered.map((one) => (one.arm === 'phased' && one.run === 2 ? { ...one, answers: one.answers.slice(3) } : one)),
    verdicts,
  );
  const { result } = computeResult(evaluation, reportOptionsSchema.parse({ resamples: 100 }));
  const [first] = result.warnings;
  expect(first).toMatch(/^phased, run 2, has no answer to 3 of \d+ rows of \S+: it was stopped, or a file/);
});
