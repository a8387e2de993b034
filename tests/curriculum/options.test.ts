import { describe, expect, it } from 'vitest';
import { resolveStaging, stagingOptionsSchema } from '../../src/curriculum/staging-options.js';

const resolve = (options: Record<string, unknown>) => resolveStaging(stagingOptionsSchema.parse(options));

describe('resolveStaging', () => {
  it('makes three stages of equal rows with a tenth held out, unless told otherwise', () => {
    expect(resolve({})).toEqual({
      stages: 3,
      by: 'rows',
      ties: 'split',
      holdout: 0.1,
      nearDuplicates: 0.8,
      unscored: 'refuse',
      seed: 0,
    });
  });

  it('takes way and number from the thresholds', () => {
    expect(resolve({ thresholds: [2, 3, 4] })).toMatchObject({ stages: 4, by: 'thresholds', thresholds: [2, 3, 4] });
  });

  it('gives a stage at least half of an equal share when cutting by length, unless told otherwise', () => {
    expect(resolve({ by: 'length', stages: 4 })).toMatchObject({ minShare: 0.125 });
    expect(resolve({ by: 'length', stages: 4, minShare: 0.25 })).toMatchObject({ minShare: 0.25 });
    expect(resolve({ by: 'jenks' })).not.toHaveProperty('minShare');
  });

  it('makes the same plan again of a plan', () => {
    for (const options of [{}, { thresholds: [2, 3] }, { by: 'length' }, { by: 'jenks', ties: 'together' }])
      expect(resolve(resolve(options) as unknown as Record<string, unknown>)).toEqual(resolve(options));
  });

  it.each([
    ['too few thresholds', { stages: 3, thresholds: [3] }, '`thresholds`: expected 2 for 3 stages, got 1 (3)'],
    ['too many thresholds', { stages: 2, thresholds: [3, 4] }, '`thresholds`: expected 1 for 2 stages, got 2 (3, 4)'],
    ['falling thresholds', { thresholds: [4.5, 3.5] }, '3.5 does not come after 4.5'],
    ['equal thresholds', { thresholds: [3, 3] }, '3 does not come after 3'],
    ['no thresholds', { by: 'thresholds' }, 'no thresholds given'],
    ['thresholds beside another way', { by: 'rows', thresholds: [3] }, 'the cut is by rows'],
    ['a least share beside another way', { by: 'rows', minShare: 0.1 }, 'it is for `by: length`'],
    ['least shares of more than all', { by: 'length', minShare: 0.4 }, 'expected at most 0.333'],
    [
      'a number of rows that is not whole',
      { holdout: 2.5 },
      'expected a share below 1 or a whole number of rows, got 2.5',
    ],
  ])('refuses %s as a usage error', (_, options, message) => {
    expect(() => resolve(options)).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringContaining(message) }),
    );
  });

  it.each([
    { stages: 1 },
    { stages: 7 },
    { stages: 2.5 },
    { thresholds: [] },
    { holdout: -0.1 },
    { stage: 3 },
    { nearDuplicates: 0.3 },
  ])('refuses %j', (options) => {
    expect(stagingOptionsSchema.safeParse(options).success).toBe(false);
  });
});
