import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { float32, int32 } from '../../src/core/host-tensor.js';
import { random } from '../../src/core/random.js';
import { writeSafetensors } from '../../src/io/safetensors.js';
import { adaptedModel } from '../../src/lora/adapted-model.js';
import { type Adapter, adapterSpecs, concatenateAdapters } from '../../src/lora/adapter.js';
import { mergeAdapter } from '../../src/lora/merge-folder.js';
import { loraOptions } from '../../src/lora/options.js';
import { readAdapter, writeAdapter } from '../../src/lora/peft-files.js';
import { openModelFolder } from '../../src/model/load.js';
import { logitsSpec } from '../../src/model/logits.js';
import { linearShapes } from '../../src/model/parameters.js';
import { testBackend } from '../helpers/backend.js';
import { disturbedModel, disturbedRuns, expectNear } from '../helpers/disturbed.js';

const [BASE, PEFTS] = ['tests/fixtures/train/base', 'tests/fixtures/train/adapter'];
const IDS = [1, 17, 44, 3, 3, 90, 62, 111, 8, 25, 70, 2];
const python = process.env.PHASETUNE_PYTHON;

const base = await openModelFolder(BASE);
await base.close();
const linears = linearShapes(base.config);

let folder: string;
beforeAll(async () => {
  await testBackend();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'phasetune-python-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function filled(seed: number, given: Record<string, unknown>): Adapter {
  const options = loraOptions.parse(given);
  const { normal } = random(seed);
  const values = (shape: readonly number[]) => Array.from({ length: shape[0]! * shape[1]! }, () => 0.1 * normal());
  const specs = adapterSpecs(linears, options);
  return { options, tensors: new Map([...specs].map(([name, shape]) => [name, float32(shape, values(shape))])) };
}

const ADAPTERS: Record<string, () => Adapter | Promise<Adapter>> = {
  "PEFT's own": () => readAdapter(PEFTS, linears),
  'all projections': () => filled(1, { rank: 4, alpha: 16 }),
  'rsLoRA on some, with dropout': () =>
    filled(2, { rank: 4, alpha: 6, rsLora: true, dropout: 0.5, targets: ['q_proj', 'model.layers.1.mlp.down_proj'] }),
  'two of one after the other': async () =>
    concatenateAdapters(
      [await readAdapter(PEFTS, linears), filled(3, { rank: 2, rsLora: true, targets: ['v_proj'] })],
      linears,
    ),
};

/** Logits of IDS by our program, [1, T, V]; disturbed where a seed is given. */
async function logitsOf(modelFolder: string, adapter?: string, seed?: number): Promise<Float32Array> {
  const model = await openModelFolder(modelFolder);
  const weights = seed === undefined ? model : disturbedModel(model, seed);
  const program = await adaptedModel(weights, adapter, logitsSpec, { mode: 'eager', precision: 'float32' });
  const { logits } = await program.run('logits', { ids: int32([1, IDS.length], IDS) }, ['logits']);
  program.dispose();
  await model.close();
  return logits!.data as Float32Array;
}

/** Writes our logits of a model as the reference script reads them, and gives the script's arguments. */
async function caseOf(name: string, model: string, adapter?: string): Promise<string[]> {
  const file = join(folder, `${name}.safetensors`);
  const data = await logitsOf(model, adapter);
  await writeSafetensors(file, [
    { name: 'logits', dtype: 'F32', shape: [1, IDS.length, base.config.vocab_size], data },
    { name: 'input_ids', dtype: 'I32', shape: [1, IDS.length], data: Int32Array.from(IDS) },
  ]);
  return ['--case', model, file, ...(adapter ? [adapter] : [])];
}

async function written(name: string): Promise<{ adapter: string; merged: string }> {
  const [adapter, merged] = [join(folder, `adapter ${name}`), join(folder, `merged ${name}`)];
  await writeAdapter(adapter, await ADAPTERS[name]!(), linears, { name: null });
  await mergeAdapter(BASE, adapter, merged);
  return { adapter, merged };
}

test.each(Object.keys(ADAPTERS))('adapter folder and merged model give the same logits: %s', async (name) => {
  const { adapter, merged } = await written(name);
  const [plain, adapted, one] = [await logitsOf(BASE), await logitsOf(BASE, adapter), await logitsOf(merged)];
  const disturbed = await disturbedRuns((seed) => logitsOf(merged, undefined, seed));
  const largest = (a: Float32Array, b: Float32Array) => a.reduce((m, x, i) => Math.max(m, Math.abs(x - b[i]!)), 0);
  expectNear(adapted, one, disturbed);
  expect(largest(adapted, plain)).toBeGreaterThan(0.05);
});

test('all of them open in transformers and PEFT and give our logits within 1e-4', async ({ skip }) => {
  skip(!python, 'set PHASETUNE_PYTHON to a Python with torch, transformers and peft');
  const args = ['scripts/reference/check_open.py'];
  for (const name of Object.keys(ADAPTERS)) {
    const { adapter, merged } = await written(name);
    args.push(...(await caseOf(`adapted ${name}`, BASE, adapter)), ...(await caseOf(`merged ${name}`, merged)));
  }
  const env = { ...process.env, HF_HUB_OFFLINE: '1' };
  const { stdout } = await promisify(execFile)(python!, args, { env }).catch(
    (failed: { stdout: string; stderr: string }) => expect.fail(`${failed.stdout}\n${failed.stderr}`),
  );
  const results = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { problems: string[] });
  expect(results.map(({ problems }) => problems)).toEqual(Array.from({ length: 8 }, () => []));
});
