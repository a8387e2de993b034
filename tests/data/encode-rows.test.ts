import { expect, test } from 'vitest';
import { describeReport, encodeRows } from '../../src/data/encode-rows.js';
import { type EncodeOptions, encodeOptionsSchema } from '../../src/data/options.js';
import type { InstructionRecord } from '../../src/data/record.js';
import { loadTokenizer } from '../../src/tokenizer/tokenizer.js';
import { TINY } from '../helpers/tokens.js';

const tokenizer = await loadTokenizer(TINY);
const options = (given: Partial<EncodeOptions> = {}) => encodeOptionsSchema.parse(given);
const record = (id: string, words: number, asked = 1): InstructionRecord => ({
  id,
  messages: [
    { role: 'user', content: '7'.repeat(asked) },
    { role: 'assistant', content: '7'.repeat(words) },
  ],
});
// The template takes ten tokens beside question and answer, the last behind the end token; each digit is one.
const records = [record('short', 3), record('exact', 10), record('long', 11), record('asks', 3, 30)];
const maxLength = 20;

test('truncate: what was cut and dropped is counted and named', async () => {
  const { rows, report } = await encodeRows(records, tokenizer, options({ maxLength }));
  expect(rows.map((row) => [row.id, row.ids.length, row.trained])).toEqual([
    ['short', 14, 4],
    ['exact', 20, 11],
    ['long', 20, 11],
  ]);
  expect(report).toEqual({
    rows: 4,
    kept: 3,
    truncated: ['long'],
    droppedTooLong: [],
    droppedPromptTooLong: ['asks'],
    withoutEnd: [],
    leftOut: [],
    untrained: [],
    refused: [],
    tokens: 54,
    trainedTokens: 26,
    longest: 42,
  });
  expect(describeReport(report, { maxLength })).toEqual([
    '3 of 4 rows, 54 tokens, 26 of them trained, longest row 42',
    '1 rows were cut at 20 tokens (their end is not trained): long',
    '1 rows were dropped, their prompt alone fills 20 tokens: asks',
  ]);
});

test('drop: long rows are left out and named', async () => {
  const { rows, report } = await encodeRows(records, tokenizer, options({ maxLength, overflow: 'drop' }));
  expect(rows.map((row) => row.id)).toEqual(['short', 'exact']);
  expect(report).toMatchObject({ kept: 2, truncated: [], droppedTooLong: ['long'], droppedPromptTooLong: ['asks'] });
});

test('refuse: an error that names the rows and what to do', async () => {
  await expect(encodeRows(records, tokenizer, options({ maxLength, overflow: 'refuse' }))).rejects.toThrow(
    '2 of 4 rows are over 20 tokens: long (21), asks (42, by its prompt alone); raise --max-length, or choose --overflow truncate or drop',
  );
});

test('a set of which nothing is left is an error', async () => {
  await expect(encodeRows(records, tokenizer, options({ maxLength: 4 }))).rejects.toThrow(
    /none of 4 rows fits in 4 tokens \(the longest has 42\)/,
  );
  await expect(encodeRows([], tokenizer, options())).rejects.toThrow('no rows to encode');
});

test('progress ends with all rows, and an aborted signal stops', async () => {
  const many = Array.from({ length: 600 }, (_, i) => record(String(i), 1));
  const seen: number[] = [];
  await encodeRows(many, tokenizer, options(), { onProgress: (done) => seen.push(done) });
  expect(seen).toEqual([0, 256, 512, 600]);
  const stop = new AbortController();
  const stopped = encodeRows(many, tokenizer, options(), { signal: stop.signal, onProgress: () => stop.abort() });
  await expect(stopped).rejects.toMatchObject({
    code: 'interrupted',
    message: 'stopped after encoding 256 of 600 rows',
  });
});
