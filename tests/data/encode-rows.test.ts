import { expect, test } from 'vitest';
import { dataError } from '../../src/core/errors.js';
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
    '3 of 4 rows, 54 tokens, 26 of them trained, longest row 42 up to its last trained token',
    '1 row was cut at 20 tokens (the end is not trained): long',
    '1 row was dropped, the prompt alone fills 20 tokens: asks',
  ]);
});

test('drop: long rows are left out and named', async () => {
  const { rows, report } = await encodeRows(records, tokenizer, options({ maxLength, overflow: 'drop' }));
  expect(rows.map((row) => row.id)).toEqual(['short', 'exact']);
  expect(report).toMatchObject({ kept: 2, truncated: [], droppedTooLong: ['long'], droppedPromptTooLong: ['asks'] });
});

test('refuse: an error that names the rows and what to do', async () => {
  await expect(encodeRows(records, tokenizer, options({ maxLength, overflow: 'refuse' }))).rejects.toThrow(
    '2 of 4 rows are over 20 tokens: long (21), asks (42, by its prompt alone); raise `maxLength`, or set `overflow: truncate`, or set `overflow: drop`',
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

test('rows that a template refuses, that have nothing to train or lose text: named, counted, skippable', async () => {
  const picky: typeof tokenizer = {
    ...tokenizer,
    renderChat(messages) {
      if (messages.length > 2) throw dataError('turns must take turns');
      return tokenizer.renderChat(messages);
    },
  };
  const [asked, answered] = record('good', 3).messages;
  const rows: InstructionRecord[] = [
    record('good', 3),
    { id: 'bad', messages: [asked!, asked!, answered!] },
    { id: 'weightless', messages: [asked!, { ...answered!, train: false }] },
  ];
  const refused = encodeRows(rows, picky, options());
  await expect(refused).rejects.toMatchObject({ code: 'data' });
  await expect(refused).rejects.toThrow(
    'row bad: turns must take turns; fix it, or set `badRows: skip` to leave such rows out',
  );
  const { rows: kept, report } = await encodeRows(rows, picky, options({ badRows: 'skip' }));
  expect(kept.map(({ id }) => id)).toEqual(['good']);
  expect(describeReport(report, { maxLength }).slice(1)).toEqual([
    '1 row was dropped, no answer is to be trained (weight 0): weightless',
    '1 row was left out and cannot be used: bad',
    '  row bad: turns must take turns',
  ]);
  await expect(encodeRows(rows.slice(1, 2), picky, options({ badRows: 'skip' }))).rejects.toThrow(
    'none of 1 rows can be trained; row bad: turns must take turns',
  );
  await expect(encodeRows(rows.slice(2), picky, options())).rejects.toThrow(
    'none of 1 rows can be trained; no last answer is to be trained (weight 0); set `trainOn: all` to train earlier ones',
  );
});

test('a row that the tokenizer has no tokens for is refused alone, by its id', async () => {
  const deaf: typeof tokenizer = {
    ...tokenizer,
    async encodeBatch(inputs) {
      const texts = inputs.map((input) => (typeof input === 'string' ? input : input.text));
      if (texts.some((text) => text.includes('日'))) throw dataError('it has no token for "日"');
      return tokenizer.encodeBatch(inputs);
    },
  };
  const [asked] = record('x', 1).messages;
  const odd = { id: 'odd', messages: [asked!, { role: 'assistant' as const, content: '日' }] };
  await expect(encodeRows([record('a', 1), odd], deaf, options())).rejects.toThrow(
    'row odd: it has no token for "日"; fix it, or set `badRows: skip` to leave such rows out',
  );
  const { rows, report } = await encodeRows([record('a', 1), odd, record('b', 2)], deaf, options({ badRows: 'skip' }));
  expect(rows.map(({ id }) => id)).toEqual(['a', 'b']);
  expect(report.refused).toEqual([{ id: 'odd', reason: 'it has no token for "日"' }]);
});
