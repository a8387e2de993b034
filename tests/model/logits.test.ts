import { readdirSync } from 'node:fs';
import { beforeAll, describe, test } from 'vitest';
import { openSafetensors } from '../../src/io/safetensors.js';
import { adaptedModel } from '../../src/lora/adapted-model.js';
import { type ModelFolder, openModelFolder } from '../../src/model/load.js';
import { logitsSpec } from '../../src/model/logits.js';
import { testBackend } from '../helpers/backend.js';
import { disturbedModel, disturbedRuns, expectNear } from '../helpers/disturbed.js';

const FOLDER = 'tests/fixtures/logits';

describe('logits equal transformers', () => {
  beforeAll(() => testBackend());

  test.each(readdirSync(FOLDER))('%s', async (name) => {
    const model = await openModelFolder(`${FOLDER}/${name}`);
    const expected = await openSafetensors(`${FOLDER}/${name}/expected.safetensors`);
    const ids = await expected.read('input_ids');
    const logitsOf = async (weights: ModelFolder) => {
      const program = await adaptedModel(weights, undefined, logitsSpec, { mode: 'eager', precision: 'float32' });
      const { logits } = await program.run('logits', { ids }, ['logits']);
      program.dispose();
      return logits!;
    };
    const disturbed = await disturbedRuns((seed) => logitsOf(disturbedModel(model, seed)));
    expectNear(await logitsOf(model), await expected.read('logits'), disturbed);
    await expected.close();
    await model.close();
  });
});
