import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { float32, type HostTensor, int32 } from '../../src/core/host-tensor.js';
import { ROOT, startPhasetune } from '../cli/child.js';
import { phasetune } from '../cli/in-process.js';
import { testBackend } from '../helpers/backend.js';
import { runTypeScript } from '../helpers/fake-machine.js';
import { writeTinyModel } from '../helpers/tiny-model.js';
import { expectFloat32, float32Disturbance } from './contract/agreement.js';
import { cases } from './contract/cases.js';
import { playDisturbed, playThrough } from './contract/play.js';

let home: string;
let training: string[];
beforeAll(async () => {
  await testBackend();
  home = await mkdtemp(join(tmpdir(), 'phasetune-wasm-'));
  const rows = (await readFile(join(ROOT, 'datasets/demo/raw.jsonl'), 'utf8')).split('\n').slice(0, 60);
  await writeFile(join(home, 'rows.jsonl'), rows.join('\n'));
  const data = join(home, 'staged');
  expect((await phasetune('stage', join(home, 'rows.jsonl'), '--out', data)).code).toBe(0);
  const model = await writeTinyModel(join(home, 'model'));
  training = [
    'train',
    '--model',
    model,
    '--data',
    data,
    '--out',
    join(home, 'run'),
    '--device',
    'wasm',
    '--steps',
    '1',
  ];
});
afterAll(() => rm(home, { recursive: true }));

test('a captured program is refused by name', async () => {
  const { stdout, stderr } = await runTypeScript(`
    import { loadBackend } from './src/backend/load.ts';
    import { compile } from './src/program/compile.ts';
    await loadBackend({ device: 'wasm' });
    const spec = { variables: {}, entries: {} };
    await compile(spec, { mode: 'captured', precision: 'float32' }).catch((error) => console.log(error.message));
  `).ended;
  expect([stdout, stderr]).toEqual(['a captured program needs the native TensorFlow library\n', '']);
});

test('training that asks for it is refused with what to do, and writes nothing', async () => {
  const { code, err } = await startPhasetune([...training, '--mode', 'captured']).ended;
  expect(err.trimEnd().split('\n').at(-1)).toContain(
    '--mode captured needs the native TensorFlow library; run `phasetune setup`, or set --mode eager',
  );
  expect(code).toBe(2);
  expect(await readdir(home)).not.toContain('run');
});

test('training that does not ask goes op by op', async () => {
  const { code, err } = await startPhasetune(training).ended;
  expect(err).toMatch(/stage 3 of 3: 1 steps? in/);
  expect(code).toBe(0);
  expect(await readdir(join(home, 'run/adapter'))).toContain('adapter_model.safetensors');
});

test('every entry gives and changes what it does natively', async () => {
  // Dropout draws other numbers there.
  const at = cases().findIndex(({ name }) => !name.includes('dropout'));
  const { stdout, stderr } = await runTypeScript(`
    import { loadBackend } from './src/backend/load.ts';
    import { cases } from './tests/program/contract/cases.ts';
    import { playThrough } from './tests/program/contract/play.ts';
    await loadBackend({ device: 'wasm' });
    const played = await playThrough(cases()[${at}], { mode: 'eager', precision: 'float32' });
    const plain = (tensors) => [...tensors].map(([name, { data, ...rest }]) => [name, { ...rest, data: [...data] }]);
    console.log(JSON.stringify(played.map((p) => ({ outputs: plain(Object.entries(p.outputs)), after: plain(p.after) }))));
  `).ended;
  expect(stderr).toBe('');
  const made = cases()[at]!;
  const reference = await playThrough(made, { mode: 'eager', precision: 'float32' });
  const disturbed = await playDisturbed(made, reference, float32Disturbance(made));
  const told = JSON.parse(stdout) as Record<'outputs' | 'after', [string, HostTensor][]>[];
  expect(told).toHaveLength(reference.length);
  for (const [i, { outputs, after }] of told.entries()) {
    const played = {
      ...reference[i]!,
      outputs: Object.fromEntries(outputs.map(typed)),
      after: new Map(after.map(typed)),
    };
    // Each call goes on from where the one before it ended: what they are off by adds up.
    expectFloat32(made, played, reference[i]!, disturbed[i]!, { calls: i + 1 });
  }
});

const typed = ([name, { shape, dtype, data }]: readonly [string, HostTensor]): [string, HostTensor] => [
  name,
  dtype === 'int32' ? int32(shape, [...data]) : float32(shape, [...data]),
];
