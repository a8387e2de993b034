import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exists, hashFile } from '../../src/io/files.js';
import { readRunFile } from '../../src/train/run-file.js';
import { lastJson } from '../cli/child.js';
import { phasetune } from '../cli/in-process.js';
import { testBackend } from '../helpers/backend.js';

let home: string;

beforeAll(async () => {
  await testBackend();
  home = await mkdtemp(join(tmpdir(), 'phasetune-demo-'));
});
afterAll(() => rm(home, { recursive: true }));

const demo = (...args: string[]) =>
  phasetune('demo', '--model', 'models/tiny-llama', '--rows', '24', '--held-out', '4', ...args);

test('the demo on the tiny Llama learns, says what it did, and leaves an adapter and a run behind', async () => {
  const folder = join(home, 'told');
  const { code, out: stdout, err: stderr } = await demo('--out', folder);
  expect(stderr).not.toMatch(/error/i);
  expect(code).toBe(0);
  for (const line of [
    /stage 3: score \d.* to \d.*, 24 rows to train on, 4 held out/,
    /after stage 3 /,
    /answered exactly as expected: \d+ of 12 before, \d+ of 12 after/,
    /expected {2}"/,
    /Trained at [\d.,]+ tokens\/s/,
  ])
    expect(stdout).toMatch(line);
  const run = await readRunFile(join(folder, 'run'));
  expect(run.matrix!.rows.map((row) => row.after)).toEqual([0, 1, 2, 3]);
  expect(run.matrix!.rows[3]!.all).toBeLessThan(run.matrix!.rows[0]!.all);
  expect(run.stages.slice(1).map((stage) => stage.origin!.sha256)).toEqual(
    run.stages.slice(0, 2).map((stage) => stage.end!.sha256),
  );
  expect(await hashFile(join(folder, 'run/adapter/adapter_model.safetensors'))).toBe(run.stages[2]!.end!.sha256);
  // The last line names the page of the run, which is there.
  expect(stdout.trimEnd().split('\n').at(-1)).toContain(join(folder, 'run/report.html'));
  expect(await readFile(join(folder, 'run/report.html'), 'utf8')).toContain('after stage 3');
});

test('the same seed gives the same adapter, losses and answers; --json gives them as data', async () => {
  const results = [];
  for (const name of ['first', 'second']) {
    const { code, out: stdout } = await demo('--out', join(home, name), '--json', '--seed', '3');
    expect(code).toBe(0);
    const result = lastJson(stdout);
    results.push({ ...result, hash: await hashFile(join(home, name, 'run/adapter/adapter_model.safetensors')) });
  }
  const [first, second] = results as Record<string, unknown>[];
  for (const key of ['hash', 'matrix', 'exactMatch', 'answers']) expect(second![key], key).toEqual(first![key]);
  expect(first!.answers).toHaveLength(2);
  expect(first!.answers).toMatchObject([{ index: expect.any(Number) }, { index: expect.any(Number) }]);
});

test('too few rows, rows without scores and a missing model are told in one line', async () => {
  const few = await demo('--out', join(home, 'few'), '--held-out', '2000');
  expect(few.code).toBe(3);
  expect(few.err).toMatch(/the demo needs at least 6003 rows/);
  const missing = await phasetune('demo', '--model', join(home, 'none'), '--out', join(home, 'missing'));
  expect(missing.code).toBe(3);
  expect(missing.err.trim().split('\n')).toHaveLength(1);
  expect(exists(join(home, 'few')) || exists(join(home, 'missing')), 'nothing half written').toBe(false);
});
