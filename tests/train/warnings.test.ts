import { expect, test } from 'vitest';
import type { RunPlan } from '../../src/train/plan.js';
import { planWarnings } from '../../src/train/warnings.js';

type Stage = RunPlan['stages'][number];

const stage = (steps: number, options: Partial<Stage['options']> = {}, schedule = { before: 0, steps }): Stage =>
  ({
    stage: 1,
    options: { start: 'previous-end', replay: 0, ...options },
    batches: { steps: Array.from({ length: steps }) },
    schedule,
  }) as unknown as Stage;
const holdout = {} as NonNullable<RunPlan['holdout']>;
const options = { evalEvery: 0, optim: { warmup: 0.1 } };

test('a sound plan has nothing to tell', () => {
  expect(planWarnings({ stages: [stage(5), stage(5)], holdout }, options)).toEqual([]);
});

test('a stage whose only step has learning rate 0 is told, one without warm-up or within a schedule is not', () => {
  const told = /stage 1 has a single step, and warm-up begins at learning rate 0/;
  expect(planWarnings({ stages: [stage(1), stage(5)], holdout }, options)).toEqual([expect.stringMatching(told)]);
  expect(planWarnings({ stages: [stage(1), stage(5)], holdout }, { ...options, optim: { warmup: 0 } })).toEqual([]);
  expect(planWarnings({ stages: [stage(5), stage(1, {}, { before: 5, steps: 6 })], holdout }, options)).toEqual([]);
});

test('options that cannot act are told', () => {
  const best = stage(5, { start: 'previous-best' });
  expect(planWarnings({ stages: [stage(5), best], holdout }, options)).toEqual([
    expect.stringMatching(/previous-best/),
  ]);
  expect(planWarnings({ stages: [stage(5), best], holdout }, { ...options, evalEvery: 2 })).toEqual([]);
  expect(planWarnings({ stages: [stage(5, { replay: 0.5 })], holdout }, options)).toEqual([
    'replay does nothing: there is only one stage',
  ]);
  expect(planWarnings({ stages: [stage(5), stage(5)] }, options)).toEqual([
    expect.stringMatching(/no rows are held out/),
  ]);
});
