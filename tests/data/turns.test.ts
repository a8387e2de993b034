import { describe, expect, test } from 'vitest';
import { assistant, lines, QA, system, useImporting, user } from '../helpers/importing.js';

const { imported, recordOf, problemOf, warnings } = useImporting();

describe('what would be lost is refused by its name', () => {
  const call = [{ id: 'c1', type: 'function', function: { name: 'weather', arguments: '{}' } }];
  test.each([
    ['tool_calls', call],
    ['toolCalls', call],
    ['function_call', { name: 'weather', arguments: '{}' }],
    ['reasoning_content', 'Hm.'],
    ['reasoning', 'Hm.'],
    ['thinking', 'Hm.'],
    ['thoughts', ['Hm.']],
    ['chain-of-thought', 'Hm.'],
    ['images', ['a.png']],
    ['audio', { id: 'x' }],
    ['refusal', 'I cannot.'],
    ['prefix', true],
    ['tool_call_id', 'c1'],
  ])('%s of a turn', async (name, value) => {
    const row = { messages: [user('q'), assistant('a', { [name]: value })] };
    expect(await problemOf(row)).toMatch(
      new RegExp(`^rows:1: messages\\[1\\]: expected a turn of text alone, found ${name} \\(.*which would be lost`),
    );
    const shared = {
      conversations: [
        { from: 'human', value: 'q', [name]: value },
        { from: 'gpt', value: 'a' },
      ],
    };
    expect(await problemOf(shared)).toContain(`conversations[0]: expected a turn of text alone, found ${name}`);
    const skipped = await imported(lines(row, { messages: QA }), { badRows: 'skip' });
    expect(skipped.records).toHaveLength(1);
    for (const empty of [null, [], {}, '', { name: null, arguments: null }, [[]], '[]', false])
      expect((await recordOf({ messages: [user('q'), assistant('a', { [name]: empty })] })).messages).toEqual(QA);
  });

  test.each(['tools', 'functions', 'images', 'videos', 'audios', 'tool_calls'])(
    '%s of a row, in every format',
    async (name) => {
      const value = [{ type: 'function' }];
      const formats = [
        { messages: QA },
        { conversations: QA },
        { data: ['q', 'a'] },
        { instruction: 'q', output: 'a' },
        { prompt: 'q', completion: 'a' },
      ];
      for (const row of formats) {
        for (const one of [value, JSON.stringify(value)])
          expect(await problemOf({ ...row, [name]: one })).toContain(
            `expected a conversation of text alone, found the field ${name} (`,
          );
        for (const empty of [null, [], '', '[]', 'null', {}])
          expect((await recordOf({ ...row, [name]: empty })).messages).toEqual(QA);
      }
    },
  );

  test.each(['tool', 'function', 'ipython', 'observation', 'function_call'])('the role %s', async (role) => {
    expect(await problemOf({ messages: [user('q'), { role, content: '21' }, assistant('a')] })).toContain(
      `messages[1]: expected the role system, user or assistant, found "${role}" (tool calls and their results are not supported)`,
    );
  });

  test.each([
    [{ type: 'image_url', image_url: { url: 'x' } }, 'expected content parts of type text, found {"type":"image_url"'],
    [{ type: 'thinking', thinking: 'Hm.' }, 'expected content parts of type text'],
    [{ type: 'text', text: 'a', weight: 0 }, 'expected a part of text alone, found weight (0)'],
    ['a', 'expected content parts of type text, found "a"'],
  ])('the part %j', async (part, message) => {
    expect(
      await problemOf({ messages: [user('q'), { role: 'assistant', content: [{ type: 'text', text: 'b' }, part] }] }),
    ).toContain(`messages[1]: ${message}`);
  });

  test('parts with the nulls of others are read', async () => {
    const part = (text: string) => ({ type: 'text', text, image_url: null, audio: { id: null } });
    expect(
      (await recordOf({ messages: [user('', { content: [part('q')] }), assistant('', { content: [part('a')] })] }))
        .messages,
    ).toEqual(QA);
  });

  test('two texts or two roles that are not the same', async () => {
    expect(await problemOf({ messages: [user('q', { value: 'p' }), assistant('a')] })).toContain(
      'content is "q" and value is "p"',
    );
    expect(await problemOf({ messages: [user('q', { from: 'gpt' }), assistant('a')] })).toContain(
      'role says "user" and from says "gpt"',
    );
    expect((await recordOf({ messages: [user('q', { value: 'q', from: 'human' }), assistant('a')] })).messages).toEqual(
      QA,
    );
  });

  test('other fields of turns are kept, and counted in one warning', async () => {
    const rows = [1, 2, 3].map((n) => ({
      messages: [user(`q${n}`, { timestamp: n }), assistant('a', n > 1 ? { model: 'm', finish_reason: 'stop' } : {})],
    }));
    const { records } = await imported(lines(...rows));
    expect(records[1]!.meta).toEqual({
      turnFields: { 'messages[0]': { timestamp: 2 }, 'messages[1]': { model: 'm', finish_reason: 'stop' } },
    });
    expect(warnings()).toEqual([
      'rows: turns have fields that are not trained on (timestamp in 3 rows, model in 2 rows, finish_reason in 2 rows); they are kept in meta.turnFields',
    ]);
  });
});

describe('marks of what is trained', () => {
  test.each(['weight', 'train', 'training', 'loss'])('%s of an answer', async (name) => {
    const read = async (value: unknown) =>
      (await recordOf({ messages: [user('q'), assistant('x', { [name]: value }), user('q'), assistant('a')] }))
        .messages[1];
    for (const off of [0, false]) expect(await read(off)).toEqual(assistant('x', { train: false }));
    for (const on of [1, true, null]) expect(await read(on)).toEqual(assistant('x'));
    for (const odd of [0.5, 2, -1, 'no', '0', []])
      expect(await problemOf({ messages: [user('q'), assistant('a', { [name]: odd })] })).toContain(
        `messages[1]: expected ${name} to be 0 or 1, false or true, found ${JSON.stringify(odd)}`,
      );
  });

  test.each(['weight', 'train', 'training', 'loss'])('%s of another turn', async (name) => {
    for (const off of [0, false, null])
      expect(
        (
          await recordOf({
            conversations: [
              { from: 'system', value: 's', [name]: off },
              { from: 'human', value: 'q', [name]: off },
              { from: 'gpt', value: 'a' },
            ],
          })
        ).messages,
      ).toEqual([system('s'), ...QA]);
    for (const on of [1, true])
      expect(await problemOf({ messages: [user('q', { [name]: on }), assistant('a')] })).toContain(
        `messages[0]: ${name} is ${on} on a turn of the user, and only answers are trained; set it to 0, or remove it`,
      );
  });

  test('the last answer may be one that is not trained, and two marks must say the same', async () => {
    expect(
      (await recordOf({ messages: [user('q'), assistant('a', { weight: 0, train: false })] })).messages.at(-1),
    ).toEqual(assistant('a', { train: false }));
    expect(await problemOf({ messages: [user('q'), assistant('a', { weight: 1, train: false })] })).toContain(
      'weight is 1 and train is false; remove one of them',
    );
  });

  test.each(['mask', 'masked', 'loss_scale', 'train_detail', 'trainable', 'lossWeight'])(
    '%s is not known, and refused',
    async (name) => {
      expect(await problemOf({ messages: [user('q'), assistant('a', { [name]: 0 })] })).toContain(
        `messages[1]: the field ${name} (0) seems to say what is trained and is not known`,
      );
    },
  );

  test.each([
    ['weight', 0],
    ['train', false],
    ['training', false],
    ['sample_weight', 0],
    ['loss', false],
  ])('%s of a whole row', async (name, value) => {
    expect(await problemOf({ messages: QA, [name]: value })).toContain(
      `rows:1: the row is marked as not trained (${name} is ${value})`,
    );
    const { records } = await imported(lines({ messages: QA, [name]: value }, { messages: QA, [name]: 0.5 }), {
      badRows: 'skip',
    });
    expect(records.map(({ meta }) => meta)).toEqual([{ [name]: 0.5 }]);
  });

  test('come back out of a record file', async () => {
    const { records } = await imported(
      lines({ messages: [user('q'), assistant('x', { weight: 0 }), user('q2'), assistant('a', { weight: 1 })] }),
    );
    const again = await imported(lines(...records));
    expect(again).toMatchObject({ format: 'records', records });
  });
});

describe('columns that may belong to the answer', () => {
  test.each(['reasoning', 'thinking', 'chainOfThought', 'sample_weight'])('%s is kept, and reported', async (name) => {
    const { records } = await imported(
      lines({ messages: QA, [name]: 0.5 }, { instruction: 'q', messages: QA, [name]: null }),
    );
    expect(records[0]!.meta).toEqual({ [name]: 0.5 });
    expect(warnings()[0]).toContain('equals an earlier row');
    expect(warnings()[1]).toBe(
      `rows: rows have fields that may belong to the answer and are not trained on (${name} in 1 row); they are kept in meta`,
    );
  });
});

describe('a system prompt in a column', () => {
  const FORMATS = [
    { messages: QA },
    { conversations: QA },
    { data: ['q', 'a'] },
    { instruction: 'q', output: 'a' },
    { prompt: 'q', completion: 'a' },
    { prompt: [QA[0]], completion: [QA[1]] },
  ];
  test.each(['system', 'system_prompt', 'system_message', 'system_instruction', 'systemPrompt', 'System'])(
    '%s, in every format',
    async (name) => {
      for (const row of FORMATS) {
        const record = await recordOf({ ...row, [name]: 'Be brief.' });
        expect(record.messages).toEqual([system('Be brief.'), ...QA]);
        expect(record.meta).toBeUndefined();
        for (const empty of [null, '', ' ']) expect((await recordOf({ ...row, [name]: empty })).messages).toEqual(QA);
      }
      expect(await problemOf({ messages: QA, [name]: 7 })).toContain(`expected the field ${name} with a text, found 7`);
    },
  );

  test('goes with the turn that says the same, and with no other', async () => {
    const row = { messages: [system('Be brief.'), ...QA] };
    expect((await recordOf({ ...row, system_prompt: 'Be brief.\n' })).messages).toEqual(row.messages);
    expect(await problemOf({ ...row, system_prompt: 'Be long.' })).toContain(
      'two system prompts: system_prompt has "Be long.", the first turn has "Be brief."; remove one of them',
    );
    expect(await problemOf({ messages: QA, system: 'x', system_prompt: 'y' })).toContain(
      'two system prompts: system has "x", system_prompt has "y"',
    );
    expect((await recordOf({ messages: [system(''), ...QA], system: 'x' })).messages).toEqual([system('x'), ...QA]);
    expect((await recordOf({ prompt: [system('s'), QA[0]], completion: 'a', system: 's' })).messages).toEqual([
      system('s'),
      ...QA,
    ]);
  });
});

describe('Alpaca', () => {
  test.each([
    ['', 'in', 'in'],
    [' ', 'in', 'in'],
    ['do', '', 'do'],
    ['do', ' ', 'do'],
    ['do', 'in', 'do\nin'],
  ])('instruction %j and input %j ask %j', async (instruction, input, asked) => {
    expect((await recordOf({ instruction, input, output: 'a' })).messages).toEqual([user(asked), assistant('a')]);
  });
});
