import { describe, expect, test } from 'vitest';
import { type LanguageModel, openModel, type Prompt } from '../../src/workflow/model.js';
import { phasetune } from '../cli/in-process.js';

const TINY = 'models/tiny-llama';
const LONG = 'List the days of the week. '.repeat(20);

const PROMPTS: readonly Prompt[] = [
  LONG,
  'Hi',
  [
    { role: 'system', content: 'Answer briefly.' },
    { role: 'user', content: 'Name three rivers.' },
  ],
];

describe('openModel', () => {
  test('gives answers in the order of the prompts, and each as soon as its batch is done', async () => {
    await using llm = await openModel(TINY);
    const options = { maxTokens: 8, batch: 2 };
    const answers = await llm.generate(PROMPTS, options);
    expect(answers.map(({ index }) => index)).toEqual([0, 1, 2]);
    const streamed = [];
    for await (const answer of llm.answers(PROMPTS, options)) streamed.push(answer);
    expect(streamed.map(({ index }) => index)).toEqual([1, 2, 0]);
    expect(streamed.toSorted((x, y) => x.index - y.index)).toEqual(answers);
  });

  test('a system message is the same as a turn of it before what the user says', async () => {
    const drawn = { maxTokens: 24, temperature: 2, seed: 1 };
    await using llm = await openModel(TINY);
    const [asked] = await llm.generate(['Name three rivers.'], { ...drawn, system: 'Answer briefly.' });
    const [written] = await llm.generate([PROMPTS[2]!], drawn);
    const [without] = await llm.generate(['Name three rivers.'], drawn);
    expect(asked).toEqual(written);
    expect(without!.text).not.toBe(asked!.text);
  });

  test.each([
    { temperature: 0 },
    { temperature: 1, seed: 3 },
    { temperature: 1, seed: 3, topK: 5 },
    { temperature: 1, seed: 3, topP: 0.9 },
  ])('after other calls it answers as a model that was just opened: %j', async (draws) => {
    const options = { maxTokens: 12, ...draws };
    await using llm = await openModel(TINY);
    for (const prompts of [['Hi'], PROMPTS, [`${LONG}${LONG}`, 'Why?'], ['Hi']]) {
      await using fresh = await openModel(TINY);
      expect(await llm.generate(prompts, options)).toEqual(await fresh.generate(prompts, options));
    }
  });

  test('calls that are made together are answered one after another', async () => {
    await using llm = await openModel(TINY);
    const ask = (prompt: string) => llm.generate([prompt], { maxTokens: 6 });
    const together = await Promise.all([ask('Hi'), ask(LONG), ask('Why?')]);
    expect(together).toEqual([await ask('Hi'), await ask(LONG), await ask('Why?')]);
  });

  test('closing waits for the answers that were asked for, and ends all later calls', async () => {
    const llm = await openModel(TINY);
    const answers = llm.generate(['Hi'], { maxTokens: 4 });
    const closed = llm.close();
    expect(await answers).toHaveLength(1);
    await closed;
    await llm.close();
    await expect(llm.generate(['Hi'])).rejects.toThrow(/was closed/);
  });

  test('no prompts have no answers, and load nothing', async () => {
    await using llm = await openModel(TINY);
    expect(await llm.generate([])).toEqual([]);
  });

  test('an aborted signal ends a call with code interrupted and its reason, and the next call is answered', async () => {
    await using llm = await openModel(TINY);
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    const call = llm.generate(['Hi'], { maxTokens: 4 }, { signal });
    await expect(call).rejects.toMatchObject({ code: 'interrupted', cause: reason });
    expect(await llm.generate(['Hi'], { maxTokens: 4 })).toHaveLength(1);
  });

  test('a call that is refused does not spoil the next one', async () => {
    await using llm = await openModel(TINY);
    const huge = llm.generate(['Hi'], { maxTokens: 1e9 });
    await expect(huge).rejects.toMatchObject({ code: 'usage', fields: { option: 'maxTokens' } });
    expect(await llm.generate(['Hi'], { maxTokens: 4 })).toHaveLength(1);
  });

  test.each([
    ['a number', 5],
    ['null', null],
    ['an empty conversation', []],
    ['a role that does not exist', [{ role: 'robot', content: 'Hi' }]],
    ['a turn without content', [{ role: 'user' }]],
  ])('%s is no prompt', async (_, prompt) => {
    await using llm = await openModel(TINY);
    const call = llm.generate(['Hi', prompt as Prompt]);
    await expect(call).rejects.toMatchObject({ code: 'data', fields: { prompt: 2 } });
  });

  test('one text is no list of prompts', async () => {
    await using llm = await openModel(TINY);
    const call = llm.generate('Hi' as unknown as Prompt[]);
    await expect(call).rejects.toMatchObject({ code: 'usage', fields: { option: 'prompts' } });
  });

  test('an option that is not as it must be is a usage error that names it', async () => {
    await using llm = await openModel(TINY);
    await expect(llm.generate(['Hi'], { maxTokens: 0 })).rejects.toMatchObject({
      code: 'usage',
      fields: { option: 'maxTokens' },
    });
    const unknown = { maxToken: 5 } as Parameters<LanguageModel['generate']>[1];
    await expect(llm.generate(['Hi'], unknown)).rejects.toThrow(/`maxToken`: unknown option.*maxTokens/);
  });
});

test('`phasetune generate` prints the same answers', async () => {
  const prompts = ['Hi', 'Name three rivers.'];
  await using llm = await openModel(TINY);
  const answers = await llm.generate(prompts, { maxTokens: 8, temperature: 1, seed: 5 });
  const flags = ['--max-tokens', '8', '--temperature', '1', '--seed', '5', '--json'];
  const said = prompts.flatMap((prompt) => ['--prompt', prompt]);
  const { out } = await phasetune('generate', '--model', TINY, ...said, ...flags);
  const printed = JSON.parse(out.trim().split('\n').at(-1)!);
  expect(printed.answers).toEqual(answers.map(({ index, ...answer }) => ({ prompt: prompts[index], ...answer })));
});
