import { describe, expect, it } from 'vitest';
import { computeResult } from '../../../src/eval/result/compute.js';
import { assemble } from '../../../src/eval/result/evaluation.js';
import { reportOptionsSchema } from '../../../src/eval/result/options.js';
import { type Made, made, PASSED, prefers, resultOf } from './made-evaluation.js';

describe('a judge that cannot tell', () => {
  const firstAlways = (): readonly [number, number] => [1, 0];

  it('always says "first": 50, consistency 0, 50 points for the first place, and no verdict', () => {
    const { result } = resultOf({ judges: { gpt: firstAlways }, about: { gpt: PASSED } });
    expect(result.arms.phased).toMatchObject({ winRate: 50, consistency: 0, position: 50, verdict: 'exploratory' });
    expect(result.judge).toMatchObject({ consistency: 0, position: 50 });
    expect(result.judge!.problems).toHaveLength(2);
    expect(result.arms.phased!.sentence).toMatch(/^This judge cannot tell phased from base \(win rate 50\.0 %/);
  });

  it('failed its entrance test', () => {
    const entrance = { state: 'failed', reasons: ['62 % right, expected 75 %'] };
    const { result } = resultOf({ judges: { gpt: prefers(0.95) }, about: { gpt: { entrance } } });
    expect(result.arms.phased!.verdict).toBe('exploratory');
    expect(result.judge!.problems).toEqual(['it failed its entrance test: 62 % right, expected 75 %']);
  });

  it('is a local model that was not tested; one at an endpoint only gets a warning', () => {
    const given = { judges: { gpt: prefers(0.95) } };
    const local = resultOf({ ...given, about: { gpt: { kind: 'letters' } } }).result;
    expect(local.arms.phased!.verdict).toBe('exploratory');
    const { result } = resultOf(given);
    expect(result.arms.phased!.verdict).toBe('better');
    expect(result.warnings).toContain('the judge was not tested before it judged');
  });

  it('prefers one place by more than 20 points', () => {
    const { result } = resultOf({
      judges: { gpt: ({ row }) => (row % 20 < 9 ? [1, 0] : [1, 1]) },
      about: { gpt: PASSED },
    });
    expect(result.judge!.consistency!).toBeGreaterThan(0.5);
    expect(result.judge!.problems).toHaveLength(1);
    expect(result.judge!.problems[0]).toMatch(/prefers the answer that stands first by 2[23] points/);
  });
});

describe('several judges', () => {
  const given: Made = {
    sets: { koala: 120 },
    judges: {
      gpt: prefers(0.7, 0.1),
      other: prefers(0.7, 0.1),
      control: prefers(0.5),
    },
    about: { gpt: PASSED, control: { control: true, kind: 'likelihood' } },
  };

  it('the first that is no control is the headline; the others stand beside it', () => {
    const { result } = resultOf(given);
    expect(result.judge!.name).toBe('gpt');
    expect(Object.keys(result.controls)).toEqual(['other', 'control']);
    expect(result.controls.other!.arms.phased!.n).toBe(120);
    expect(result.against).toBeUndefined();
  });

  it('are compared', () => {
    const { result } = resultOf(given, { against: 'other' });
    expect(result.against).toMatchObject({ judge: 'gpt', other: 'other', pairs: 120 });
    expect(result.against!.agreement!).toBeLessThan(result.against!.decided!);
    expect(result.against!.arms.phased!.judge).toMatchObject({ winRate: result.arms.phased!.winRate });
    expect(result.against!.auc!).toBeGreaterThan(0.3);
    expect(result.against!.auc!).toBeLessThan(0.7);
  });

  it.each(['gpt', 'nobody'])('%s is nobody to compare with', (against) => {
    expect(() => resultOf(given, { against })).toThrow(/`against`: .* expected another judge \(other, control\)/);
  });

  it('that are not in eval.json, and rows that are not, are left out and counted', () => {
    const { file, answered, verdicts } = made({ judges: { gpt: prefers(0.6), old: prefers(0.6) } });
    const { old: _, ...judges } = file.judges;
    const strange = { ...verdicts[0]!, set: 'unknown' };
    const evaluation = assemble({ ...file, judges }, answered, [...verdicts, strange]);
    const { result } = computeResult(evaluation, reportOptionsSchema.parse({ resamples: 200 }));
    expect(result.arms.phased!.n).toBe(40);
    expect(result.warnings.at(-1)).toMatch(
      /^41 verdicts are about rows, arms or judges that are not in this evaluation/,
    );
  });

  it('that are of the family of an arm are warned of', () => {
    const { file, answered, verdicts } = made({ judges: { 'Qwen3-32B': prefers(0.6) } });
    const arms = { ...file.arms, phased: { runs: [{ source: 'runs/qwen-phased' }] } };
    const { result } = computeResult(
      assemble({ ...file, arms }, answered, verdicts),
      reportOptionsSchema.parse({ resamples: 200 }),
    );
    expect(result.warnings[0]).toBe(
      'phased and the judge are both qwen models; judges prefer answers of their own family',
    );
  });
});

describe('all pairs of arms', () => {
  it('have strengths in one scale', () => {
    const { file, answered, verdicts } = made({
      sets: { koala: 120 },
      arms: { base: 1, middle: 1, strong: 1 },
      judges: { gpt: (pair) => prefers(pair.arm === 'strong' ? 0.8 : 0.65, 0.1)(pair) },
    });
    const between = verdicts
      .filter(({ arm }) => arm === 'middle')
      .map((verdict) => ({ ...verdict, baseline: 'middle', arm: 'strong' }));
    const options = reportOptionsSchema.parse({ resamples: 200 });
    const { result } = computeResult(assemble(file, answered, [...verdicts, ...between]), options);
    const { base, middle, strong } = result.bradleyTerry!.arms;
    expect(base!.strength).toBe(0);
    expect(middle!.low!).toBeLessThan(middle!.strength);
    expect(strong!.strength).toBeGreaterThan(middle!.strength);
    expect(result.bradleyTerry!.order!).toBeCloseTo(0, 6);
    expect(computeResult(assemble(file, answered, verdicts), options).result.bradleyTerry).toBeUndefined();
  });
});
