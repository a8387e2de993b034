import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assistant, lines, QA, useImporting, user } from '../helpers/importing.js';

const { imported, recordOf, problemOf, warnings } = useImporting();

describe('{id, messages} of other programs', () => {
  test.each([
    ['parts', { id: 'a1', messages: [user('', { content: [{ type: 'text', text: 'q' }] }), assistant('a')] }, 'a1'],
    [
      'from and value',
      {
        id: 'a1',
        messages: [
          { from: 'human', value: 'q' },
          { from: 'gpt', value: 'a' },
        ],
      },
      'a1',
    ],
    ['a number', { id: 17, messages: QA }, '17'],
    ['null for all else', { id: 'a1', messages: QA, meta: null, stage: null, score: null }, 'a1'],
    ['a developer', { id: 'a1', messages: QA, split: 'train' }, 'a1'],
    [
      'roles in capitals',
      {
        id: 'a1',
        messages: [
          { role: 'USER', content: 'q' },
          { role: 'Assistant', content: 'a' },
        ],
      },
      'a1',
    ],
    ['a list as JSON text', { id: 'a1', messages: JSON.stringify(QA) }, 'a1'],
    ['a list of each field', { id: 'a1', messages: { role: ['user', 'assistant'], content: ['q', 'a'] } }, 'a1'],
  ])('%s', async (_, row, id) => {
    expect(await recordOf(row)).toMatchObject({ id, messages: QA });
  });

  test('without an id get one of their content', async () => {
    const [first, second, third] = (
      await imported(
        lines(
          { id: null, messages: QA },
          { id: '', messages: [user('x'), assistant('a')] },
          { messages: [user('y'), assistant('a')] },
        ),
      )
    ).records;
    for (const record of [first!, second!, third!]) expect(record.id).toMatch(/^[0-9a-f]{12}$/);
    expect(first!.id).toBe((await recordOf({ messages: QA })).id);
  });

  test('with equal ids: the later ones get a number, reported once', async () => {
    const { records, renamed } = await imported(
      lines(...['a', 'b', 'c'].map((q) => ({ id: 'x', messages: [user(q), assistant('a')] }))),
    );
    expect(records.map(({ id }) => id)).toEqual(['x', 'x-2', 'x-3']);
    expect(renamed).toBe(2);
    expect(warnings()).toEqual([
      'rows: 2 rows have the id of an earlier row; their ids got a number at their end (-2, -3, ...)',
    ]);
  });

  test('are read row by row, whatever the first rows look like', async () => {
    const ours = { id: 'r', messages: QA, score: 2, stage: 1, meta: { kind: 'k' } };
    const named = { id: 's', messages: [user('p', { name: 'Ann' }), assistant('a')], split: 'train' };
    for (const rows of [
      [ours, named],
      [named, ours],
    ]) {
      const { records, format } = await imported(lines(...rows));
      expect(format).toBe('messages');
      expect(records.find(({ id }) => id === 'r')).toEqual(ours);
      expect(records.find(({ id }) => id === 's')!.meta).toEqual({
        split: 'train',
        turnFields: { 'messages[0]': { name: 'Ann' } },
      });
    }
  });

  test.each([
    [{ id: true, messages: QA }, 'expected a text or a number as id, found true'],
    [{ id: { $oid: '6f' }, messages: QA }, 'expected a text or a number as id, found {"$oid":"6f"}'],
    [{ id: ['a'], instruction: 'q', output: 'a' }, 'expected a text or a number as id, found ["a"]'],
  ])('%j is refused', async (row, message) => {
    expect(await problemOf(row)).toContain(`rows:1: ${message}`);
  });

  test('an id with an exponent is refused, since its digits are not known', async () => {
    await expect(imported('{"id":1.2345678901234567e19,"instruction":"q","output":"a"}')).rejects.toThrow(
      /expected an id whose digits are all known, found 12345678901234567000/,
    );
  });

  test.each([
    [{ id: 'r', messages: [{ role: 'assistant' }] }, 'messages[0].content: expected a text, found nothing'],
    [{ id: 4, messages: QA }, 'id: expected a text that is not empty, found 4'],
    [{ id: 'r', messages: QA, stage: 0 }, 'stage: expected a whole number from 1, found 0'],
    [{ id: 'r', messages: QA, meta: 'm' }, 'meta: expected an object, found "m"'],
    [
      { id: 'r', messages: [user('q', { name: 'x' }), assistant('a')] },
      'messages[0]: expected only the fields of a record, found name',
    ],
    [{ id: 'r', messages: ['q'] }, 'messages[0]: expected an object with role and content, found "q"'],
    [{ id: 'r', messages: 'q' }, 'messages: expected a list of turns, found "q"'],
    [{ id: 'r' }, 'messages: expected a list of turns, found nothing'],
    [
      { id: 'r', messages: [{ role: 'bot', content: 'q' }] },
      'messages[0].role: expected system, user or assistant, found "bot"',
    ],
  ])('%j said to be a record is refused in our words', async (row, message) => {
    expect(await problemOf(row, { format: 'records' })).toContain(`rows:1: ${message}`);
  });
});

describe('null is as good as absent', () => {
  const union = { role: null, content: null, from: null, value: null, tool_calls: null, weight: null, name: null };
  const NULLS = {
    id: null,
    instruction: null,
    input: null,
    output: null,
    conversations: null,
    messages: null,
    data: null,
    prompt: null,
    completion: null,
    system: null,
    score: null,
    history: null,
    tools: null,
  };

  test.each([
    [
      'sharegpt',
      {
        ...NULLS,
        conversations: [
          { ...union, from: 'human', value: 'q' },
          { ...union, from: 'gpt', value: 'a' },
        ],
      },
    ],
    [
      'messages',
      {
        ...NULLS,
        messages: [
          { ...union, role: 'user', content: 'q' },
          { ...union, role: 'assistant', content: 'a' },
        ],
      },
    ],
    [
      'messages',
      {
        ...NULLS,
        conversations: [],
        messages: [
          { ...union, ...QA[0] },
          { ...union, ...QA[1] },
        ],
      },
    ],
    [
      'sharegpt',
      {
        ...NULLS,
        messages: [],
        conversations: [
          { from: 'human', value: 'q' },
          { from: 'gpt', value: 'a' },
        ],
      },
    ],
    ['alpaca', { ...NULLS, instruction: 'q', output: 'a' }],
    ['alpaca', { ...NULLS, input: 'q', output: 'a', instruction: '' }],
    ['phasedsft', { ...NULLS, data: ['q', 'a'] }],
    ['prompt-completion', { ...NULLS, prompt: 'q', completion: 'a' }],
  ])('%s among the nulls of others', async (format, row) => {
    const result = await imported(lines(row));
    expect(result.format).toBe(format);
    expect(result.records[0]!.messages).toEqual(QA);
    expect(Object.values(result.records[0]!.meta ?? {}).every((value) => value !== null)).toBe(true);
  });

  test('random rows say the same with any fields null', async () => {
    const name = fc.constantFrom(
      'instruction',
      'input',
      'output',
      'score',
      'source',
      'system',
      'tools',
      'id',
      'history',
    );
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(name), fc.uniqueArray(name), async (nulls, turnNulls) => {
        const absent = Object.fromEntries(nulls.map((key) => [key, null]));
        const inTurn = Object.fromEntries(turnNulls.map((key) => [key, null]));
        const rows = [
          {
            ...absent,
            conversations: [
              { ...inTurn, from: 'human', value: 'q' },
              { from: 'gpt', ...inTurn, value: 'a' },
            ],
          },
          { ...absent, id: 'i', messages: [{ ...inTurn, ...QA[0] }, QA[1]], kind: 'k' },
        ];
        const plain = [
          {
            conversations: [
              { from: 'human', value: 'q' },
              { from: 'gpt', value: 'a' },
            ],
          },
          { id: 'i', messages: QA, kind: 'k' },
        ];
        for (const [i, row] of rows.entries()) expect(await recordOf(row)).toEqual(await recordOf(plain[i]));
      }),
      { seed: 5, numRuns: 60 },
    );
  });
});

describe('tables', () => {
  test.each([
    ['instruction,input,output\nq,,a\n', 'alpaca'],
    ['prompt;completion;id\nq;a;9007199254740993\n', 'prompt-completion'],
    [
      'id\tmessages\n7\t"[{""role"":""user"",""content"":""q""},{""role"":""assistant"",""content"":""a""}]"\n',
      'messages',
    ],
    [`,instruction,output,score\n0,q,a,\n`, 'alpaca'],
  ])('%j', async (content, format) => {
    const result = await imported(content);
    expect(result.format).toBe(format);
    expect(result.records[0]).toMatchObject({ messages: QA });
    expect(result.records[0]!.score).toBeUndefined();
  });

  test('ids keep their digits, scores are numbers, an empty cell is none', async () => {
    const { records } = await imported('id,instruction,output,score,kind\n9007199254740993,q,a,2.5,\n00017,q2,a,,k\n');
    expect(records.map(({ id, score, meta }) => [id, score, meta])).toEqual([
      ['9007199254740993', 2.5, undefined],
      ['00017', undefined, { kind: 'k' }],
    ]);
  });

  test("Python's own words in a cell are named", async () => {
    await expect(imported(`id,messages\n1,"[{'role': 'user', 'content': 'q'}]"\n`)).rejects.toThrow(
      /:2: expected the field messages with a list, found "\[\{'role'.*\(not JSON; write it with json\.dumps\)/,
    );
  });

  test('a table of other columns is named by them', async () => {
    await expect(imported('a,b\n1,2\n')).rejects.toThrow(
      /:2: no known row format; found a table with the columns a, b; expected one of/,
    );
    await expect(imported('Once upon a time there was a lake.\n')).rejects.toThrow(
      /expected JSON, JSON Lines, Parquet or a table .* found text that begins with "Once upon a time/,
    );
  });
});

describe('rows without ids', () => {
  test('that are equal are reported as equal', async () => {
    const row = { instruction: 'q', output: 'a' };
    const { records, equal, renamed } = await imported(lines(row, row));
    expect(records.map(({ id }) => id)).toEqual([records[0]!.id, `${records[0]!.id}-2`]);
    expect({ equal, renamed }).toEqual({ equal: 1, renamed: 0 });
    expect(warnings()).toEqual([
      'rows: 1 row equals an earlier row and has no id; its id got a number at its end (-2)',
    ]);
  });
});

describe('scores as texts', () => {
  test.each(['0x10', '1_000', '1,5', 'Infinity', 'NaN', '0b1', '1e', '--1', '٣'])('%j is none', async (score) => {
    expect(await problemOf({ instruction: 'q', output: 'a', score })).toContain(
      `expected a number in the field score, found ${JSON.stringify(score)}`,
    );
  });
  test.each([
    [' 5 ', 5],
    ['+2', 2],
    ['.5', 0.5],
    ['1e2', 100],
    ['5.', 5],
    ['\u00a03', 3],
  ])('%j is %d', async (score, number) => {
    expect((await recordOf({ instruction: 'q', output: 'a', score })).score).toBe(number);
  });
});

describe('a torn file', () => {
  test('leaves its last row out where bad rows are skipped', async () => {
    const whole = lines({ instruction: 'q', output: 'a' });
    for (const torn of [
      `${whole}{"instruction":"x","out`,
      `[${whole},{"instruction":"x`,
      `{\n"instruction":"q","output":"a"}\n{\n"inst`,
    ]) {
      expect((await imported(torn, { badRows: 'skip' })).records).toHaveLength(1);
      expect(warnings().at(-1)).toBe('rows: skipped 1 of 2 rows');
      await expect(imported(torn)).rejects.toThrow(/set `badRows: skip` to leave such rows out/);
    }
  });
});
