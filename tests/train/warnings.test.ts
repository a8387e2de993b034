import { expect, test } from 'vitest';
import { trainOptions } from '../../src/train/options.js';
import type { RunPlan } from '../../src/train/run-plan.js';
import { planWarnings } from '../../src/train/warnings.js';

type Stage = RunPlan['stages'][number];

const stage = (steps: number, options: Partial<Stage['options']> = {}, schedule = { before: 0, steps }): Stage =>
  ({
    stage: 1,
    options: { start: 'previous-end', ...options },
    summary: { replayed: 0 },
    batches: { steps: Array.from({ length: steps }) },
    schedule,
  }) as unknown as Stage;
const holdout = {} as NonNullable<RunPlan['holdout']>;
const options = { ...trainOptions.parse({}), optim: { warmup: 0.1 } };

test('a sound plan has nothing to tell', () => {
  expect(planWarnings({ stages: [stage(5), stage(5)], holdout }, options)).toEqual([]);
});

test('a stage whose only step has learning rate 0 is told, one without warm-up or within a schedule is not', () => {
  const told = /stage 1 has a single step, and warm-up starts at learning rate 0/;
  expect(planWarnings({ stages: [stage(1), stage(5)], holdout }, options)).toEqual([expect.stringMatching(told)]);
  expect(planWarnings({ stages: [stage(1), stage(5)], holdout }, { ...options, optim: { warmup: 0 } })).toEqual([]);
  expect(planWarnings({ stages: [stage(5), stage(1, {}, { before: 5, steps: 6 })], holdout }, options)).toEqual([]);
});

test('a stage that ends within the warm-up is reported, with the share of the rate that it comes to', () => {
  const warned = (stages: Stage[], warmup: number) =>
    planWarnings({ stages, holdout }, { ...options, optim: { warmup } });
  expect(warned([stage(5)], 20)).toEqual([
    'stage 1 ends within the 20 steps of warm-up: its learning rate reaches at most 20 % of the setting; give it more steps, or lower `optim.warmup`',
  ]);
  // The last of five steps is the first with the whole rate after a warm-up of four.
  expect(warned([stage(5)], 4)).toEqual([]);
  expect(warned([stage(5)], 5)).toEqual([expect.stringContaining('reaches at most 80 % of the setting')]);
  // A share is rounded up: 0.9 of five steps are five.
  expect(warned([stage(5)], 0.9)).toEqual([expect.stringContaining('the 5 steps of warm-up')]);
  const [first, second, third] = [0, 10, 20].map((before) => stage(10, {}, { before, steps: 30 }));
  expect(warned([first!, second!, third!], 20)).toEqual([
    expect.stringContaining('reaches at most 45 %'),
    expect.stringContaining('reaches at most 95 %'),
  ]);
});

test('options that have no effect are warned of', () => {
  const best = stage(5, { start: 'previous-best' });
  expect(planWarnings({ stages: [stage(5), best], holdout }, options)).toEqual([
    expect.stringMatching(/previous-best/),
  ]);
  expect(planWarnings({ stages: [stage(5), best], holdout }, { ...options, evalEvery: 2 })).toEqual([]);
  const two = { stages: [stage(5), stage(5)], holdout };
  const nothing = ['`replay` does nothing: the stages that ask for it have no rows of earlier stages to visit again'];
  expect(planWarnings(two, { ...options, replay: 0.5 })).toEqual(nothing);
  expect(planWarnings(two, { ...options, replay: [0.5, 0] })).toEqual(nothing);
  expect(planWarnings(two, { ...options, stages: [{ replay: 0.5 }] })).toEqual(nothing);
  const replaying = { ...stage(5), summary: { replayed: 3 } } as Stage;
  expect(planWarnings({ stages: [stage(5), replaying], holdout }, { ...options, replay: 0.5 })).toEqual([]);
  for (const order of ['one-off', 'random'] as const)
    expect(planWarnings(two, { ...options, order, smoothness: 0.5 })).toEqual([
      `\`smoothness\` does nothing with \`order: ${order}\`: its stages are mixed already`,
    ]);
  expect(planWarnings(two, { ...options, order: 'reversed', smoothness: 0.5 })).toEqual([]);
  expect(planWarnings({ stages: [stage(5), stage(5)] }, options)).toEqual([
    expect.stringMatching(/no rows are held out/),
  ]);
});
