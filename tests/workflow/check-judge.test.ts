import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type EvalFile, evalPaths, readEvalFile, writeEvalFile } from '../../src/eval/eval-file.js';
import { type CheckJudgeResult, checkJudge } from '../../src/workflow/check-judge.js';
import type { CheckJudgeOptions } from '../../src/workflow/check-judge-options.js';
import { temporaryFolder } from '../helpers/folder.js';
import { writeTinyModel } from '../helpers/tiny-model.js';

const WORDS = 'river stone maple cloud engine letter orange window garden silver pepper candle'.split(' ');

/** A set of rows with answers of five words and more. */
async function writeSet(folder: string, rows = 30): Promise<string> {
  const path = join(folder, 'holdout.jsonl');
  const lines = Array.from({ length: rows }, (_, i) => {
    const answer = Array.from({ length: 5 + (i % 9) }, (_, k) => WORDS[(i * 7 + k * 5) % WORDS.length]).join(' ');
    const messages = [
      { role: 'user', content: `Question ${i}?` },
      { role: 'assistant', content: `Answer ${i}: ${answer}` },
    ];
    return JSON.stringify({ id: `${i}`, messages });
  });
  await writeFile(path, `${lines.join('\n')}\n`);
  return path;
}

const checked = (options: CheckJudgeOptions): Promise<CheckJudgeResult> => checkJudge(options).result;

test('length needs no model, and fails', async () => {
  const folder = temporaryFolder('phasetune-check');
  const { judge, kind, entrance, written } = await checked({ sources: [await writeSet(folder)], judge: 'length' });
  expect({ judge, kind, state: entrance.state, written }).toEqual({
    judge: 'length',
    kind: 'length',
    state: 'failed',
    written: undefined,
  });
  expect(entrance.rows).toBe(30);
});

describe('a local model', () => {
  test('is tested, its replies are kept, and a second test measures nothing', async () => {
    const folder = temporaryFolder('phasetune-check');
    const model = await writeTinyModel(join(folder, 'judge'), () => 1, { max_position_embeddings: 4096 });
    const options = {
      sources: [await writeSet(folder)],
      judge: 'letters' as const,
      model,
      out: join(folder, 'x.json'),
      entranceRows: 6,
      compile: 'none' as const,
    };
    const first = await checked(options);
    expect(first.entrance.state).not.toBe('passed');
    expect(first.entrance).toMatchObject({ rows: 6, wanted: 6, equal: { pairs: 2 } });
    expect(first.entrance.mass).toBeGreaterThan(0);
    expect(first.about).toMatchObject({ precision: 'float32', model });
    const { judge, kind, about, entrance } = first;
    expect(JSON.parse(await readFile(options.out, 'utf8'))).toEqual({
      schema: 'phasetune/judge-test',
      version: 1,
      ...{ judge, kind, about, entrance },
    });
    const ledger = await readFile(join(folder, 'x.ledger.jsonl'), 'utf8');
    expect(ledger.trim().split('\n')).toHaveLength(1 + 4 * 6 + 2);
    expect(await checked(options)).toEqual(first);
  });

  test('continues where it was stopped, with the same result', async () => {
    const folder = temporaryFolder('phasetune-check');
    const model = await writeTinyModel(join(folder, 'judge'), () => 1, { max_position_embeddings: 4096 });
    const source = await writeSet(folder);
    const options = (name: string) => ({
      sources: [source],
      judge: 'letters' as const,
      model,
      out: join(folder, `${name}.json`),
      judgeBatch: 4,
      entranceRows: 6,
      compile: 'none' as const,
    });
    const stop = new AbortController();
    const running = checkJudge(options('cut'), { signal: stop.signal });
    const reading = (async () => {
      for await (const { done } of running.events) if (done >= 8) stop.abort();
    })();
    await expect(reading).rejects.toMatchObject({ code: 'interrupted' });
    const cut = await checked(options('cut'));
    expect(cut.entrance).toEqual((await checked(options('whole'))).entrance);
  });
});

describe('an evaluation', () => {
  const evaluation = async (judges: EvalFile['judges']) => {
    const folder = temporaryFolder('phasetune-check');
    const path = await writeSet(folder);
    await writeEvalFile(folder, {
      schema: 'phasetune/evaluation',
      version: 1,
      versions: {},
      begunIn: folder,
      baseline: 'base',
      sets: [{ name: 'holdout', path: 'holdout.jsonl', sha256: 'x', rows: 30, chosen: 30 }],
      seed: 0,
      arms: { base: { runs: [{ source: path }] } },
      answering: {},
      judges,
    });
    return folder;
  };

  test('keeps the result with the judge that it has', async () => {
    const about = { counted: 'code points' };
    const folder = await evaluation({ length: { kind: 'length', about, control: true } });
    const { entrance, written } = await checked({ sources: [folder], judge: 'length' });
    expect(written).toBe(evalPaths(folder).evalFile);
    const { judges } = await readEvalFile(folder);
    expect(judges.length).toEqual({ kind: 'length', about, control: true, entrance });
  });

  test('is not changed for a judge that it does not have', async () => {
    const folder = await evaluation({});
    const { entrance, written } = await checked({ sources: [folder], judge: 'length' });
    expect(entrance.rows).toBe(30);
    expect(written).toBeUndefined();
    expect((await readEvalFile(folder)).judges).toEqual({});
  });
});

describe('usage errors', () => {
  test('no model, no file for the result', async () => {
    const folder = temporaryFolder('phasetune-check');
    const sources = [await writeSet(folder)];
    await expect(checked({ sources, judge: 'letters', out: join(folder, 'x.json') })).rejects.toMatchObject({
      code: 'usage',
      fields: { option: 'model' },
    });
    await expect(checked({ sources, judge: 'letters', model: 'x' })).rejects.toMatchObject({
      code: 'usage',
      fields: { option: 'out' },
    });
  });

  test('a file with too few rows tells so', async () => {
    const folder = temporaryFolder('phasetune-check');
    const { entrance } = await checked({ sources: [await writeSet(folder, 9)], judge: 'length' });
    expect(entrance).toMatchObject({
      state: 'cannot tell',
      reasons: ['cannot tell: 9 rows, and at least 22 are needed'],
    });
  });
});
