import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { isOutOfMemory } from '../../src/core/out-of-memory.js';
import type { CompileOptions } from '../../src/program/compile-options.js';
import { memoryUses, namingMemory } from '../../src/train/out-of-memory.js';
import { nativeOnly } from '../helpers/backend.js';
import { onePerLine } from '../helpers/micro-batch.js';
import { countingRow } from '../helpers/tiny-run.js';

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
  'WebAssembly.Memory.grow(): Maximum memory size exceeded',
])('%s', (message) => {
  expect(isOutOfMemory(new Error(message))).toBe(true);
  expect(isOutOfMemory(new Error('other', { cause: new Error(message) }))).toBe(true);
});

test('other errors stay what they are', async () => {
  for (const message of ['shapes differ', 'a bloom filter', 'ROOM 4', 'ENOSPC: no space left on device'])
    await expect(namingMemory(memoryUses(setting).load(), failing(message))).rejects.toThrow(new Error(message));
  expect(isOutOfMemory('out of memory')).toBe(false);
});

test('the error names the batch, its longest rows first, and only what can still be lowered', async () => {
  const rows = [5, 9, 7, 3, 6].map((length, i) => countingRow(`row${i}`, i, 1, length));
  const batch = onePerLine(rows, 16);
  const told = (use: Parameters<typeof namingMemory>[0]) =>
    namingMemory(use, failing('std::bad_alloc')).catch((e) => e);
  expect(await told(memoryUses(setting).step(batch))).toMatchObject({
    code: 'failed',
    message:
      'out of memory in a training step, at a batch of 5 lines x 16 tokens (rows by their tokens: row1 (9), row2 (7), row4 (6), row0 (5) and 1 shorter): raise --micro-batches, give --gradient-checkpointing, lower --max-length, hold the weights in 8 bits with --load-in-8bit or let --memory-limit choose for you (--dry-run tells what a run takes)',
    fields: { outOfMemory: true, lines: 5, tokens: 16, rows: 'row1 row2 row4 row0 row3' },
  });
  const { message } = await told(memoryUses({ gradientCheckpointing: true, loadIn8bit: true }).step(batch));
  expect(message).not.toMatch(/gradient-checkpointing|8bit/);
  expect((await told(memoryUses(setting).evaluate(batch))).message).toMatch(/held-out loss, .* lower --eval-rows/);
});

// Not captured: of what the session asks for in threads of its own some pieces end the process, and which come first is chance.
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
  expect(errors.evaluate).toMatchObject({ ...named, message: expect.stringContaining('--eval-rows') });
  expect({ unchanged, goesOn }).toEqual({ unchanged: true, goesOn: true });
});
