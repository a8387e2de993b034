import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { random } from '../../../src/core/random.js';
import { evalPaths } from '../../../src/eval/eval-file.js';
import { preferenceOf } from '../../../src/eval/judge/calibration.js';
import { scoreOfLogOdds } from '../../../src/eval/judge/log-odds.js';
import { calibratedEvaluation } from '../../../src/eval/result/calibrated.js';
import { assemble } from '../../../src/eval/result/evaluation.js';
import type { OrderVerdict, Verdict } from '../../../src/eval/verdicts/verdict.js';
import { reportEvaluation } from '../../../src/workflow/eval-report.js';
import { temporaryFolder } from '../../helpers/folder.js';
import { made, PASSED, writeMade } from './made-evaluation.js';

/** How many times smaller the log-odds of letters are than those that the other judge decides by. */
const SCALE = 0.1;

/**
 * A judge `gpt` and letters, which see the same quality of `rows` pairs: letters as small log-odds beside a preference
 * for a place. `gpt` decides `decided` of the pairs and says tie about the rest.
 */
function world(rows: number, { gpt = true, decided = rows, about = {} }: object & Partial<Given> = {}) {
  const { normal, uniform } = random(11, 'calibrated');
  const quality = Array.from({ length: rows }, () => 1.5 * normal() + 0.5);
  const given = made({
    sets: { koala: rows },
    judges: {
      letters: () => [0.5, 0.5],
      ...(gpt && {
        gpt: ({ row }) => {
          const x = row >= decided ? 0.5 : uniform() < 1 / (1 + Math.exp(-quality[row]!)) ? 1 : 0;
          return [x, x] as const;
        },
      }),
    },
    about: { letters: { kind: 'letters', ...PASSED }, gpt: { ...PASSED, ...about } },
  });
  const verdicts = given.verdicts.map((verdict): Verdict => {
    if (verdict.judge !== 'letters') return verdict;
    const odds = SCALE * quality[Number(verdict.id.split('-')[1]) - 1]!;
    const orders: OrderVerdict[] = [
      { first: 'baseline', better: 'tie', logOdds: -odds - 0.3 },
      { first: 'arm', better: 'tie', logOdds: odds - 0.3 },
    ];
    return { ...verdict, orders, x: scoreOfLogOdds(odds) };
  });
  return { ...given, verdicts };
}

interface Given {
  readonly gpt: boolean;
  readonly decided: number;
  readonly about: object;
}

const calibrated = (given: ReturnType<typeof world>, people?: (verdict: Verdict) => number | null) =>
  calibratedEvaluation(assemble(given.file, given.answered, given.verdicts), people);

it('letters are scored by the temperature at which they fit the verdicts of a judge at an endpoint', () => {
  const given = world(1500);
  const { evaluation, calibration } = calibrated(given);
  const found = calibration.letters!;
  expect(found).toMatchObject({ against: 'gpt', pairs: 1500, notCalibrated: null });
  // Its standard error is about 5 % of it for so many pairs.
  expect(Math.abs(found.temperature - SCALE)).toBeLessThan(0.02);
  expect(found.calibrationError!).toBeLessThan(0.05);
  expect(Math.abs(found.winRate!.judge - found.winRate!.against)).toBeLessThan(3);
  for (const [i, verdict] of evaluation.verdicts.entries()) {
    const was = given.verdicts[i]!;
    if (verdict.judge === 'letters')
      expect(verdict).toEqual({ ...was, x: scoreOfLogOdds(preferenceOf(was)!, found.temperature) });
    else expect(verdict).toBe(was);
  }
});

it.each([
  ['without another judge', world(80, { gpt: false }), { against: null, notCalibrated: 'no other judge', pairs: 0 }],
  ['with 49 decided pairs of 80', world(80, { decided: 49 }), { against: 'gpt', notCalibrated: 'few rows', pairs: 80 }],
  [
    'with a judge that failed its test',
    world(80, { about: { entrance: { state: 'failed' } } }),
    { against: null, notCalibrated: 'no other judge' },
  ],
])('letters stay as they are, temperature 1, %s', (_what, given, expected) => {
  const { evaluation, calibration } = calibrated(given);
  expect(calibration.letters).toMatchObject({ temperature: 1, ...expected });
  expect(evaluation.verdicts).toEqual(given.verdicts);
});

it('50 decided pairs are enough', () => {
  expect(calibrated(world(80, { decided: 50 })).calibration.letters!.notCalibrated).toBeNull();
});

it('people count before a judge, where they rated enough', () => {
  const { uniform } = random(3, 'people');
  const rated = (rows: number) => {
    const scores = new Map<string, number>();
    return (verdict: Verdict) => {
      if (Number(verdict.id.split('-')[1]) > rows) return null;
      const known = scores.get(verdict.id) ?? (uniform() < 1 / (1 + Math.exp(-10 * preferenceOf(verdict)!)) ? 1 : 0);
      scores.set(verdict.id, known);
      return known;
    };
  };
  expect(calibrated(world(200), rated(100)).calibration.letters).toMatchObject({ against: 'people', pairs: 100 });
  expect(calibrated(world(200), rated(40)).calibration.letters).toMatchObject({ against: 'gpt', pairs: 200 });
  expect(calibrated(world(200, { gpt: false }), rated(40)).calibration.letters).toMatchObject({
    against: 'people',
    pairs: 40,
    notCalibrated: 'few rows',
  });
});

it('the report has the temperature, agreement, AUC, Brier score, calibration error and both win rates', async () => {
  const folder = temporaryFolder('calibrated');
  writeMade(folder, world(120));
  const { result } = await reportEvaluation({ folder, resamples: 200 });
  expect(result.judge!.name).toBe('letters');
  expect(result.calibration!.letters).toMatchObject({ against: 'gpt', notCalibrated: null });
  expect(result.arms.phased!.winRate).toBeCloseTo(result.calibration!.letters!.winRate!.judge, 10);
  const report = readFileSync(evalPaths(folder).report, 'utf8');
  for (const text of [
    'Calibration of letters by gpt',
    /The log-odds of letters are divided by 0\.\d{3}, the temperature/,
    /the same where both decided \(1\d\d\)/,
    'order of the wins and losses by gpt (AUC)',
    'Brier score',
    'calibration error, 10 bins',
    'win % by letters',
    'win % by gpt',
  ])
    expect(report).toMatch(typeof text === 'string' ? new RegExp(text.replace(/[()]/g, '\\$&')) : text);
});

it('the report says that letters are not calibrated', async () => {
  const folder = temporaryFolder('calibrated');
  writeMade(folder, world(40, { gpt: false }));
  const { result } = await reportEvaluation({ folder, resamples: 200 });
  expect(result.warnings.join()).toContain('letters is not calibrated');
  expect(readFileSync(evalPaths(folder).report, 'utf8')).toContain(
    'Not calibrated: there are neither ratings by people nor verdicts of a judge at an endpoint that counts',
  );
});
