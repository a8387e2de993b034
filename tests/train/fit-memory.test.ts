import { describe, expect, test } from 'vitest';
import { firstThatFits, type MemoryOptions, memoryChoices } from '../../src/train/fit-memory.js';
import { sizeInBytes, trainOptions } from '../../src/train/options.js';

const GIB = 2 ** 30;

/** A gigabyte, and one for each line of eight that is computed together; a quarter of that with checkpointing. */
function forecast({ microBatches, gradientCheckpointing }: MemoryOptions) {
  const tensors = (Math.ceil(8 / microBatches) * GIB) / (gradientCheckpointing ? 4 : 1);
  return { peak: GIB + tensors, variables: 0, tensors, besides: GIB };
}

describe('ways to take less memory', () => {
  test('parts double up to a line each, without checkpointing before with; held-out rows go along', () => {
    const choices = memoryChoices({ microBatches: 1, evalRows: 6 }, 6);
    const parts = [
      { microBatches: 1, evalRows: 6 },
      { microBatches: 2, evalRows: 3 },
      { microBatches: 4, evalRows: 2 },
      { microBatches: 6, evalRows: 1 },
    ];
    expect(choices).toEqual([
      ...parts.map((part) => ({ ...part, gradientCheckpointing: false })),
      ...parts.map((part) => ({ ...part, gradientCheckpointing: true })),
    ]);
  });

  test('what is given is kept to: checkpointing either way, as many parts at least', () => {
    for (const gradientCheckpointing of [false, true])
      expect(memoryChoices({ microBatches: 3, evalRows: 8, gradientCheckpointing }, 8)).toEqual([
        { microBatches: 3, evalRows: 8, gradientCheckpointing },
        { microBatches: 6, evalRows: 4, gradientCheckpointing },
        { microBatches: 8, evalRows: 3, gradientCheckpointing },
      ]);
    expect(memoryChoices({ microBatches: 5, evalRows: 8, gradientCheckpointing: true }, 2)).toEqual([
      { microBatches: 5, evalRows: 8, gradientCheckpointing: true },
    ]);
  });
});

describe('the choice for a limit', () => {
  const choices = memoryChoices({ microBatches: 1, evalRows: 8 }, 8);
  const chosen = (limit: number) => firstThatFits(choices, limit, forecast);

  test.each([
    [9, 1, false, 0],
    [8.9, 2, false, 1],
    [3, 4, false, 2],
    [2, 8, false, 3],
    [1.9, 4, true, 6],
    [1.25, 8, true, 7],
  ])('of %d GiB: %d parts, checkpointing %s', (limit, microBatches, gradientCheckpointing, before) => {
    const { chosen: best, tooLarge } = chosen(limit * GIB);
    expect(best.options).toMatchObject({ microBatches, gradientCheckpointing });
    expect(best.forecast).toEqual(forecast(best.options));
    expect(tooLarge).toHaveLength(before);
    for (const { forecast } of tooLarge) expect(forecast.peak).toBeGreaterThan(limit * GIB);
  });

  test('nothing is tried beyond it', () => {
    const tried: MemoryOptions[] = [];
    firstThatFits(choices, 3 * GIB, (options) => {
      tried.push(options);
      return forecast(options);
    });
    expect(tried).toEqual(choices.slice(0, 3));
  });

  test('when nothing fits, the error tells the least that is needed and how', () => {
    expect(() => chosen(GIB)).toThrow(
      'the run needs 1.3 GiB at least (batches in 8 parts, with gradient checkpointing), the limit is 1 GiB',
    );
  });
});

test('sizes are written in powers of 1024 or of 1000; anything else is refused', () => {
  expect(sizeInBytes('8GiB')).toBe(8 * GIB);
  expect(sizeInBytes('1.5 GB')).toBe(1.5e9);
  expect(sizeInBytes('700MiB')).toBe(700 * 2 ** 20);
  for (const memoryLimit of ['8', '8G', 'GiB', '8 gib', '-1GiB', '8GiB!'])
    expect(() => trainOptions.parse({ memoryLimit }), memoryLimit).toThrow('expected a size such as 8GiB');
});
