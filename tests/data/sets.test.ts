import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { importFile } from '../../src/data/import.js';
import { checkAnswer } from '../../src/eval/checks/checks.js';
import { silentLogger } from '../../src/telemetry/logger.js';
import { temporaryFolder } from '../helpers/folder.js';

const folder = temporaryFolder();
const read = async (name: string, warnings: string[] = []) => {
  const logger = { ...silentLogger, warn: (text: string) => void warnings.push(text) };
  const options = { format: 'auto', badRows: 'refuse', answers: 'optional' } as const;
  const { records, format } = await importFile(`tests/fixtures/sets/${name}`, options, logger);
  return { format, records };
};
const user = (content: string) => ({ role: 'user', content });
const assistant = (content: string) => ({ role: 'assistant', content });

describe('a set of instructions is read from its own file', () => {
  test('Self-Instruct: instruction and input on two lines, the output is its reference', async () => {
    const { format, records } = await read('self-instruct.jsonl');
    expect(format).toBe('self-instruct');
    expect(records).toEqual([
      {
        id: 'user_oriented_task_0',
        messages: [
          user('Make the sentence shorter.\nIt is a fact that the river is very, very wide here.'),
          assistant('The river is wide here.'),
        ],
        meta: { motivation_app: 'Notebook' },
      },
      {
        id: 'user_oriented_task_1',
        messages: [user('Name three soups.'), assistant('Tomato, lentil, pea.')],
        meta: { motivation_app: 'Kitchen' },
      },
    ]);
  });

  test('Self-Instruct as Hugging Face has it, an object of lists', async () => {
    const path = join(folder, 'instances.jsonl');
    const row = { id: 'a', instruction: 'Name a soup.', instances: { input: ['a cold one'], output: ['gazpacho'] } };
    writeFileSync(path, `${JSON.stringify(row)}\n`);
    const { records } = await importFile(path, { format: 'auto', badRows: 'refuse', answers: 'optional' });
    expect(records[0]!.messages).toEqual([user('Name a soup.\na cold one'), assistant('gazpacho')]);
  });

  test('WizardLM: its difficulty is the score', async () => {
    const { format, records } = await read('wizardlm.jsonl');
    expect(format).toBe('wizardlm');
    expect(records).toEqual([
      { id: '1', messages: [user('What is 12 times 12?')], score: 1, meta: { Skill: 'Math' } },
      { id: '2', messages: [user('Write a letter to a lighthouse.')], score: 7, meta: { Skill: 'Writting' } },
    ]);
  });

  test('Koala', async () => {
    expect(await read('koala.jsonl')).toEqual({
      format: 'prompt-completion',
      records: [
        { id: 'koala_0', messages: [user('Plan a day in a town by the sea.')] },
        { id: 'koala_1', messages: [user('Why do cats purr?\n\nAnswer in one line.')] },
      ],
    });
  });

  test('Vicuna', async () => {
    const { format, records } = await read('vicuna.jsonl');
    expect(format).toBe('questions');
    expect(records.map(({ id, messages, meta }) => [id, messages, meta])).toEqual([
      ['1', [user('How can I wake up earlier?')], { category: 'generic' }],
      ['61', [user('Write a program that counts the lines of a file.')], { category: 'coding' }],
    ]);
  });

  test('OASST and Anthropic, with outputs, empty ones, and none', async () => {
    const oasst = await read('oasst.json');
    expect(oasst.format).toBe('alpaca');
    expect(oasst.records.map(({ messages }) => messages)).toEqual([
      [user('Explain tides to a child.'), assistant('The moon pulls the water.')],
      [user('Put it into one word.\nvery cold')],
    ]);
    expect(oasst.records[0]!.meta).toMatchObject({ dataset: 'oasst' });
    const anthropic = await read('anthropic.jsonl');
    expect(anthropic.records.map(({ messages }) => messages)).toEqual([
      [user('How do I fold a paper boat?')],
      [user('Which of these is a fruit?\ncarrot, plum')],
    ]);
  });

  test('AlpacaEval, whose rows have no ids, the same ids each time', async () => {
    const { records } = await read('alpaca_eval.json');
    expect(records.map(({ meta }) => meta?.dataset)).toEqual(['helpful_base', 'koala']);
    expect(new Set(records.map(({ id }) => id)).size).toBe(2);
    expect((await read('alpaca_eval.json')).records).toEqual(records);
  });

  test('MT-Bench: the first question; that there are more is said', async () => {
    const warnings: string[] = [];
    const { format, records } = await read('mt-bench.jsonl', warnings);
    expect(format).toBe('turns');
    expect(records.map(({ id, messages }) => [id, messages])).toEqual([
      ['81', [user('Write a diary entry of a snail.')]],
      ['111', [user('What is the area of a square of side 3?'), assistant('9')]],
    ]);
    expect(records[0]!.meta).toMatchObject({
      category: 'writing',
      turns: expect.arrayContaining([expect.any(String)]),
    });
    expect(warnings).toEqual([
      expect.stringMatching(/^.*mt-bench\.jsonl: 2 rows have further turns, which .* not asked$/),
    ]);
  });

  test('Arena-Hard, both versions', async () => {
    const old = await read('arena-hard-v0.1.jsonl');
    expect(old.records).toEqual([
      {
        id: '0a1b',
        messages: [user('Why is the Q key at the left?')],
        meta: { category: 'arena-hard-v0.1', cluster: 'Keyboards' },
      },
    ]);
    const { records } = await read('arena-hard-v2.jsonl');
    expect(records).toEqual([
      {
        id: '2edb',
        messages: [user('Write a script that renames files by date.')],
        meta: { category: 'hard_prompt', subcategory: 'coding' },
      },
    ]);
  });

  test('IFEval: its constraints are checked from the fields of the row, a zero kept', async () => {
    const { records } = await read('ifeval.jsonl');
    expect(records.map(({ id }) => id)).toEqual(['1000', '1001']);
    const met = (i: number, output: string) =>
      checkAnswer({ instruction: 'x', output, meta: records[i]!.meta }).constraints!.map(({ strict }) => strict);
    expect(met(0, 'Rain falls softly')).toEqual([true, true]);
    expect(met(0, 'Rain, rain')).toEqual([false, false]);
    expect(met(1, 'Sky')).toEqual([false]);
  });
});

describe('a row of a set', () => {
  const one = async (row: unknown, answers: 'required' | 'optional' = 'optional') => {
    const path = join(folder, 'row.jsonl');
    writeFileSync(path, `${JSON.stringify(row)}\n`);
    return (await importFile(path, { format: 'auto', badRows: 'refuse', answers })).records[0]!;
  };

  test('may be a conversation that ends with a question, or a record without an answer', async () => {
    const messages = [user('a'), assistant('b'), user('c')];
    expect((await one({ messages })).messages).toEqual(messages);
    expect(await one({ id: 'r', messages: [user('a')], score: 2, stage: 1, meta: { kind: 'sum' } })).toEqual({
      id: 'r',
      messages: [user('a')],
      score: 2,
      stage: 1,
      meta: { kind: 'sum' },
    });
    expect((await one({ messages: [user('a'), assistant(' ')] })).messages).toEqual([user('a')]);
  });

  test('needs a question', async () => {
    await expect(one({ messages: [{ role: 'system', content: 'a' }] })).rejects.toThrow(/row without an instruction/);
    await expect(one({ messages: [user('a'), assistant('b'), user(' ')] })).rejects.toThrow(
      /row without an instruction/,
    );
    await expect(one({ instruction: ' ', input: '' })).rejects.toThrow(/row without an instruction/);
  });

  test('that has no one instance, or no text as its question, is refused by its place', async () => {
    await expect(one({ instruction: 'a', instances: [] })).rejects.toThrow(/row\.jsonl:1: expected one instance/);
    await expect(one({ turns: [] })).rejects.toThrow(/turns\[0\]: expected a text/);
    await expect(one({ turns: [{ content: 3 }] })).rejects.toThrow(/field content with a text/);
    await expect(one({ colour: 'red' })).rejects.toThrow(/no known row format.*wizardlm/);
  });

  test('is no row to train on', async () => {
    await expect(one({ prompt: 'a' }, 'required')).rejects.toThrow(/completion/);
    await expect(one({ question_id: 1, text: 'a' }, 'required')).rejects.toThrow(/no known row format(?!.*wizardlm)/);
    await expect(one({ messages: [user('a')] }, 'required')).rejects.toThrow(/row without an answer/);
  });
});
