import { appendFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dataError } from '../../src/core/errors.js';
import { float32 } from '../../src/core/host-tensor.js';
import { random } from '../../src/core/random.js';
import { type Adapter, adapterSpecs, initAdapter } from '../../src/lora/adapter.js';
import { loraOptions } from '../../src/lora/options.js';
import { readAdapter } from '../../src/lora/peft-files.js';
import { readCheckpoint } from '../../src/train/checkpoint.js';
import { type CheckpointContent, writeCheckpoint } from '../../src/train/checkpoint-write.js';
import { newestCheckpoint } from '../../src/train/checkpoints.js';
import { gamma } from '../helpers/rounding.js';

const linears = new Map([
  ['model.layers.0.self_attn.q_proj', { outputs: 4, inputs: 6 }],
  ['model.layers.0.mlp.down_proj', { outputs: 6, inputs: 3 }],
]);
const base = { name: 'base', linears };
const options = loraOptions.parse({ rank: 2, alpha: 4 });

const adapter = (seed: number): Adapter => {
  const tensors = new Map(initAdapter(adapterSpecs(linears, options), seed));
  for (const [name, { shape, data }] of tensors)
    tensors.set(name, float32(shape, data.map((v, i) => v + seed + i / 8) as Float32Array));
  return { options, tensors };
};
const optimizer = new Map([['exp_avg.x', float32([2, 2], [1, -2, 3e-9, 4])]]);
const content: CheckpointContent = {
  own: adapter(1),
  merged: [],
  optimizer,
  state: {
    kind: 'step',
    stage: 2,
    steps: 9,
    plan: 'hash',
    progress: {
      step: 3,
      optimizerStep: 12,
      tokens: 500,
      trainedTokens: 200,
      seconds: 7.25,
      since: { loss: 2.5, tokens: 50, trainedTokens: 20, seconds: 0.75 },
      random: random(1).state(),
      losses: [2.5, 2.25],
      consumed: { rows: 6, sha256: 'hash' },
      skipped: [2],
      spikes: 1,
      best: { saved: { path: 'stage-2/step-000001', sha256: 'hash' }, loss: 2.125 },
    },
    origin: { from: 'base' },
    merged: [],
    events: 12,
    seconds: 30.5,
    stages: [{ origin: { from: 'base' }, end: { path: 'stage-1/step-000009', sha256: 'hash' } }],
    matrix: [{ after: 0, losses: [3, 4], all: 3.5 }],
  },
};
const withMerged = {
  ...content,
  merged: [adapter(2)],
  state: { ...content.state, merged: [{ path: 'stage-1/step-000004', sha256: 'hash' }] },
};

let home: string;
let folder: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'phasetune-checkpoint-'));
  folder = join(home, 'stage-2/step-000003');
});
afterEach(() => rm(home, { recursive: true }));

test.each([
  ['plain', content],
  ['over a merged adapter', withMerged],
])('%s: what was written is read back, every number', async (_, written) => {
  const sha256 = await writeCheckpoint(folder, written, base);
  const read = await readCheckpoint(folder, linears);
  expect(read.sha256).toBe(sha256);
  expect(read.state).toEqual(written.state);
  expect(read.own.options).toEqual(options);
  expect(new Map(read.own.tensors)).toEqual(written.own.tensors);
  expect(await read.optimizer()).toEqual(optimizer);
});

test('over a merged adapter the PEFT files hold both, for the original base', async () => {
  await writeCheckpoint(folder, withMerged, base);
  const { options: whole, tensors, base: info } = await readAdapter(folder, linears);
  expect(whole).toMatchObject({ rank: 4, alpha: 4 });
  expect(info.name).toBe('base');
  for (const [module, { outputs, inputs }] of linears) {
    const change = (
      from: ReadonlyMap<string, { data: ArrayLike<number> }>,
      rank: number,
      scale: number,
      sign = (x: number) => x,
    ) => {
      const [a, b] = ['A', 'B'].map((m) => from.get(`base_model.model.${module}.lora_${m}.weight`)!.data);
      return Array.from({ length: outputs * inputs }, (_, at) => {
        let sum = 0;
        for (let r = 0; r < rank; r++)
          sum += sign(b![Math.floor(at / inputs) * rank + r]! * a![r * inputs + (at % inputs)]!);
        return sum * scale;
      });
    };
    const [one, two] = [change(withMerged.merged[0]!.tensors, 2, 2), change(withMerged.own.tensors, 2, 2)];
    // Joined matrices are scaled and rounded once; the sums are made in float64.
    const most = change(tensors, 4, 1, Math.abs);
    for (const [i, value] of change(tensors, 4, 1).entries())
      expect(Math.abs(value - one[i]! - two[i]!)).toBeLessThanOrEqual(gamma(4) * most[i]!);
  }
});

test('a change of any file is found, and the file named', async () => {
  await writeCheckpoint(folder, withMerged, base);
  const { files } = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as { files: object };
  const names = await readdir(folder, { recursive: true });
  expect([...Object.keys(files), 'manifest.json', 'stage-adapter'].sort()).toEqual(names.sort());
  for (const name of Object.keys(files)) {
    await rm(folder, { recursive: true });
    await writeCheckpoint(folder, withMerged, base);
    await appendFile(join(folder, name), ' ');
    await expect(readCheckpoint(folder, linears)).rejects.toMatchObject({
      code: 'data',
      message: expect.stringContaining(`${join(folder, name)}: changed since it was written`),
    });
    await rm(join(folder, name));
    await expect(readCheckpoint(folder, linears)).rejects.toThrow(`${join(folder, name)}: missing`);
  }
});

test('a folder without its manifest is no checkpoint', async () => {
  await writeCheckpoint(folder, content, base);
  await rm(join(folder, 'manifest.json'));
  await expect(readCheckpoint(folder, linears)).rejects.toMatchObject({
    code: 'data',
    message: expect.stringMatching(/not a complete checkpoint \(no manifest.json in it\)/),
  });
});

test('a write that fails leaves nothing behind', async () => {
  const broken = { ...content, optimizer: new Map([['exp_avg.x', { ...float32([1], [1]), shape: [2] }]]) };
  await expect(writeCheckpoint(folder, broken, base)).rejects.toThrow();
  expect(await readdir(join(home, 'stage-2'))).toEqual([]);
});

test('a checkpoint that there is no memory to read is not taken for broken', async () => {
  await writeCheckpoint(folder, content, base);
  class Short extends Map<string, { outputs: number; inputs: number }> {
    override keys(): never {
      throw dataError('a file', {}, new RangeError('Array buffer allocation failed'));
    }
  }
  await expect(newestCheckpoint(home, new Short(linears))).rejects.toThrow('a file');
  expect((await newestCheckpoint(home, linears)).found?.saved.path).toBe('stage-2/step-000003');
});
