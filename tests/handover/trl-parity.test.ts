import { join } from 'node:path';
import { expect } from 'vitest';
import { compareWithTrl } from '../../scripts/handover/parity.js';
import { stage } from '../../src/workflow/stage.js';
import { temporaryFolder } from '../helpers/folder.js';
import { ROOT } from '../helpers/program.js';
import { withTrl } from '../helpers/trl.js';

/** Each of seven processes of Python takes most of its time to import torch. */
const TIMEOUT_MS = 900_000;

withTrl(
  'three stages of TRL come to the same as three stages of ours, number by number, and two processes, with copies or shards of the model, to the same as one',
  async (python) => {
    const folder = temporaryFolder('trl');
    const data = join(folder, 'staged');
    await stage({ file: join(ROOT, 'datasets/demo/raw.jsonl'), out: data, stages: 3, holdout: 20 });
    const model = join(ROOT, 'models/tiny-llama');
    const compared = await compareWithTrl({ python, model, data, folder, steps: 20, learningRate: 2e-4 });
    expect(compared.filter(({ found, limit }) => !(found <= limit))).toEqual([]);
    expect(compared.map(({ what }) => what)).toEqual([
      'rows with other ids or labels',
      'held-out loss of the base',
      'loss of the first step',
      'gradient norm of the first step, relative',
      'largest difference of the first 20 losses',
      'matrices after stage 1, share of their largest element',
      'held-out loss after stage 1',
      'held-out loss after stage 2',
      'held-out loss after stage 3',
      'largest difference of all learning rates',
      'stages that began with another adapter',
      'largest difference of the losses of two processes',
      'matrices after stage 1 of two processes, share of their largest element',
      'held-out loss after stage 1 of two processes',
      'largest difference of the losses of two processes by FSDP2',
      'matrices after stage 1 of two processes by FSDP2, share of their largest element',
      'held-out loss after stage 1 of two processes by FSDP2',
    ]);
  },
  TIMEOUT_MS,
);
