import { describe, expect, it } from 'vitest';
import { largestOf, peakOf, withMemory } from '../../src/study/forecast-memory.js';
import { prepared, studyHome } from '../helpers/study-file.js';

const GIB = 2 ** 30;
const memory = { peak: 3 * GIB, variables: 0, tensors: 0, besides: 0 };

describe('the memory of cells', () => {
  it('is no more than the limit of their recipe', () => {
    const run = (memoryLimit?: string) => ({ recipe: { memoryLimit } }) as Parameters<typeof peakOf>[0];
    expect(peakOf(run(), { memory })).toBe(3 * GIB);
    expect(peakOf(run('2GiB'), { memory })).toBe(2 * GIB);
    expect(peakOf(run('8GiB'), { memory })).toBe(3 * GIB);
    expect(peakOf(run('8GiB'), { problem: 'unknown' })).toBeNull();
  });

  it('is that of the largest', () => {
    expect(largestOf([{ n: 1 }, { n: 4 }, { n: 4 }, { n: 2 }], ({ n }) => n)).toEqual({ n: 4 });
  });

  it('is not asked for where one runs at a time, or where many fit', async () => {
    const { file, out } = studyHome();
    const { study } = await prepared({ file, out, parallel: 2 });
    expect(study.cells.every(({ forecast }) => forecast.memoryBytes === null)).toBe(true);
    const alone = {
      ...study,
      folder: 'nowhere',
      record: { ...study.record, study: { ...study.record.study, executor: { kind: 'local' as const, parallel: 1 } } },
    };
    expect(await withMemory(alone, {})).toBe(alone);
  });
});
