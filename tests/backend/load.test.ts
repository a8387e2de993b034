import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Backend } from '../../src/backend/backend.js';
import { loadBackend } from '../../src/backend/load.js';
import { cacheHome, nativeHome } from '../../src/backend/native/home.js';
import { findRuntime } from '../../src/backend/native/runtime.js';
import { setUp } from '../../src/backend/setup.js';
import * as tf from '../../src/backend/tf.js';
import { silentLogger } from '../../src/telemetry/logger.js';
import { nativeOnly, testBackend } from '../helpers/backend.js';
import { fakeMachine, runTypeScript } from '../helpers/fake-machine.js';
import { gamma } from '../helpers/rounding.js';

const empty = mkdtempSync(join(tmpdir(), 'phasetune-empty-'));
afterAll(() => rmSync(empty, { recursive: true }));

let backend: Backend;
beforeAll(async () => {
  backend = await testBackend();
});

const [ROWS, INNER, COLUMNS] = [5, 7, 3];
const A = Array.from({ length: ROWS * INNER }, (_, i) => Math.sin(i + 1));
const B = Array.from({ length: INNER * COLUMNS }, (_, i) => Math.cos(i * 2 + 1));

function expectProduct(got: ArrayLike<number>) {
  expect(got.length).toBe(ROWS * COLUMNS);
  for (let r = 0; r < ROWS; r++)
    for (let c = 0; c < COLUMNS; c++) {
      const terms = Array.from({ length: INNER }, (_, k) => A[r * INNER + k]! * B[k * COLUMNS + c]!);
      const sum = (values: readonly number[]) => values.reduce((x, y) => x + y);
      // Both factors are rounded to float32 first.
      const limit = gamma(INNER + 2) * sum(terms.map(Math.abs));
      expect(Math.abs(got[r * COLUMNS + c]! - sum(terms))).toBeLessThanOrEqual(limit);
    }
}

test('a product of two matrices is right in every element', async () => {
  const product = tf.tidy(() => tf.matMul(tf.tensor2d(A, [ROWS, INNER]), tf.tensor2d(B, [INNER, COLUMNS])));
  expectProduct(await product.data());
  product.dispose();
});

test('memory counts tensors and their bytes', () => {
  const before = backend.memory();
  const t = tf.zeros([10, 10]);
  expect(backend.memory()).toEqual({ tensors: before.tensors + 1, bytes: before.bytes + 400 });
  t.dispose();
  expect(backend.memory()).toEqual(before);
});

test('a process has one backend: asking again gives the same, another device is refused', async () => {
  expect(await loadBackend()).toBe(backend);
  const other = backend.device === 'wasm' ? 'cpu' : 'wasm';
  await expect(loadBackend({ device: other })).rejects.toThrow(`this process already computes on ${backend.device}`);
});

/** Loads a backend in a process of its own and prints what came and the product as JSON. */
const inChild = async (options: string, before = '') => {
  const { stdout, stderr } = await runTypeScript(
    `${before}
     import { loadBackend } from './src/backend/load.ts';
     import * as tf from './src/backend/tf.ts';
     const warnings = [];
     const logger = { debug() {}, info() {}, warn: (text) => warnings.push(text) };
     try {
       const { name, device } = await loadBackend({ logger, ...${options} });
       const a = tf.tensor2d(${JSON.stringify(A)}, [${ROWS}, ${INNER}]);
       const product = [...tf.matMul(a, tf.tensor2d(${JSON.stringify(B)}, [${INNER}, ${COLUMNS}])).dataSync()];
       tf.concat([a, a]);
       const top = tf.topk(tf.tensor1d([3, 1, 2]), 2).indices.arraySync();
       console.log(JSON.stringify({ name, device, warnings, product, top }));
     } catch (error) {
       console.log(JSON.stringify({ code: error.code, message: error.message }));
     }`,
  ).ended;
  if (!stdout) throw new Error(stderr);
  return { ...JSON.parse(stdout), stderr };
};

test('WASM gives the right product and says nothing when it was asked for', async () => {
  const got = await inChild(`{ device: 'wasm' }`);
  expect(got).toMatchObject({ name: 'wasm', device: 'wasm', warnings: [], top: [0, 2], stderr: '' });
  expectProduct(got.product);
});

test('where the native library is not set up, auto is WASM with one line that says how to get it', async () => {
  const got = await inChild(`{ home: ${JSON.stringify(empty)} }`);
  expect(got).toMatchObject({ name: 'wasm', device: 'wasm', stderr: '' });
  expect(got.warnings).toHaveLength(1);
  expect(got.warnings[0]).toMatch(/not set up.*WASM.*run `setup`/);
});

test.each(['cpu', 'cuda'])('%s by name where it is not set up is refused with what to run', async (device) => {
  const got = await inChild(`{ device: '${device}', home: ${JSON.stringify(empty)} }`);
  expect(got).toMatchObject({ code: 'backend' });
  expect(got.message).toMatch(/is not set up in .*; run `setup`$/);
});

nativeOnly(
  'the native library loads without a word on stderr, on Nodes that lack or warn of what it calls in node:util too',
  async () => {
    const without = `import { createRequire } from 'node:module';
     const util = createRequire(import.meta.url)('node:util');
     delete util.isNullOrUndefined;
     util.isArray = () => { throw new Error('Node 22 would print a warning'); };`;
    const got = await inChild(`{ device: 'cpu' }`, without);
    expect(got).toMatchObject({ name: 'tensorflow', device: 'cpu', warnings: [], top: [0, 2], stderr: '' });
    expectProduct(got.product);
  },
);

nativeOnly('a library that does not load: auto warns and takes WASM, by name it is an error', async () => {
  const machine = fakeMachine();
  await setUp({ wanted: 'cpu', home: machine.home, env: machine.env, logger: silentLogger });
  const home = JSON.stringify(machine.home);
  // Without LD_LIBRARY_PATH the binding finds what lies beside it, which is no library.
  const [auto, named] = await Promise.all([inChild(`{ home: ${home} }`), inChild(`{ home: ${home}, device: 'cpu' }`)]);
  machine.remove();
  const message = /does not load \(.*invalid ELF header\); run `doctor` to see what to do/;
  expect(auto).toMatchObject({ device: 'wasm', warnings: [expect.stringMatching(message)] });
  expect(named).toMatchObject({ code: 'backend', message: expect.stringMatching(message) });
});

/** Loads the library for the processor alone, beside an `nvidia-smi` that runs this. */
async function beside(smi: string) {
  const home = mkdtempSync(join(tmpdir(), 'phasetune-smi-'));
  const { root } = findRuntime(cacheHome(), 'cpu')!.paths;
  mkdirSync(nativeHome(home));
  symlinkSync(root, join(nativeHome(home), basename(root)));
  writeFileSync(join(home, 'nvidia-smi'), `#!${process.execPath}\n${smi}`, { mode: 0o755 });
  const before = `process.env.PATH = ${JSON.stringify(`${home}:`)} + process.env.PATH;`;
  return inChild(`{ home: ${JSON.stringify(home)} }`, before).finally(() => rmSync(home, { recursive: true }));
}

nativeOnly('a driver without a card is reported as that, without advice that changes nothing', async () => {
  const got = await beside('process.exit(9);');
  expect(got.device).toBe('cpu');
  expect(got.warnings).toEqual([
    'there is an NVIDIA driver but no card to be seen, so the processor computes: run `doctor` to see what to do, or set `device: cpu`',
  ]);
});

nativeOnly('a card beside the library for the processor alone is reported with the way to use it', async () => {
  const got = await beside("console.log('NVIDIA Test 9000, 550.54.15');");
  expect(got.warnings).toEqual([
    'there is an NVIDIA card, but only the library for the processor is set up: run `setup`',
  ]);
});

nativeOnly('verbose lets the library talk', async () => {
  // Without oneDNN there is nothing that it says of itself.
  const plain = 'delete process.env.TF_ENABLE_ONEDNN_OPTS; delete process.env.ONEDNN_MAX_CPU_ISA;';
  expect((await inChild(`{ device: 'cpu', verbose: true }`, plain)).stderr).toMatch(
    /oneDNN|TensorFlow binary is optimized/,
  );
});
