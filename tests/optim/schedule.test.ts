import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { optimOptions } from '../../src/optim/options.js';
import { learningRateAt, warmupSteps } from '../../src/optim/schedule.js';

interface Reference {
  schedule: 'cosine' | 'linear' | 'constant';
  minLrRatio: number;
  warmup: number;
  steps: number;
  factors: number[];
}

const { schedules } = JSON.parse(readFileSync('tests/fixtures/optim/optim.json', 'utf8')) as { schedules: Reference[] };

test('every learning rate of every schedule is transformers’', () => {
  for (const [name, least] of Object.entries({ cosine: 48, linear: 24, constant: 24 }))
    expect(schedules.filter(({ schedule }) => schedule === name).length, name).toBeGreaterThanOrEqual(least);
  for (const { factors, steps, ...options } of schedules) {
    const got = factors.map((_, i) => learningRateAt({ ...options, learningRate: 3e-4 }, i + 1, steps));
    for (const [i, factor] of factors.entries())
      expect(Math.abs(got[i]! - 3e-4 * factor), JSON.stringify({ ...options, steps, step: i + 1 })).toBeLessThan(1e-17);
  }
});

test('linear falls to the least learning rate asked for, and steps past the end stay there', () => {
  const options = { learningRate: 1, schedule: 'linear', warmup: 2, minLrRatio: 0.2 } as const;
  const rates = [1, 2, 3, 7, 11, 12, 40].map((step) => learningRateAt(options, step, 10));
  expect(rates.map((rate) => +rate.toFixed(12))).toEqual([0, 0.5, 1, 0.6, 0.2, 0.2, 0.2]);
});

test('warm-up is a share under 1 and a number of steps from 1 on', () => {
  expect([
    warmupSteps(0, 50),
    warmupSteps(0.03, 50),
    warmupSteps(0.5, 50),
    warmupSteps(1, 50),
    warmupSteps(80, 50),
  ]).toEqual([0, 2, 25, 1, 80]);
  expect(optimOptions.safeParse({ warmup: 1.5 }).error?.issues[0]?.message).toMatch(/share under 1 or a whole number/);
});

test('the defaults are what the help says', () => {
  expect(optimOptions.parse({})).toEqual({
    learningRate: 2e-4,
    schedule: 'cosine',
    warmup: 0.1,
    minLrRatio: 0,
    betas: [0.9, 0.999],
    eps: 1e-8,
    weightDecay: 0,
    maxGradNorm: 1,
  });
  expect(optimOptions.safeParse({ lr: 1 }).success).toBe(false);
});
