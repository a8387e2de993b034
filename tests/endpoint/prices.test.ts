import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { estimateAsking } from '../../src/endpoint/estimate.js';
import { openLedger } from '../../src/endpoint/ledger.js';
import { costOf, priceOf } from '../../src/endpoint/prices.js';
import type { AnswerLine } from '../../src/endpoint/scheduler/ask-types.js';
import { ROOT } from '../cli/child.js';
import { questionsOf } from '../helpers/ask.js';

const folder = mkdtempSync(join(tmpdir(), 'phasetune-prices-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const OPENAI = { baseUrl: 'https://api.openai.com/v1' };
const shipped = JSON.parse(readFileSync(`${ROOT}docs/prices.json`, 'utf8'));

test('the prices that are shipped have a date and a source for every host, and no model twice', () => {
  expect(shipped.date).toMatch(/^\d{4}-\d\d-\d\d$/);
  const hosts = new Set(shipped.prices.map(({ host }: { host: string }) => host));
  expect(new Set(Object.keys(shipped.sources))).toEqual(hosts);
  const names = shipped.prices.map(({ host, model }: { host: string; model: string }) => `${host} ${model}`);
  expect(new Set(names).size).toBe(names.length);
  expect(JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')).files).toContain('docs/prices.json');
});

test('a model by its name, or by that without the date of its release; a release of its own price first', async () => {
  const { date } = shipped;
  expect(await priceOf({ ...OPENAI, model: 'gpt-4o' })).toEqual({ input: 2.5, output: 10, date });
  expect(await priceOf({ ...OPENAI, model: 'gpt-4o-2024-08-06' })).toEqual({ input: 2.5, output: 10, date });
  expect(await priceOf({ ...OPENAI, model: 'gpt-4o-2024-05-13' })).toEqual({ input: 5, output: 15, date });
});

test('nobody knows the price of a model at another host, or of another name', async () => {
  expect(await priceOf({ ...OPENAI, model: 'gpt-99' })).toBeUndefined();
  expect(await priceOf({ baseUrl: 'https://other.example/v1', model: 'gpt-4o' })).toBeUndefined();
});

test('nobody knows the price on this machine either, where a gateway may listen, unless a file of the user says it', async () => {
  const local = { baseUrl: 'http://localhost:8000/v1', model: 'mine' };
  expect(await priceOf(local)).toBeUndefined();
  const own = join(folder, 'own.json');
  const prices = [{ model: 'mine', input: 1, output: 2 }];
  writeFileSync(own, JSON.stringify({ schema: 'phasetune/prices', version: 1, date: '2026-01-02', prices }));
  expect(await priceOf(local, own)).toEqual({ input: 1, output: 2, date: '2026-01-02' });
  expect(await priceOf({ ...OPENAI, model: 'gpt-4o' }, own)).toMatchObject({ input: 2.5 });
});

test('a file of prices that is laid out otherwise is refused by field', async () => {
  const own = join(folder, 'wrong.json');
  writeFileSync(
    own,
    '{"schema":"phasetune/prices","version":1,"date":"2026-01-02","prices":[{"model":"a","input":"1"}]}',
  );
  await expect(priceOf({ ...OPENAI, model: 'a' }, own)).rejects.toMatchObject({
    code: 'data',
    message: expect.stringContaining('prices.0.input'),
  });
});

test('a cost is tokens times the price of a million', () =>
  expect(costOf({ input: 2.5, output: 10 }, { promptTokens: 1_000_000, replyTokens: 200_000 })).toBe(4.5));

test('the estimate counts what is left to ask, each key once', async () => {
  const ledger = await openLedger<AnswerLine>(join(folder, 'a.ledger.jsonl'));
  await ledger.append({ key: 'key-0', item: 'item-0', at: '', tries: 1, reply: { text: '1', finish: 'stop' } });
  await ledger.append({ key: 'key-1', item: 'item-1', at: '', tries: 1, failure: { kind: 'server', message: '' } });
  const questions = [...questionsOf(4), ...questionsOf(4)];
  // "item-1" has 6 bytes: two tokens, and seven that the protocol adds.
  expect(await estimateAsking(questions, { ledger, price: { input: 1e6, output: 1e6 } })).toEqual({
    known: 5,
    requests: 3,
    promptTokens: 27,
    replyTokens: 24,
    cost: 51,
  });
  expect((await estimateAsking(questions, { ledger })).cost).toBeUndefined();
  await ledger.close();
});
