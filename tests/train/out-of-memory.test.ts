import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { dataError } from '../../src/core/errors.js';
import { isOutOfMemory, memoryFor } from '../../src/core/out-of-memory.js';
import type { CompileOptions } from '../../src/program/compile-options.js';
import { memoryUses, namingMemory } from '../../src/train/out-of-memory.js';
import { nativeOnly } from '../helpers/backend.js';
import { temporaryFolder } from '../helpers/folder.js';
import { onePerLine } from '../helpers/micro-batch.js';
import { writeTinyModel } from '../helpers/tiny-model.js';
import { countingRow } from '../helpers/tiny-run.js';

const GIB = 2 ** 30;
const setting = { gradientCheckpointing: false, loadIn8bit: false };
const failing = (message: string) => () => Promise.reject(new Error(message));

test.each([
  'Session fail to run with error: OOM when allocating tensor with shape[64,2,512,512] and type float on /job:localhost',
  'Session fail to run with error: Out of memory while trying to allocate 64.25MiB.',
  'Invalid TF_Status: 8\nMessage: OOM when allocating tensor with shape[64,1,512,512]',
  'RESOURCE_EXHAUSTED: failed to allocate memory',
  'CUDA_ERROR_OUT_OF_MEMORY: out of memory',
  'CUBLAS_STATUS_ALLOC_FAILED',
  'could not create a memory object',
  'std::bad_alloc',
  'Array buffer allocation failed',
  'Invalid typed array length: 25769803776',
  'Invalid array length',
  'Invalid string length',
  'Cannot create a string longer than 0x1fffffe8 characters',
  'Invalid TF_Status: 8\nMessage: ',
  'ENOMEM: not enough memory, read',
  'spawn ENOMEM',
  'WebAssembly.instantiate(): Out of memory: Cannot allocate Wasm memory for new instance',
  'libtensorflow_cc.so.2: cannot allocate memory in static TLS block: Cannot allocate memory',
  'WebAssembly.Memory.grow(): Maximum memory size exceeded',
])('%s', (message) => {
  expect(isOutOfMemory(new Error(message))).toBe(true);
  expect(isOutOfMemory(new Error('other', { cause: new Error(message) }))).toBe(true);
});

test('other errors stay what they are', async () => {
  for (const message of ['shapes differ', 'a bloom filter', 'ROOM 4', 'ENOSPC: no space left on device'])
    await expect(namingMemory(memoryUses(setting).load(), failing(message))).rejects.toThrow(new Error(message));
  expect(isOutOfMemory('out of memory')).toBe(false);
  expect(isOutOfMemory(new RangeError('Invalid typed array length: -1'))).toBe(false);
});

test('an error that quotes what is in a file is none, whatever the file says', () => {
  const quoted = (text: string) => {
    try {
      return JSON.parse(text);
    } catch (error) {
      return error;
    }
  };
  expect(quoted('out of memory')).toBeInstanceOf(SyntaxError);
  expect(isOutOfMemory(quoted('out of memory'))).toBe(false);
  expect(isOutOfMemory(dataError('row r1: "out of memory" is no number', {}, quoted('out of memory')))).toBe(false);
  expect(isOutOfMemory(dataError('cannot read', {}, new RangeError('Array buffer allocation failed')))).toBe(true);
});

test('what is named already keeps its name', async () => {
  const inner = memoryFor('making the adapter', { option: 'lora.rank', change: 'lower' });
  const work = () => namingMemory(inner, failing('std::bad_alloc'));
  await expect(namingMemory(memoryFor('training'), work)).rejects.toMatchObject({
    code: 'failed',
    message: expect.stringMatching(/^out of memory in making the adapter; lower `lora\.rank`, or free memory/),
    fields: { outOfMemory: true },
  });
});

test('the error names the batch, its longest rows first, and only what can still be lowered', async () => {
  const rows = [5, 9, 7, 3, 6].map((length, i) => countingRow(`row${i}`, i, 1, length));
  const batch = onePerLine(rows, 16);
  const told = (use: Parameters<typeof namingMemory>[0]) =>
    namingMemory(use, failing('std::bad_alloc')).catch((e) => e);
  expect(await told(memoryUses(setting).step(batch))).toMatchObject({
    code: 'failed',
    message:
      'out of memory in a training step, at a batch of 5 lines x 16 tokens (rows by their tokens: row1 (9), row2 (7), row4 (6), row0 (5) and 1 shorter); raise `microBatches`, or set `gradientCheckpointing: true`, or lower `maxLength`, or set `loadIn8bit: true` to hold the weights in 8 bits, or set `memoryLimit` to let it choose (a plan shows what a run takes)',
    fields: { outOfMemory: true, lines: 5, tokens: 16, rows: 'row1 row2 row4 row0 row3' },
  });
  const { message } = await told(memoryUses({ gradientCheckpointing: true, loadIn8bit: true }).step(batch));
  expect(message).not.toMatch(/gradientCheckpointing|set `loadIn8bit/);
  expect(message).toContain(
    'or set `loadIn4bit: true` in place of `loadIn8bit`, to hold the weights in 4 bits, or set `memoryLimit`',
  );
  const { message: least } = await told(memoryUses({ gradientCheckpointing: true, loadIn4bit: true }).step(batch));
  expect(least).not.toMatch(/loadIn/);
  expect((await told(memoryUses(setting).evaluate(batch))).message).toMatch(/held-out loss, .* lower `evalRows`/);
});

// Not captured: of what the session asks for in threads of its own some pieces end the process, and
// which come first is chance.
const EAGER: CompileOptions = { mode: 'eager', precision: 'float32' };

nativeOnly('a process that runs out of memory says for what, keeps what it holds to the bit, and goes on', () => {
  if (spawnSync('prlimit', ['--version']).status !== 0) {
    console.warn('skipped: no prlimit here, with which memory is made short');
    return;
  }
  const words = ['--import', 'tsx', 'tests/train/short-of-memory.ts', JSON.stringify(EAGER)];
  const { stdout, stderr, status } = spawnSync(process.execPath, words, { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  const { errors, unchanged, goesOn } = JSON.parse(stdout.trim().split('\n').at(-1)!);
  const named = { name: 'PhasetuneError', code: 'failed', fields: { outOfMemory: true, lines: 2, tokens: 65_536 } };
  const rows = 'at a batch of 2 lines x 65536 tokens (rows by their tokens: long (65536), longer (65000))';
  expect(errors.step).toMatchObject({ ...named, message: expect.stringContaining(`a training step, ${rows}`) });
  expect(errors.accumulated).toMatchObject({ ...named, message: expect.stringContaining(rows) });
  expect(errors.evaluate).toMatchObject({ ...named, message: expect.stringContaining('lower `evalRows`') });
  expect({ unchanged, goesOn }).toEqual({ unchanged: true, goesOn: true });
});

nativeOnly('an adapter that there is no address space for is warned of, and one line says what to lower', async () => {
  if (spawnSync('prlimit', ['--version']).status !== 0) {
    console.warn('skipped: no prlimit here, with which memory is made short');
    return;
  }
  const home = temporaryFolder('short');
  const rows = readFileSync('datasets/demo/raw.jsonl', 'utf8').split('\n').slice(0, 12).join('\n');
  writeFileSync(join(home, 'rows.jsonl'), rows);
  const [model, data, out] = [await writeTinyModel(join(home, 'model')), join(home, 'data'), join(home, 'run')];
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ['--import', 'tsx', 'tests/train/short-run.ts', String(2 * GIB), ...args], {
      encoding: 'utf8',
    });
  expect(run('stage', join(home, 'rows.jsonl'), '--out', data, '--holdout', '0').status).toBe(0);
  const train = ['train', '--model', model, '--data', data, '--out', out, '--mode', 'eager', '--device', 'cpu'];
  const { stderr, status } = run(...train, '--lora.rank', '500000');
  const lines = stderr.trim().split('\n');
  expect(lines.findLast((line) => line.startsWith('warning: '))).toMatch(
    /^warning: the run \(of its weights alone\) is forecast to take .* of address space that ulimit -v allows; lower --lora\.rank/,
  );
  expect(lines.at(-1)).toMatch(/^error: out of memory in creating the adapter and its moments; lower --lora\.rank/);
  expect(stderr).not.toContain('report it');
  expect(status).toBe(1);
});
