import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lastJson, ROOT, startPhasetune } from '../cli/child.js';
import { phasetune } from '../cli/in-process.js';
import { testBackend } from '../helpers/backend.js';
import { writeTinyModel } from '../helpers/tiny-model.js';

let home: string;
let model: string;
let rows: string;

beforeAll(async () => {
  await testBackend();
  home = await mkdtemp(join(tmpdir(), 'phasetune-score-'));
  model = await writeTinyModel(join(home, 'model'));
  rows = join(home, 'rows.jsonl');
  const all = (await readFile(join(ROOT, 'datasets/demo/raw.jsonl'), 'utf8')).split('\n');
  await writeFile(rows, all.slice(0, 160).join('\n'));
});
afterAll(() => rm(home, { recursive: true }));

const SCORE = ['--scorer', 'loss', '--batch-rows', '2', '--json'];
const args = (out: string) => ['score', rows, '--out', join(home, out), '--model', model, ...SCORE];
const textOf = (name: string) => readFile(join(home, name), 'utf8');
const ledgerLines = async (name: string) => (await textOf(name).catch(() => '')).split('\n').length - 1;

test('killed and interrupted while it measures, it goes on and ends as if nothing had been', async () => {
  const stop = async (signal: NodeJS.Signals) => {
    const before = await ledgerLines('a.ledger.jsonl');
    const { child, ended } = startPhasetune(args('a.jsonl'));
    while (child.exitCode === null && (await ledgerLines('a.ledger.jsonl')) < before + 8) await setTimeout(5);
    child.kill(signal);
    return ended;
  };
  expect((await stop('SIGKILL')).code).toBe(null);
  const { code, out } = await stop('SIGINT');
  expect(code).toBe(130);
  expect(lastJson(out)).toMatchObject({
    error: { code: 'interrupted', message: expect.stringMatching(/to continue from there/) },
  });
  await expect(textOf('a.jsonl')).rejects.toThrow('ENOENT');
  const known = (await ledgerLines('a.ledger.jsonl')) - 1;
  expect(known).toBeGreaterThan(16);
  const end = lastJson((await phasetune(...args('a.jsonl'))).out) as { texts: number; measured: number };
  expect(end).toMatchObject({ rows: 160, scored: 160, measured: end.texts - known });
  const whole = await phasetune(...args('b.jsonl'));
  expect(lastJson(whole.out)).toMatchObject({ scored: 160, measured: end.texts });
  expect(await textOf('a.jsonl')).toBe(await textOf('b.jsonl'));
});

describe('what cannot be scored is told', () => {
  const say = (id: string, content: string) => ({
    id,
    messages: [
      { role: 'user', content },
      { role: 'assistant', content: 'so' },
    ],
  });

  test('rows whose question fills all tokens stay without a score', async () => {
    await writeFile(
      rows,
      [say('short', 'why?'), say('long', 'why? '.repeat(99))].map((r) => JSON.stringify(r)).join('\n'),
    );
    const { code, out, err } = await phasetune(...args('c.jsonl'), '--max-length', '32');
    expect(code).toBe(0);
    expect(lastJson(out)).toMatchObject({ scored: 1, unscored: 1, reasons: { 'prompt-too-long': 1 } });
    expect(err).toMatch(
      /1 without a score, prompt-too-long; the first is row long: .* fills all 32 tokens; raise --max-length/,
    );
    const written = (await textOf('c.jsonl'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(written.map(({ id, score }) => [id, typeof score])).toEqual([
      ['short', 'number'],
      ['long', 'undefined'],
    ]);
  });

  test('no model, and no row that can be', async () => {
    const without = await phasetune('score', rows, '--out', join(home, 'd.jsonl'), '--scorer', 'loss');
    expect(without).toMatchObject({
      code: 2,
      err: expect.stringMatching(/--scorer loss needs a model folder; set --model/),
    });
    const none = await phasetune(...args('e.jsonl'), '--max-length', '4');
    expect(none.code).toBe(3);
    expect(none.err).toMatch(/none of 2 rows has a score; the first: prompt-too-long/);
  });
});

test('length needs no model, and counts by the tokenizer of one', async () => {
  const length = (out: string, ...more: string[]) =>
    phasetune('score', rows, '--out', join(home, out), '--scorer', 'length', '--length-of', 'both', '--json', ...more);
  expect(lastJson((await length('f.jsonl')).out)).toMatchObject({ scorer: 'length', counted: 'estimate', scored: 2 });
  expect(lastJson((await length('g.jsonl', '--model', model)).out)).toMatchObject({ counted: 'tokenizer', scored: 2 });
});
