import { readdirSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { openSafetensors } from '../../src/io/safetensors.js';
import { adaptedModel } from '../../src/lora/adapted-model.js';
import { openModel } from '../../src/model/load.js';
import { logitsSpec } from '../../src/model/logits.js';
import { testBackend } from '../helpers/backend.js';
import { largestRelativeError } from '../helpers/compare.js';

const FOLDER = 'tests/fixtures/logits';

describe('logits equal transformers', () => {
  beforeAll(() => testBackend());

  test.each(readdirSync(FOLDER))('%s', async (name) => {
    const model = await openModel(`${FOLDER}/${name}`);
    const program = await adaptedModel(model, undefined, logitsSpec, { mode: 'eager', precision: 'float32' });
    const expected = await openSafetensors(`${FOLDER}/${name}/expected.safetensors`);
    const { logits } = await program.run('logits', { ids: await expected.read('input_ids') }, ['logits']);
    expect(largestRelativeError(logits!, await expected.read('logits'))).toBeLessThan(1e-5);
    program.dispose();
    await expected.close();
    await model.close();
  });
});
