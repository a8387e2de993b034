import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { runStages } from '../../src/train/staged-run.js';
import { quickTuner, tinyJob } from '../helpers/tiny-run.js';

test.each([Number.NaN, Number.POSITIVE_INFINITY])(
  'a base whose held-out loss is %d is refused before any step, and the rows are not blamed',
  async (loss) => {
    const job = await tinyJob();
    const tuner = await quickTuner();
    let steps = 0;
    const broken = {
      ...tuner,
      step: () => {
        steps++;
        throw new Error('no step may be made');
      },
      evaluate: async (...given: Parameters<typeof tuner.evaluate>) =>
        (await tuner.evaluate(...given)).map((value, i) => (i === 0 ? loss : value)),
    };
    try {
      await expect(runStages(broken, job).result).rejects.toThrow(`held-out rows is ${loss} before any training`);
      expect(steps).toBe(0);
    } finally {
      tuner.dispose();
      await job.lock.release?.();
      await rm(dirname(job.folder), { recursive: true, force: true });
    }
  },
);
