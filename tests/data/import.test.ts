import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PhasetuneError } from '../../src/core/errors.js';
import { importFile, readRecords } from '../../src/data/import.js';
import { type ImportOptions, importOptionsSchema } from '../../src/data/options.js';
import { recordSchema } from '../../src/data/record.js';

let folder: string;
let told: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'phasetune-import-'));
  told = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

const logger = {
  debug: () => {},
  info: () => {},
  warn: (message: string) => told.push(message.replaceAll(`${folder}/`, '')),
};
const put = (name: string, content: string | Uint8Array) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const lines = (...rows: unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
const options = (given: Partial<ImportOptions> = {}) => importOptionsSchema.parse(given);
const imported = async (content: string | Uint8Array, given: Partial<ImportOptions> = {}, name = 'rows.jsonl') => {
  const result = await importFile(put(name, content), options(given), logger);
  for (const record of result.records) recordSchema.parse(record);
  return result;
};
/** The error's message without the temporary folder. */
const refused = async (content: string, given: Partial<ImportOptions> = {}, name = 'rows.jsonl') => {
  const error = await imported(content, given, name).then(
    () => Promise.reject(new Error('expected an error')),
    (e: PhasetuneError) => e,
  );
  expect(error.code).toBe('data');
  return error.message.replaceAll(`${folder}/`, '');
};

const user = (content: string) => ({ role: 'user', content });
const assistant = (content: string) => ({ role: 'assistant', content });
const alpaca = (output = 'blue', instruction = 'Colour?') => ({ instruction, input: '', output });

describe('each format is told by its fields and read', () => {
  test.each([
    ['alpaca', { instruction: 'Sum', input: '1, 2', output: '3' }, [user('Sum\n1, 2'), assistant('3')]],
    ['alpaca', { instruction: 'Sum', output: '3' }, [user('Sum'), assistant('3')]],
    [
      'alpaca',
      { instruction: 'c', input: null, output: 'd', system: 'S', history: [['a', 'b']] },
      [{ role: 'system', content: 'S' }, user('a'), assistant('b'), user('c'), assistant('d')],
    ],
    ['phasedsft', { id: '7', data: ['q', 'a', 'q2', 'a2'] }, [user('q'), assistant('a'), user('q2'), assistant('a2')]],
    [
      'sharegpt',
      {
        id: 'x',
        conversations: [
          { from: 'human', value: 'q' },
          { from: 'gpt', value: 'a' },
        ],
      },
      [user('q'), assistant('a')],
    ],
    [
      'sharegpt',
      {
        system: 'S',
        conversations: [
          { role: 'user', content: 'q' },
          { role: 'assistant', content: 'a' },
        ],
      },
      [{ role: 'system', content: 'S' }, user('q'), assistant('a')],
    ],
    ['messages', { messages: [user('q'), assistant('a')], name: 'n' }, [user('q'), assistant('a')]],
    [
      'messages',
      {
        messages: [
          { role: 'developer', content: 'S' },
          { role: 'user', content: [{ type: 'text', text: 'q' }] },
          assistant('a'),
        ],
      },
      [{ role: 'system', content: 'S' }, user('q'), assistant('a')],
    ],
    ['prompt-completion', { prompt: 'q', completion: ' a' }, [user('q'), assistant(' a')]],
    ['prompt-completion', { prompt: [user('q')], completion: [assistant('a')] }, [user('q'), assistant('a')]],
    [
      'records',
      { id: 'r', messages: [user('q'), assistant('a')], score: 2, stage: 1, meta: { kind: 'k' } },
      [user('q'), assistant('a')],
    ],
  ])('%s %j', async (format, row, messages) => {
    const result = await imported(lines(row));
    expect(result.format).toBe(format);
    expect(result.records[0]!.messages).toEqual(messages);
  });

  test('a named format goes before the looks of the rows', async () => {
    const both = { instruction: 'i', output: 'o', prompt: 'p', completion: 'c' };
    expect((await imported(lines(both))).format).toBe('alpaca');
    const { records } = await imported(lines(both), { format: 'prompt-completion' });
    expect(records[0]).toMatchObject({
      messages: [user('p'), assistant('c')],
      meta: { instruction: 'i', output: 'o' },
    });
  });

  test('a record keeps its id, score, stage and meta', async () => {
    const record = { id: 'r', messages: [user('q'), assistant('a')], score: 2.5, stage: 2, meta: { kind: 'k' } };
    expect((await imported(lines(record))).records).toEqual([record]);
  });

  test('other fields go into meta', async () => {
    const { records } = await imported(lines({ ...alpaca(), category: 'art', n: 3 }));
    expect(records[0]!.meta).toEqual({ category: 'art', n: 3 });
  });
});

describe('files', () => {
  const rows = [alpaca('a', 'q1'), alpaca('b', 'q2')];
  test('JSON array, JSON Lines and gzip of both give the same records', async () => {
    const expected = (await imported(lines(...rows))).records;
    expect((await imported(JSON.stringify(rows, null, 2), {}, 'rows.json')).records).toEqual(expected);
    expect((await imported(gzipSync(lines(...rows)), {}, 'rows.jsonl.gz')).records).toEqual(expected);
    expect((await imported(gzipSync(JSON.stringify(rows)), {}, 'rows.gz')).records).toEqual(expected);
    expect((await imported(`\ufeff${lines(...rows).replaceAll('\n', '\r\n\r\n')}`)).records).toEqual(expected);
  });

  test('a staged folder is read stage by stage, held-out rows left out', async () => {
    const staged = join(folder, 'staged');
    mkdirSync(staged);
    const record = (id: string) => ({ id, messages: [user('q'), assistant('a')], score: 1, stage: 1 });
    for (const [name, id] of Object.entries({ 'stage-10': 'z', 'stage-2': 'b', 'stage-1': 'a', holdout: 'h' }))
      writeFileSync(join(staged, `${name}.jsonl`), lines(record(id)));
    expect((await readRecords(staged, options())).map((r) => r.id)).toEqual(['a', 'b', 'z']);
    await expect(readRecords(folder, options())).rejects.toThrow(/expected a file of rows or a staged folder/);
  });

  test.each([
    ['', /^rows\.jsonl: no rows; expected at least one$/],
    ['[]', /^rows\.jsonl: no rows/],
    [`${lines(alpaca())}{"instruction": "x", "out`, /^rows\.jsonl:2:\d+: not valid JSON/],
    [`[${JSON.stringify(alpaca())},]`, /^rows\.jsonl:1:\d+: not valid JSON/],
    [JSON.stringify({ version: 1, data: rows }, null, 1), /found a single JSON object with rows in its field "data"/],
    [JSON.stringify({ train: rows }), /save that list, for instance with jq: jq '\.\["train"\]' rows\.jsonl/],
    [
      lines({ text: 'plain' }),
      /^rows\.jsonl:1: no known row format; found the fields text; expected one of records \{/,
    ],
    ['[1, 2]', /^rows\.jsonl: row 1: no known row format; found 1;/],
  ])('%j is refused', async (content, message) => {
    expect(await refused(content)).toMatch(message);
  });

  test('a missing file is an error that names it', async () => {
    await expect(importFile(join(folder, 'none.json'), options())).rejects.toThrow(
      /cannot read .*none\.json: no such file/,
    );
  });
});

describe('scores', () => {
  const scored = (score: unknown) => lines({ id: 'x', score, data: ['q', 'a'] });
  test.each([
    ['5', 5],
    ['4.25', 4.25],
    ['3.5\n\n', 3.5],
    [' 2 ', 2],
    [3, 3],
    [-0.5, -0.5],
    [null, undefined],
  ])('%j is %j', async (score, expected) => {
    expect((await imported(scored(score))).records[0]!.score).toBe(expected);
  });

  test.each(['hard', '', ' ', '3,5', true, [4], '1e999', { value: 3 }])(
    '%j is refused, with its line',
    async (score) => {
      expect(await refused(scored(score))).toMatch(/^rows\.jsonl:1: expected a number in the field score, found /);
    },
  );

  test('--score-field names the field, dots reach inside, and every row must have it', async () => {
    const rows = lines({ ...alpaca(), level: '2' }, { ...alpaca('red'), level: 3 });
    expect((await imported(rows, { scoreField: 'level' })).records.map((r) => r.score)).toEqual([2, 3]);
    const nested = lines({ ...alpaca(), info: { level: 4 } });
    expect((await imported(nested, { scoreField: 'info.level' })).records[0]!.score).toBe(4);
    expect(await refused(lines(alpaca()), { scoreField: 'level' })).toMatch(
      /^rows\.jsonl:1: expected a score in the field level, found only instruction, input, output/,
    );
  });
});

describe('bad rows', () => {
  test.each([
    [{ instruction: 'x', input: '' }, 'expected the field output with a text, found only instruction, input'],
    [alpaca(' \n'), 'row without an answer: expected it to end with a non-empty answer, found assistant " \\n"'],
    [alpaca('a', ' '), 'row without an instruction: every user turn is empty'],
    [{ instruction: 'x', input: 3, output: 'y' }, 'expected the field input with a text, found 3'],
    [{ data: ['q'] }, 'row without an answer: expected it to end with a non-empty answer, found user "q"'],
    [{ data: [] }, 'row without an answer: expected it to end with a non-empty answer, found no turns'],
    [{ data: ['q', 4] }, 'data[1]: expected a text, found 4'],
    [{ messages: [user('q')] }, 'row without an answer: expected it to end with a non-empty answer, found user "q"'],
    [
      { messages: [user('q'), { role: 'tool', content: 'x' }] },
      'messages[1]: expected the role system, user or assistant, found "tool"',
    ],
    [
      { messages: [user('q'), { role: 'assistant', content: null }] },
      'messages[1]: expected content as text, found only role',
    ],
    [{ messages: ['q'] }, 'messages[0]: expected an object with role and content, found "q"'],
    [
      { messages: [user('q'), { role: 'system', content: 's' }, assistant('a')] },
      'expected a system turn only at the beginning',
    ],
    [
      { conversations: [{ from: 'constructor', value: 'q' }] },
      'conversations[0]: expected the role system, user or assistant, found "constructor"',
    ],
    [{ id: 'r', messages: [{ role: 'assistant' }] }, 'messages[0]: expected content as text, found only role'],
  ])('%j is refused with place and reason', async (row, reason) => {
    expect(await refused(lines(row))).toContain(`rows.jsonl:1: ${reason}`);
  });

  test('the error names the first and counts them; the others are told', async () => {
    const rows = [alpaca(), alpaca('', 'q2'), alpaca('c', 'q3'), 7];
    expect(await refused(JSON.stringify(rows))).toMatch(
      /^rows\.jsonl: row 2: row without an answer.*the first of 2 bad rows of 4.*set `badRows: skip` to leave such rows out$/,
    );
    expect(told).toEqual(['rows.jsonl: row 4: expected an object like {instruction, input, output}, found 7']);
  });

  test('skipped when told, each with its reason, and the rest is kept', async () => {
    const { records, skipped } = await imported(lines(alpaca(), alpaca('', 'q2'), alpaca('c', 'q3')), {
      badRows: 'skip',
    });
    expect(records).toHaveLength(2);
    expect(skipped).toHaveLength(1);
    expect(told[0]).toMatch(/^rows\.jsonl:2: row without an answer/);
    expect(told.at(-1)).toBe('rows.jsonl: skipped 1 of 3 rows');
    expect(await refused(lines(alpaca('')), { badRows: 'skip' })).toBe(
      'rows.jsonl: its only row was skipped; nothing is left',
    );
  });
});

describe('ids', () => {
  test('numbers become texts, and a row without one gets one made of its content alone', async () => {
    const { records } = await imported(lines({ id: 7, ...alpaca() }, alpaca('x'), { ...alpaca('y'), extra: 1 }));
    expect(records[0]!.id).toBe('7');
    expect(records[1]!.id).toMatch(/^[0-9a-f]{12}$/);
    const alone = await imported(lines({ extra: 2, ...alpaca('y') }));
    expect(alone.records[0]!.id).toBe(records[2]!.id);
  });

  test('that occur twice get a number that no row before has, and that is told', async () => {
    const row = (id: string, output: string) => ({ id, data: ['q', output] });
    const { records, renamed } = await imported(lines(row('a', '1'), row('a', '2'), row('a-2', '3'), row('a', '4')));
    expect(records.map((r) => r.id)).toEqual(['a', 'a-2', 'a-2-2', 'a-3']);
    expect(renamed).toBe(3);
    expect(told).toEqual([
      'rows.jsonl: 3 rows have the id of an earlier row; their ids got a number at their end (-2, -3, ...)',
    ]);
  });

  test('that occur twice in what is said to be a file of records are refused, both places named', async () => {
    const record = { id: 'a', messages: [user('q'), assistant('a')] };
    expect(await refused(lines(record, record), { format: 'records' })).toBe(
      'rows.jsonl:2: id "a" is taken already by rows.jsonl:1; expected every id once',
    );
  });
});
