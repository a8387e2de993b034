import { expect } from 'vitest';
import { killStudy } from '../../scripts/reliability/kill-study.js';
import { nativeOnly } from '../helpers/backend.js';
import { temporaryFolder } from '../helpers/folder.js';

/** A sample of what scripts/reliability/study-kills.ts does fifty times. */
nativeOnly(
  'a study that is killed, and whose cells are, comes to the same results, and runs nothing twice',
  async () => {
    const result = await killStudy({ folder: temporaryFolder('study-kills'), kills: 3, arms: 2, seeds: 1, seed: 4 });
    expect(result).toMatchObject({ studies: 1, different: [], runAfterDone: 0 });
    expect(result.coordinators + result.cells).toBe(3);
  },
);
