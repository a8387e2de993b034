import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { phasetune } from '../cli/in-process.js';
import { testBackend } from '../helpers/backend.js';
import { temporaryFolder } from '../helpers/folder.js';
import { TINY } from '../helpers/tokens.js';

const DEMO = fileURLToPath(new URL('../../datasets/demo/raw.jsonl', import.meta.url));
const SMALL = ['--shape', 'tiny-10m', '--layers', '1', '--width', '64', '--vocab', '256'];

/** What the backend here can do: the graph in bfloat16, or op by op. */
let how: string[];
let expectedFigures: Record<string, unknown>;

beforeAll(async () => {
  const { name, device } = await testBackend();
  const native = name === 'tensorflow';
  // What XLA compiles is tested elsewhere, and takes its time.
  how = native
    ? ['--mode', 'captured', '--dtype', 'bfloat16', '--compile', 'none']
    : ['--mode', 'eager', '--dtype', 'float32'];
  expectedFigures = { mode: how[1], dtype: how[3], device, tensorflow: expect.any(String) };
});

async function bench(...args: string[]): Promise<Record<string, number> & { step_seconds: number[] }> {
  const { code, out, err } = await phasetune('bench', ...args, ...how, '--json');
  expect(code, err).toBe(0);
  expect(out.trimEnd().split('\n'), 'one line on standard output').toHaveLength(1);
  return JSON.parse(out);
}

const positive = (figures: object, ...names: string[]) => {
  for (const name of names) expect((figures as Record<string, number>)[name], name).toBeGreaterThan(0);
};

describe('phasetune bench', () => {
  it('step: tells speed, memory and work, and an untrained loss of ln V', async () => {
    const figures = await bench('step', ...SMALL, '--batch', '2', '--seq', '32', '--steps', '4');
    expect(figures).toMatchObject({ ...expectedFigures, shape: 'tiny-10m', batch: 2, seq: 32, params: 61888 });
    positive(figures, 'seconds', 'tokens_per_s', 'peak_rss_mib', 'load_seconds', 'matmul_gflops', 'peak_share');
    positive(figures, 'first_step_seconds', 'start_to_first_step_seconds');
    expect(figures.step_seconds).toHaveLength(4);
    expect(figures.tokens_per_s! * figures.seconds!).toBeCloseTo(64, 0);
    expect(figures.loss).toBeGreaterThan(Math.log(256) - 0.2);
    expect(figures.loss).toBeLessThan(Math.log(256) + 0.2);
    expect(figures.flop_per_token_all).toBeGreaterThan(figures.flop_per_token!);
  });

  it('step: computes the same twice', async () => {
    const args = ['step', ...SMALL, '--batch', '2', '--seq', '16', '--steps', '3'];
    expect((await bench(...args)).loss).toBe((await bench(...args)).loss);
  });

  it('train: goes over all rows once and counts their tokens', async () => {
    const figures = await bench('train', '--tokenizer', TINY, '--data', DEMO, '--rows', '20', ...SMALL);
    expect(figures).toMatchObject({ ...expectedFigures, rows: 20 });
    positive(figures, 'seconds', 'answer_tokens', 'answer_tokens_per_s', 'tokens_per_s', 'peak_rss_mib', 'steps');
    positive(figures, 'first_step_seconds', 'start_to_first_step_seconds');
    expect(figures.answer_tokens_per_s! * figures.seconds!).toBeCloseTo(figures.answer_tokens!, -1);
    expect(figures.trained_tokens).toBeLessThanOrEqual(figures.answer_tokens!);
    expect(figures.trained_tokens).toBeGreaterThanOrEqual(figures.answer_tokens! - 20);
    expect(figures.step_seconds).toHaveLength(figures.steps!);
  });

  it('train: takes rows again where the file has too few', async () => {
    const folder = temporaryFolder('phasetune-bench');
    const few = join(folder, 'few.jsonl');
    const lines = (await readFile(DEMO, 'utf8')).split('\n').slice(0, 3);
    await writeFile(few, lines.join('\n'));
    const args = ['train', '--tokenizer', TINY, '--data', few, ...SMALL];
    const [once, twice] = [await bench(...args, '--rows', '3'), await bench(...args, '--rows', '6')];
    expect(twice.answer_tokens).toBe(2 * once.answer_tokens!);
    expect(twice.trained_tokens).toBe(2 * once.trained_tokens!);
  });

  it('decode: writes all tokens of all answers', async () => {
    const args = ['--rows', '3', '--prompt', '8', '--tokens', '5', '--repeats', '1'];
    const figures = await bench('decode', ...SMALL, ...args);
    expect(figures).toMatchObject({ ...expectedFigures, rows: 3, prompt: 8, tokens: 5 });
    positive(figures, 'seconds', 'tokens_per_s', 'peak_rss_mib', 'first_seconds');
    expect(figures.tokens_per_s! * figures.seconds!).toBeCloseTo(15, 0);
    positive(figures, 'first_token_seconds', 'bytes_per_token', 'read_gbps');
    // So small a model may take as long for one token as for all, by chance.
    if (figures.ms_per_token !== null) positive(figures, 'ms_per_token', 'weights_gbps', 'read_share');
  });

  it('matmul: tells a speed that a machine can have', async () => {
    const figures = await bench('matmul', '--size', '64');
    expect(figures).toMatchObject({ ...expectedFigures, size: 64 });
    positive(figures, 'gflops', 'seconds', 'peak_rss_mib');
    expect(figures.best_gflops).toBeGreaterThanOrEqual(figures.gflops!);
    expect(figures.gflops! * figures.seconds!).toBeCloseTo((2 * 64 ** 3) / 1e9, 4);
  });

  it('read: tells a speed that a machine can have', async () => {
    const { code, out, err } = await phasetune('bench', 'read', '--mib', '8', '--mode', how[1]!, '--json');
    expect(code, err).toBe(0);
    const figures = JSON.parse(out);
    expect(figures).toMatchObject({ mib: 8, mode: how[1], device: expectedFigures.device });
    positive(figures, 'gbps', 'seconds', 'peak_rss_mib');
    expect(figures.best_gbps).toBeGreaterThanOrEqual(figures.gbps);
    // Seconds are rounded to microseconds, the speed to 0.1 GB/s.
    const rounding = 0.05 * figures.seconds + 5e-7 * (figures.gbps + 0.05);
    expect(Math.abs(figures.gbps * figures.seconds - (8 * 2 ** 20) / 1e9)).toBeLessThan(rounding);
  });

  it('build: tells what building took, and the first call of every entry beside the second', async () => {
    const figures = await bench('build', ...SMALL, '--batch', '2', '--seq', '16');
    expect(figures).toMatchObject(expectedFigures);
    positive(figures, 'load_seconds', 'peak_rss_mib');
    const { calls } = figures as unknown as { calls: Record<string, object> };
    expect(Object.keys(calls)).toEqual(['step', 'accumulated_step', 'evaluate', 'answer']);
    for (const call of Object.values(calls)) positive(call, 'first_seconds', 'second_seconds');
  });

  it('train: without rows is a data error that names the file', async () => {
    const { code, err } = await phasetune('bench', 'train', '--tokenizer', TINY, '--data', 'nowhere.jsonl', ...how);
    expect(code).toBe(3);
    expect(err).toContain('nowhere.jsonl');
  });
});
