import { readdirSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { openSafetensors } from '../../src/io/safetensors.js';
import { linear } from '../../src/model/linear.js';
import { loadParameters, modelVariables, openModel } from '../../src/model/load.js';
import { logitsSpec } from '../../src/model/logits.js';
import { compile } from '../../src/program/compile.js';
import { joinSpecs } from '../../src/program/program.js';
import { testBackend } from '../helpers/backend.js';
import { largestRelativeError } from '../helpers/compare.js';

const FOLDER = 'tests/fixtures/logits';

describe('logits equal transformers', () => {
  beforeAll(() => testBackend());

  test.each(readdirSync(FOLDER))('%s', async (name) => {
    const model = await openModel(`${FOLDER}/${name}`);
    const spec = joinSpecs(modelVariables(model.config), logitsSpec(model.config, linear));
    const program = await compile(spec, { mode: 'eager', precision: 'float32' });
    await loadParameters(program, model);
    const expected = await openSafetensors(`${FOLDER}/${name}/expected.safetensors`);
    const { logits } = await program.run('logits', { ids: await expected.read('input_ids') }, ['logits']);
    expect(largestRelativeError(logits!, await expected.read('logits'))).toBeLessThan(1e-5);
    program.dispose();
    await expected.close();
    await model.close();
  });
});
