import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PhasetuneError } from '../../src/core/errors.js';
import { float32, type HostTensor, int32 } from '../../src/core/host-tensor.js';
import { openSafetensors } from '../../src/io/safetensors.js';
import { adaptedModel } from '../../src/lora/adapted-model.js';
import { openModelFolder } from '../../src/model/load.js';
import { logitsSpec } from '../../src/model/logits.js';
import { testBackend } from '../helpers/backend.js';
import { largestRelativeError } from '../helpers/compare.js';

const FOLDER = 'tests/fixtures/configs';
const { positions, shapes, cases } = JSON.parse(readFileSync(join(FOLDER, 'cases.json'), 'utf8')) as {
  positions: number[];
  shapes: Record<string, number>;
  cases: { config: Record<string, unknown>; exception?: string }[];
};
const [LENGTH, LAYERS, D, F, H, HEADS] = [24, 2, 16, 12, 6, 4];

/**
 * Rounding of float32 on both sides: half a unit for each term of the sums on the longest way
 * through the model, which are norms, projections, scores, softmax and values of each layer, the
 * last norm and the head.
 */
const TOLERANCE = 2 * 2 ** -24 * (LAYERS * (2 * D + D + H + 2 * LENGTH + HEADS * H + D + F) + 2 * D);

let folder: string;
beforeAll(async () => {
  await testBackend();
  folder = mkdtempSync(join(tmpdir(), 'phasetune-configs-'));
  copyFileSync(join(FOLDER, 'model.safetensors'), join(folder, 'model.safetensors'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The logits of a model with this config.json, or why it is refused. */
async function logitsOf(config: object, ids: HostTensor): Promise<HostTensor | PhasetuneError> {
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...shapes, ...config }));
  try {
    const model = await openModelFolder(folder);
    const program = await adaptedModel(model, undefined, logitsSpec, { mode: 'eager', precision: 'float32' });
    const { logits } = await program.run('logits', { ids }, ['logits']);
    program.dispose();
    await model.close();
    return logits!;
  } catch (error) {
    if (error instanceof PhasetuneError) return error;
    throw error;
  }
}

test('whatever config.json says, the logits are those of transformers, or a field or tensor is refused by name', async () => {
  const expected = await openSafetensors(join(FOLDER, 'expected.safetensors'));
  const { data: all } = await expected.read('logits');
  const ids = int32([1, LENGTH], (await expected.read('input_ids')).data as Int32Array);
  const v = shapes.vocab_size!;
  let equal = 0;
  for (const [i, { config, exception }] of cases.entries()) {
    const found = await logitsOf(config, ids);
    const shown = JSON.stringify(config);
    if (found instanceof PhasetuneError) {
      expect(found.code, shown).toBe('data');
      const named = String(found.fields.field ?? found.fields.tensor ?? '');
      const known = Object.keys(config).some((name) => named.startsWith(name)) || named.startsWith('model.layers');
      expect(known, `${shown}: ${found.message}`).toBe(true);
    } else if (exception === undefined) {
      const rows = positions.map((at) => found.data.subarray(at * v, (at + 1) * v));
      const ours = float32([positions.length, v], Float32Array.from(rows.flatMap((row) => [...row])));
      const size = positions.length * v;
      const theirs = float32([positions.length, v], all.subarray(i * size, (i + 1) * size) as Float32Array);
      expect(largestRelativeError(ours, theirs), shown).toBeLessThan(TOLERANCE);
      equal++;
    }
  }
  await expected.close();
  // Most that are refused have a field of another kind of model; a loader that refuses everything
  // would be right as well.
  expect(equal).toBeGreaterThan(cases.length / 4);
});
