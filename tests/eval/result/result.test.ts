import { describe, expect, it } from 'vitest';
import { computeResult } from '../../../src/eval/result/compute.js';
import { assemble } from '../../../src/eval/result/evaluation.js';
import { reportOptionsSchema } from '../../../src/eval/result/options.js';
import { evaluationReport } from '../../../src/eval/result/report.js';
import { resultSchema } from '../../../src/eval/result/result.js';
import { summaryBlocks } from '../../../src/eval/result/summary.js';
import { markdown, plainLines } from '../../../src/telemetry/document.js';
import { type Made, type MadePair, made, PASSED, prefers, resultOf } from './made-evaluation.js';

describe('the result of an evaluation', () => {
  it('counts wins, ties and losses, and calls an arm better, worse or not distinguishable', () => {
    const share = { up: 0.75, even: 0.5, down: 0.25 } as const;
    const { result } = resultOf({
      sets: { koala: 100, vicuna: 60 },
      arms: { base: 1, up: 1, even: 1, down: 1 },
      judges: { gpt: (pair) => prefers(share[pair.arm as keyof typeof share], 0.2)(pair) },
      about: { gpt: PASSED },
    });
    resultSchema.parse(JSON.parse(JSON.stringify(result)));
    const { up, even, down } = result.arms;
    expect([up!.verdict, even!.verdict, down!.verdict]).toEqual(['better', 'not distinguishable', 'worse']);
    for (const arm of [up!, even!, down!]) {
      expect(arm.wins + arm.ties + arm.losses).toBe(160);
      expect(arm.winRate).toBeCloseTo((100 * (arm.wins + arm.ties / 2)) / 160, 10);
      expect(arm.low!).toBeLessThan(arm.winRate!);
      expect(arm.high!).toBeGreaterThan(arm.winRate!);
      expect(arm).toMatchObject({ n: 160, rows: 160, missing: 0, missingBy: {}, bounds: null });
      expect(arm.pHolm!).toBeGreaterThanOrEqual(arm.p!);
      expect(arm.consistency).toBe(1);
    }
    expect(Object.keys(up!.bySet)).toEqual(['koala', 'vicuna']);
    expect(up!.bySet.koala!.n + up!.bySet.vicuna!.n).toBe(160);
    expect(Object.keys(up!.byBand)).toEqual(['1', '2']);
    expect(up!.sentence).toMatch(
      /^up is better than base: win rate \d\d\.\d %, 95 % interval .*, 160 verdicts, p [<=]/,
    );
    expect(even!.sentence).toMatch(
      /not distinguishable: .*; 160 verdicts could have shown a difference of \d+\.\d points/,
    );
    expect(result.judge!.problems).toEqual([]);
    expect(result.missing.problems).toEqual([]);
  });

  it('is the same for the same files, whatever the order of verdicts', () => {
    const { file, answered, verdicts } = made({ judges: { gpt: prefers(0.6, 0.3) } });
    const options = reportOptionsSchema.parse({ resamples: 300 });
    const bytes = (all: typeof verdicts) =>
      JSON.stringify(computeResult(assemble(file, answered, all), options).result);
    expect(bytes(verdicts.toReversed())).toBe(bytes(verdicts));
  });

  it('equal answers and a judge that always ties give exactly 50', () => {
    const { result } = resultOf({ judges: { gpt: () => [0.5, 0.5] }, about: { gpt: PASSED } });
    expect(result.arms.phased).toMatchObject({ winRate: 50, low: 50, high: 50, ties: 40, leastDifference: null, p: 1 });
    expect(result.arms.phased!.sentence).toMatch(/not distinguishable: .*; all verdicts are the same\.$/);
  });

  it('of one row says nothing', () => {
    const { result } = resultOf({ sets: { one: 1 }, judges: { gpt: () => [1, 1] }, about: { gpt: PASSED } });
    expect(result.arms.phased).toMatchObject({
      winRate: 100,
      low: 100,
      high: 100,
      p: 1,
      verdict: 'not distinguishable',
    });
    expect(result.arms.phased!.sentence).toMatch(/one verdict says nothing/);
  });

  it('needs a second arm', () => {
    expect(() => resultOf({ arms: { base: 1 } })).toThrow(/base is the only arm; expected at least one to compare/);
  });

  it('has no win rates without a judge, but answers, matches and losses', () => {
    const { result } = resultOf({
      answer: (arm, row) => ({
        // Another tokenizer in one row: its losses per token are not comparable.
        loss: { sum: arm === 'base' ? 20 : 18, tokens: arm === 'base' && row === 0 ? 40 : 10 },
        checks: {
          empty: false,
          cut: row < 10,
          refusal: false,
          loop: false,
          copy: false,
          otherScript: false,
          exactMatch: arm === 'base' ? row < 10 : row < 20,
        },
      }),
    });
    expect(result).toMatchObject({ judge: null, arms: {}, controls: {} });
    expect(result.matches.exact!.base).toMatchObject({ mean: 25, n: 40, difference: null });
    expect(result.matches.exact!.phased).toMatchObject({ mean: 50, difference: { mean: 25, n: 40 } });
    expect(result.losses.phased!.mean).toBeCloseTo(1.8, 12);
    expect(result.losses.phased!.difference).toMatchObject({ n: 39 });
    expect(result.losses.phased!.difference!.mean).toBeCloseTo(-0.2, 12);
    expect(result.losses.phased!.difference!.low).toBeCloseTo(-0.2, 12);
    expect(result.answers.phased).toMatchObject({ answers: 40, cut: 10, empty: 0, length: { median: 100 } });
    expect(result.warnings).toContain(
      'phased: 10 of 40 answers (25 %) were cut off at the most tokens that an answer may have',
    );
    expect(result.warnings.at(-1)).toMatch(/nobody judged/);
  });
});

describe('missing verdicts', () => {
  const judge =
    (share: number, arm = 'phased') =>
    (pair: MadePair) =>
      pair.arm === arm && pair.row < share * 200 ? ('refusal' as const) : ([0, 0] as const);

  it('are bounded by all of them lost, and all won', () => {
    const { result } = resultOf({ sets: { koala: 200 }, judges: { gpt: judge(0.04) }, about: { gpt: PASSED } });
    expect(result.arms.phased).toMatchObject({
      n: 192,
      missing: 8,
      rows: 200,
      missingBy: { refusal: 8 },
      bounds: { low: 0, high: 4 },
      verdict: 'worse',
    });
    expect(result.missing).toMatchObject({ pairs: 200, missing: 8, by: { refusal: 8 }, pDiffers: null, problems: [] });
  });

  it.each([
    [8, 'kept'],
    [12, 'withheld'],
  ])(
    'not at random, %i wins of an arm refused: the bounds contain the truth; over 5 %% no verdict (%s)',
    (refused, kept) => {
      const opinion = ({ row }: MadePair): readonly [number, number] => (row % 2 === 0 ? [1, 1] : [0, 0]);
      const result = (missing: number) =>
        resultOf({
          sets: { koala: 200 },
          judges: { gpt: (pair) => (pair.row % 2 === 0 && pair.row / 2 < missing ? 'refusal' : opinion(pair)) },
          about: { gpt: PASSED },
        }).result.arms.phased!;
      const [truth, seen] = [result(0), result(refused)];
      expect(seen.winRate!).toBeLessThan(truth.winRate!);
      expect(seen.bounds!.low).toBeLessThanOrEqual(truth.winRate!);
      expect(seen.bounds!.high).toBeGreaterThanOrEqual(truth.winRate!);
      expect(seen.verdict === 'withheld').toBe(kept === 'withheld');
    },
  );

  it('over the share that is allowed leave no verdict', () => {
    const { result } = resultOf({ sets: { koala: 200 }, judges: { gpt: judge(0.06) }, about: { gpt: PASSED } });
    expect(result.arms.phased!.verdict).toBe('withheld');
    expect(result.arms.phased!.sentence).toMatch(
      /^No verdict on phased: 12 of 200 verdicts are missing; its win rate against base is from 0\.0 % \(all of them lost\) to 6\.0 % \(all won\)/,
    );
    expect(result.missing.problems).toEqual([
      'phased: 12 of 200 verdicts are missing (6.0 %), more than the 5.0 % of `maxMissing`',
    ]);
    const { result: allowed } = resultOf(
      { sets: { koala: 200 }, judges: { gpt: judge(0.06) }, about: { gpt: PASSED } },
      { maxMissing: 0.06 },
    );
    expect(allowed.arms.phased!.verdict).toBe('worse');
  });

  it('by arm different (Fisher, p < 0.01): no arm gets a verdict, with bounds, though each misses no more than is allowed', () => {
    const { result } = resultOf({
      sets: { koala: 200 },
      arms: { base: 1, phased: 1, other: 1 },
      judges: { gpt: judge(0.05) },
      about: { gpt: PASSED },
    });
    expect(result.missing.pDiffers).toBeLessThan(0.01);
    expect(result.arms.phased).toMatchObject({ verdict: 'withheld', missing: 10, bounds: { low: 0, high: 5 } });
    expect(result.arms.other).toMatchObject({ verdict: 'withheld', missing: 0, bounds: null });
    expect(result.arms.other!.sentence).toBe(
      'No verdict on other, of which no verdict is missing, since what is missing depends on the arm; its win rate against base is 0.0 %.',
    );
    expect(result.missing.problems).toEqual([
      'phased: what is missing depends on the arm: 5.0 % of its verdicts, and 0.0 % of those of other (p = 0.0017)',
    ]);
  });

  it('that are all missing are withheld, whatever is allowed', () => {
    const { result } = resultOf({ judges: { gpt: () => 'endpoint' } }, { maxMissing: 1 });
    expect(result.arms.phased).toMatchObject({
      winRate: null,
      low: null,
      n: 0,
      missing: 40,
      p: null,
      pHolm: null,
      bounds: { low: 0, high: 100 },
      lengthControlled: null,
      verdict: 'withheld',
    });
    expect(result.arms.phased!.sentence).toBe('No verdict on phased: all 40 verdicts are missing.');
    resultSchema.parse(JSON.parse(JSON.stringify(result)));
  });

  it('include pairs that nobody asked about, and answers that are not there', () => {
    const { file, answered, verdicts } = made({ judges: { gpt: ({ row }) => (row < 39 ? [1, 1] : undefined) } });
    const without = answered.map((one) => (one.arm === 'base' ? one : { ...one, answers: one.answers.slice(1) }));
    const evaluation = assemble(
      file,
      without,
      verdicts.filter(({ id }) => id !== 'koala-1'),
    );
    const { result } = computeResult(evaluation, reportOptionsSchema.parse({ resamples: 200 }));
    expect(result.arms.phased!.missingBy).toEqual({ 'no-answer': 1, 'not-asked': 1 });
  });
});

describe('length', () => {
  const lengthOf = (arm: string, _row: number, uniform: () => number) => 100 * uniform() + (arm === 'base' ? 50 : 60);
  const longer = ({ longerBy }: MadePair): readonly [number, number] => {
    const score = longerBy > 0 ? 1 : longerBy < 0 ? 0 : 0.5;
    return [score, score];
  };

  it('alone decides of a judge that says "longer": the control agrees with it everywhere', () => {
    const { result } = resultOf({
      sets: { koala: 200 },
      lengthOf,
      judges: { gpt: longer, length: longer },
      about: { gpt: PASSED, length: { kind: 'length', control: true } },
    });
    expect(result.judge).toMatchObject({ longerWins: 1, lengthAgreement: 1 });
    expect(result.controls.length!.agreement).toMatchObject({ share: 1, kappa: 1, pairs: 200 });
    expect(result.controls.length!.arms.phased!.winRate).toBe(result.arms.phased!.winRate);
    expect(result.controls.length!.arms.phased!.lengthControlled).toBeNull();
    const { lengthControlled, winRate } = result.arms.phased!;
    expect(lengthControlled!.state).toBe('shown');
    expect(Math.abs(lengthControlled!.winRate! - 50)).toBeLessThan(Math.abs(winRate! - 50));
    expect(result.warnings.join()).toMatch(/the longer answer won 100 % of the decided pairs/);
  });

  it('is counted in code points', () => {
    const { result } = resultOf({ answer: () => ({ output: '👋🏽é' }), judges: { gpt: prefers(0.5) } });
    expect(result.arms.phased!.averageLength).toBe(3);
  });

  it('that does not overlap gives no win rate at equal length, and little overlap an extrapolated one', () => {
    const of = (share: number) =>
      resultOf({
        sets: { koala: 200 },
        lengthOf: (arm, row) => 100 + (arm === 'base' ? 0 : row < share * 200 ? -20 - (row % 7) : 20 + (row % 7)),
        judges: { gpt: prefers(0.6) },
        about: { gpt: PASSED },
      }).result;
    expect(of(0).arms.phased!.lengthControlled).toMatchObject({ state: 'none', winRate: null, overlap: 0 });
    expect(of(0).warnings.join()).toMatch(/no win rate at equal length/);
    expect(of(0.1).arms.phased!.lengthControlled).toMatchObject({ state: 'extrapolated', overlap: 0.1 });
    expect(of(0.1).warnings.join()).toMatch(/extrapolated/);
    expect(of(0.3).arms.phased!.lengthControlled!.state).toBe('shown');
  });
});

describe('several runs of an arm', () => {
  it('widen the interval by how much they differ', () => {
    const given = (apart: number): Made => ({
      sets: { koala: 150 },
      arms: { base: 1, phased: 3 },
      judges: { gpt: (pair) => prefers(0.55 + apart * (pair.run - 2))(pair) },
      about: { gpt: PASSED },
    });
    const [same, apart] = [resultOf(given(0)).result.arms.phased!, resultOf(given(0.25)).result.arms.phased!];
    expect(same).toMatchObject({ runs: 3, rows: 450, n: 450 });
    expect(apart.high! - apart.low!).toBeGreaterThan(1.5 * (same.high! - same.low!));
  });
});

describe('arms that answered other rows', () => {
  it('are refused with the ids', () => {
    const { file, answered } = made({});
    const strange = answered.map((one) =>
      one.arm === 'base'
        ? one
        : { ...one, answers: one.answers.map((row, i) => (i < 2 ? { ...row, id: `x${i}` } : row)) },
    );
    expect(() => assemble(file, strange, [])).toThrow(
      /answers\/phased\/koala\.jsonl: phased answered other rows of koala than another arm: x0, x1; expected/,
    );
  });
});

describe('the report', () => {
  const given: Made = {
    sets: { koala: 60, vicuna: 30 },
    arms: { base: 1, phased: 1, other: 1 },
    lengthOf: (_arm, _row, uniform) => 100 + 50 * uniform(),
    judges: {
      gpt: (pair) => (pair.arm === 'other' && pair.row < 3 ? 'unreadable' : prefers(pair.row === 50 ? 0 : 0.8)(pair)),
      length: prefers(0.5),
    },
    about: { gpt: PASSED, length: { kind: 'length', control: true } },
  };

  it('has warnings first, then the answer, and twenty surprising rows', () => {
    const { result, evaluation } = resultOf(given);
    const text = markdown(evaluationReport(result, evaluation, { winRates: 'pictures/win-rates.svg', lengths: {} }));
    const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual([
      'Evaluation: phased, other against base',
      'Answer',
      'Missing verdicts',
      'Length',
      'By set',
      'By difficulty',
      'The judge',
      'Beside the judge',
      'Answers',
      'The most surprising verdicts',
      'How to read this',
    ]);
    expect(result.surprising).toHaveLength(20);
    const distances = result.surprising.map(({ x, expected }) => Math.abs(x - expected));
    expect(distances).toEqual(distances.toSorted((a, b) => b - a));
    expect(text).toContain('![Win rates](pictures/win-rates.svg)');
    expect(text).toContain(result.arms.phased!.sentence);
    expect(text).toContain('instructions only, as each arm is one training run');
    expect(text).not.toMatch(/undefined|NaN/);
  });

  it('on a terminal is a table and a sentence per arm', () => {
    const lines = plainLines(summaryBlocks(resultOf(given).result));
    expect(lines[0]).toBe('phased, other against base on 90 rows of 2 sets, judged by gpt; beside it: length');
    expect(lines.filter((line) => / is better than base/.test(line))).toHaveLength(2);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(160);
  });
});
