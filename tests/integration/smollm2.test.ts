import { describe, expect, test } from 'vitest';
import { openSafetensors } from '../../src/io/safetensors.js';
import { adaptedModel } from '../../src/lora/adapted-model.js';
import { type ModelFolder, openModelFolder } from '../../src/model/load.js';
import { logitsSpec } from '../../src/model/logits.js';
import type { Program } from '../../src/program/program.js';
import { testBackend } from '../helpers/backend.js';
import { disturbedModel, expectNear } from '../helpers/disturbed.js';
import { needs, SMOLLM2 } from '../helpers/tokens.js';

const EVERY = 97; // The committed reference keeps every 97th logit; scripts/reference/smollm2_logits.py compares all.

describe('SmolLM2-135M-Instruct', () => {
  test('logits equal transformers, with the same likeliest token everywhere', async (context) => {
    needs(context, SMOLLM2);
    const backend = await testBackend();
    context.skip(backend.name === 'wasm', 'a model of this size takes too long on WASM');
    const model = await openModelFolder(SMOLLM2);
    const open = (weights: ModelFolder) =>
      adaptedModel(weights, undefined, logitsSpec, { mode: 'eager', precision: 'float32' });
    const [program, disturbed] = [await open(model), await open(disturbedModel(model, 1))];
    const expected = await openSafetensors('tests/fixtures/smollm2-logits.safetensors');
    for (const text of [0, 1, 2]) {
      const ids = await expected.read(`${text}.input_ids`);
      const rowsOf = async (one: Program) => {
        const { logits } = await one.run('logits', { ids }, ['logits']);
        const [, t, v] = logits!.shape as [number, number, number];
        return Array.from({ length: t }, (_, i) => logits!.data.subarray(i * v, (i + 1) * v) as Float32Array);
      };
      const kept = (all: readonly Float32Array[]) => all.flatMap((row) => [...row.filter((_, i) => i % EVERY === 0)]);
      const rows = await rowsOf(program);
      expectNear(kept(rows), await expected.read(`${text}.logits`), [kept(await rowsOf(disturbed))]);
      const top = rows.map((row) => row.reduce((best, logit, i) => (logit > row[best]! ? i : best), 0));
      expect(top).toEqual([...(await expected.read(`${text}.top`)).data]);
    }
    program.dispose();
    disturbed.dispose();
    await expected.close();
    await model.close();
  });
});
