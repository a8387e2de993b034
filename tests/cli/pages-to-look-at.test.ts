import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { type Made, made, PASSED, prefers, writeMade } from '../eval/result/made-evaluation.js';
import { temporaryFolder } from '../helpers/folder.js';
import { ROOT } from '../helpers/program.js';
import { TINY } from '../helpers/tokens.js';
import { lastJson } from './child.js';
import { phasetune } from './in-process.js';

const home = temporaryFolder('look-at');
const at = (name: string) => join(home, name);
const read = (name: string) => readFileSync(at(name), 'utf8');

const evaluation: Made = {
  sets: { koala: 30 },
  answer: (arm, row) => ({ output: `${arm} says ${row} ${'x'.repeat(row)}` }),
  judges: { gpt: prefers(0.8) },
  about: { gpt: PASSED },
};

beforeAll(async () => {
  const demo = readFileSync(join(ROOT, 'datasets/demo/raw.jsonl'), 'utf8').split('\n').slice(0, 120);
  writeFileSync(at('rows.jsonl'), demo.join('\n'));
  const staged = await phasetune('stage', at('rows.jsonl'), '--out', at('staged'), '--stages', '2');
  expect(staged.code).toBe(0);
  writeMade(at('evaluation'), made(evaluation));
});

const rowsTo = (file: string, ...more: string[]) =>
  phasetune('inspect', 'rows', '--data', at('staged'), '--model', TINY, '--html', at(file), ...more);

describe('inspect rows --html', () => {
  it('prints what it prints without, then names the page', async () => {
    const plain = await phasetune('inspect', 'rows', '--data', at('staged'), '--model', TINY, '--limit', '2');
    const { code, out } = await rowsTo('rows.html', '--limit', '2');
    expect(code).toBe(0);
    expect(out.startsWith(plain.out)).toBe(true);
    expect(out.slice(plain.out.length)).toMatch(new RegExp(`^page: ${at('rows.html')} \\([\\d.]+ KiB\\)\\n$`));
    const page = read('rows.html');
    expect(page).toMatch(/^<!doctype html>/);
    for (const text of ['Tokens: stage 1', 'Tokens: stage 2', 'stage 2 of 2: band 2', 'padding'])
      expect(page).toContain(text);
    const json = await rowsTo('rows.html', '--limit', '2', '--json');
    const kept = Number(/^(\d+) of \1 rows/m.exec(plain.out)![1]);
    expect(lastJson(json.out)).toMatchObject({ html: at('rows.html'), report: { kept } });
    expect(read('rows.html')).toBe(page);
  });

  it('shows the lines of a run with the options that are given', async () => {
    await rowsTo('a.html', '--batch-rows', '2', '--order', 'one-off', '--seed', '3');
    expect(read('a.html')).toContain('stage 1 of 1: all rows');
    await rowsTo('b.html', '--batching', 'padded', '--batch-rows', '2', '--order', 'one-off', '--seed', '3');
    expect(read('b.html')).not.toBe(read('a.html'));
  });

  it('replaces its own page, and no other file', async () => {
    writeFileSync(at('mine.html'), '<p>mine</p>');
    const { code, err } = await rowsTo('mine.html');
    expect(code).toBe(2);
    expect(err).toMatch(/mine\.html exists, and it is not a report of phasetune; it is left as it is/);
    expect(read('mine.html')).toBe('<p>mine</p>');
  });

  it('hides secrets in the texts of rows', async () => {
    vi.stubEnv('EXAMPLE_API_TOKEN', 'a-very-secret-key');
    const row = {
      id: 'a',
      messages: [
        { role: 'user', content: 'a-very-secret-key?' },
        { role: 'assistant', content: 'hf_aaaaaaaaaaaaaaaaaaaa' },
      ],
    };
    writeFileSync(at('secret.jsonl'), JSON.stringify(row));
    await phasetune('inspect', 'rows', '--data', at('secret.jsonl'), '--model', TINY, '--html', at('secret.html'));
    vi.unstubAllEnvs();
    const texts = read('secret.html').replace(/<[^>]*>/g, '');
    expect(texts).not.toMatch(/a-very-secret-key|hf_aaaa/);
    expect(texts).toContain('[hidden]');
  });

  it('says what to do where the page would be too large', async () => {
    writeFileSync(at('long.jsonl'), JSON.stringify({ instruction: 'Q?', output: 'a b '.repeat(90_000) }));
    const args = ['inspect', 'rows', '--data', at('long.jsonl'), '--model', TINY, '--max-length', '200000', '--html'];
    const { code, err } = await phasetune(...args, at('long.html'));
    expect(code).toBe(3);
    expect(err).toMatch(/the page would have .*; lower --limit, or lower --max-length/);
    expect(existsSync(at('long.html'))).toBe(false);
  });
});

describe('report of a staged folder and of an evaluation', () => {
  it('is written into the folder, which stays what it is', async () => {
    const { code, out } = await phasetune('report', at('staged'));
    expect({ code, out }).toEqual({
      code: 0,
      out: expect.stringMatching(/^report of a staged set: .*report\.html \(/),
    });
    const page = read('staged/report.html');
    expect(page).toContain(`phasetune stage rows.jsonl --out ${at('staged')} --stages 2`);
    expect((await phasetune('report', at('staged'))).code).toBe(0);
    expect(read('staged/report.html')).toBe(page);
    expect((await rowsTo('again.html')).code).toBe(0);
    const again = await phasetune('stage', at('rows.jsonl'), '--out', at('staged'), '--stages', '2', '--force');
    expect(again.code).toBe(0);
  });

  it('gives no verdict before there is a result, and the answer after it; answers where they are asked for', async () => {
    expect((await phasetune('report', at('evaluation'))).out).toMatch(/^report of an evaluation: /);
    const before = read('evaluation/report.html');
    expect(before).toContain('No verdict yet');
    expect(before).toContain(`phasetune eval report ${at('evaluation')}`);
    expect((await phasetune('eval', 'report', at('evaluation'), '--resamples', '300')).code).toBe(0);
    await phasetune('report', at('evaluation'), '--out', at('answer.html'));
    expect(read('answer.html')).toContain('phased is better than base');
    expect(read('answer.html')).not.toContain('phased says');
    await phasetune('report', at('evaluation'), '--answers', '3', '--out', at('answers.html'));
    expect(read('answers.html').match(/<li data-values=/g)).toHaveLength(3);
    rmSync(at('evaluation/report.html'));
  });

  it('says what to do where so many answers make too large a page', async () => {
    const long: Made = { ...evaluation, sets: { koala: 400 }, lengthOf: () => 6000, answer: () => ({}) };
    writeMade(at('long'), made(long));
    const { code, err } = await phasetune('report', at('long'), '--answers', '400');
    expect(code).toBe(3);
    expect(err).toMatch(/largest parts: Answers.*; lower --answers/);
    expect(existsSync(at('long/report.html'))).toBe(false);
  });
});
