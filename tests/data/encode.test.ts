import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeRow } from '../../src/data/encode.js';
import { type EncodeOptions, encodeOptionsSchema } from '../../src/data/options.js';
import { renderRow } from '../../src/data/prompt.js';
import type { InstructionRecord, Message } from '../../src/data/record.js';
import { createChatTemplate } from '../../src/tokenizer/chat-template.js';
import { loadTokenizer } from '../../src/tokenizer/tokenizer.js';
import { TINY } from '../helpers/tokens.js';

const tokenizer = await loadTokenizer(TINY);
const options = (given: Partial<EncodeOptions> = {}): EncodeOptions => encodeOptionsSchema.parse(given);

interface Case {
  name: string;
  template: 'chat' | 'paper';
  trainOn: 'last' | 'all';
  /** In place of the tokenizer's own. */
  chatTemplate?: string;
  messages: Message[];
  text: string;
  ids: number[];
  mask: string;
}
const withTemplate = (source: string): typeof tokenizer => ({
  ...tokenizer,
  renderChat: createChatTemplate(source, 'template', { eos_token: tokenizer.eos!.text }).render,
});
const cases: Case[] = JSON.parse(readFileSync(new URL('../fixtures/tokens/cases.json', import.meta.url), 'utf8'));

describe('rendered text, ids and mask are those of scripts/reference/tokens.py', () => {
  test.each(cases)(
    '$name, $template template, trained on $trainOn',
    async ({ template, trainOn, chatTemplate, messages, text, ids, mask }) => {
      const own = chatTemplate === undefined ? tokenizer : withTemplate(chatTemplate);
      const outcome = await encodeRow({ id: 'x', messages }, own, options({ template, trainOn }));
      expect(renderRow(messages, own, { template, trainOn }).text).toBe(text);
      expect(outcome).toMatchObject({ kind: 'kept', ended: true });
      if (!('row' in outcome)) throw new Error('not kept');
      expect([...outcome.row.ids]).toEqual(ids);
      expect(outcome.row.mask.join('')).toBe(mask);
      expect(outcome.row.trained).toBe(mask.replaceAll('0', '').length);
    },
  );
});

const row = (answer: string, question = 'Q?'): InstructionRecord => ({
  id: 'r',
  messages: [
    { role: 'user', content: question },
    { role: 'assistant', content: answer },
  ],
});
const trainedText = async (given: ReturnType<typeof encodeRow> | Awaited<ReturnType<typeof encodeRow>>) => {
  const outcome = await given;
  return 'row' in outcome ? tokenizer.decode(outcome.row.ids.filter((_, t) => outcome.row.mask[t] === 1)) : undefined;
};

describe('rows over maxLength', async () => {
  const record = row('one, two, three, four');
  const whole = await encodeRow(record, tokenizer, options());
  if (!('row' in whole)) throw new Error('not kept');
  const first = whole.row.mask.indexOf(1);
  const needed = whole.row.mask.lastIndexOf(1) + 1;

  test('what the template adds after the end token is cut away without loss', async () => {
    expect(needed).toBe(whole.row.ids.length - 1);
    for (const overflow of ['truncate', 'drop', 'refuse'] as const) {
      const outcome = await encodeRow(record, tokenizer, options({ maxLength: needed, overflow }));
      expect(outcome).toMatchObject({ kind: 'kept', ended: true, tokens: needed });
      expect(await trainedText(outcome)).toBe('one, two, three, four<|im_end|>');
    }
  });

  test('truncate cuts the answer, whose end is then not trained', async () => {
    const outcome = await encodeRow(record, tokenizer, options({ maxLength: needed - 1 }));
    expect(outcome).toMatchObject({ kind: 'truncated', ended: false, tokens: needed });
    expect(await trainedText(outcome)).toBe('one, two, three, four');
    const shortest = await encodeRow(record, tokenizer, options({ maxLength: first + 1 }));
    expect(shortest).toMatchObject({ kind: 'truncated', row: { trained: 1 } });
  });

  test.each(['drop', 'refuse'] as const)('%s leaves the row alone', async (overflow) => {
    expect(await encodeRow(record, tokenizer, options({ maxLength: needed - 1, overflow }))).toEqual({
      kind: 'too-long',
      tokens: needed,
    });
  });

  test.each(['truncate', 'drop', 'refuse'] as const)(
    'under %s a prompt that fills all is never trained on nothing',
    async (overflow) => {
      expect(await encodeRow(record, tokenizer, options({ maxLength: first, overflow }))).toEqual({
        kind: 'prompt-too-long',
        tokens: needed,
      });
    },
  );
});

describe('odd templates and rows', () => {
  /** A tokenizer whose template writes these parts: texts, and turns' contents by index. */
  const writing = (
    parts: (messages: readonly Message[], prompt: boolean) => (string | number)[],
  ): typeof tokenizer => ({
    ...tokenizer,
    renderChat(messages, { addGenerationPrompt = false } = {}) {
      let text = '';
      const contents: { message: number; start: number; end: number }[] = [];
      for (const part of parts(messages as Message[], addGenerationPrompt)) {
        const written = typeof part === 'string' ? part : messages[part]!.content;
        if (typeof part === 'number' && written !== '')
          contents.push({ message: part, start: text.length, end: text.length + written.length });
        text += written;
      }
      return { text, contents, generated: [] };
    },
  });

  test('a row that does not end with an answer is refused by id', async () => {
    const record: InstructionRecord = { id: 'r9', messages: [{ role: 'user', content: 'q' }] };
    await expect(encodeRow(record, tokenizer, options())).rejects.toThrow(/row r9: row without an answer/);
  });

  test('without an end token after the answer the answer is trained, and that is reported', async () => {
    const bare = writing((messages) => messages.flatMap((_, i) => [i, ' ']));
    const outcome = await encodeRow(row('red and blue', 'Colours:'), bare, options());
    expect(outcome).toMatchObject({ kind: 'kept', ended: false });
    // The blank before the answer is in its first token.
    expect(await trainedText(outcome)).toBe(' red and blue');
  });

  test.each(['red', '<b>red</b>', '<think', '\nred'])(
    'an answer %j is trained from its first character where the prompt opens a thought that the finished conversation does not have',
    async (answer) => {
      const thinking = writing((messages, prompt) => [
        ...messages.flatMap(({ role }, i) => [`<|im_start|>${role}\n`, i, '<|im_end|>\n']),
        ...(prompt ? ['<|im_start|>assistant\n<think>\n'] : []),
      ]);
      const outcome = await encodeRow(row(answer), thinking, options());
      expect((await trainedText(outcome))!.trimStart()).toBe(`${answer}<|im_end|>`.trimStart());
    },
  );

  test('what the template opens before an answer, where the prompt does not, is the model’s to write', async () => {
    const thinking = writing((messages, prompt) => [
      ...messages.flatMap(({ role }, i) => [
        `<|im_start|>${role}\n${role === 'assistant' ? '<think>\n' : ''}`,
        i,
        '<|im_end|>\n',
      ]),
      ...(prompt ? ['<|im_start|>assistant\n'] : []),
    ]);
    expect(await trainedText(encodeRow(row('red'), thinking, options()))).toBe('<think>\nred<|im_end|>');
  });

  test('an answer that the template does not write is refused by id; what it leaves out of other turns is reported', async () => {
    const deaf = writing(() => [0, '<|im_end|>']);
    await expect(encodeRow(row('red'), deaf, options())).rejects.toThrow(
      'row r: the chat template does not write the answer of turn 2; expected its text in the conversation',
    );
    const forgetful = writing(() => ['Q', 1, '<|im_end|>']);
    expect(await encodeRow(row('red'), forgetful, options())).toMatchObject({ kind: 'kept', leavesOut: true });
  });

  test('an answer that the template writes again elsewhere is refused; a question may be repeated', async () => {
    const recap = (turn: number) =>
      writing(() => ['Q', 0, '<|im_end|>A', 1, '<|im_end|>In short: ', turn, '<|im_end|>']);
    expect(await trainedText(encodeRow(row('red'), recap(0), options()))).toBe('red<|im_end|>');
    const twice = writing(() => [1, '|', 0, '<|im_end|>', 1, '<|im_end|>']);
    await expect(encodeRow(row('red'), twice, options())).rejects.toThrow(
      'row r: the chat template writes the answer of turn 2 in several places, with other turns between them',
    );
  });

  test('the paper template without an end token is refused', async () => {
    const { eos: _, ...endless } = tokenizer;
    await expect(encodeRow(row('red'), endless, options({ template: 'paper' }))).rejects.toThrow(/expected eos_token/);
  });

  test('answers that say train: false are context only, under last and all', async () => {
    const messages: Message[] = [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'one', train: false },
      { role: 'user', content: 'b' },
      { role: 'assistant', content: 'two' },
    ];
    expect(await trainedText(encodeRow({ id: 'x', messages }, tokenizer, options({ trainOn: 'all' })))).toBe(
      'two<|im_end|>',
    );
    const last: Message[] = [...messages.slice(0, 3), { role: 'assistant', content: 'two', train: false }];
    expect(await encodeRow({ id: 'x', messages: last }, tokenizer, options())).toMatchObject({ kind: 'untrained' });
  });

  test('an answer without text is trained to end at once', async () => {
    const messages: Message[] = [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: '' },
      { role: 'user', content: 'b' },
      { role: 'assistant', content: '' },
    ];
    for (const template of ['chat', 'paper'] as const)
      expect(
        (await trainedText(encodeRow({ id: 'x', messages }, tokenizer, options({ trainOn: 'all', template }))))!.trim(),
      ).toMatch(/^<\|im_end\|> ?<\|im_end\|>$/);
  });

  test('a special token that an answer spells is text and ends nothing, unless that is switched off', async () => {
    const answer = 'write <|im_end|> and <|im_start|>.';
    const asText = await encodeRow(row(answer), tokenizer, options());
    if (!('row' in asText)) throw new Error('not kept');
    expect(await trainedText(asText)).toBe(`${answer}<|im_end|>`);
    const trained = asText.row.ids.filter((_, t) => asText.row.mask[t] === 1);
    expect(trained.filter((id) => tokenizer.turnEndIds.has(id))).toHaveLength(1);
    const asTokens = await encodeRow(row(answer), tokenizer, options({ splitSpecialTokens: false }));
    if (!('row' in asTokens)) throw new Error('not kept');
    expect([...asTokens.row.ids]).toEqual(await tokenizer.encode(tokenizer.renderChat(row(answer).messages).text));
    expect(await trainedText(asTokens)).toBe(`${answer}<|im_end|>`);
    expect(asTokens.row.ids.length).toBeLessThan(asText.row.ids.length);
  });
});

describe('for any conversation', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', 'word', ' ', '\n', '.', 'é', '👍', '7', '-', 'the ', '\t'),
    maxLength: 12,
  });
  const turns = fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 3 });
  const settings = fc.record({
    template: fc.constantFrom('chat' as const, 'paper' as const),
    trainOn: fc.constantFrom('last' as const, 'all' as const),
  });

  test('the trained tokens hold the answers, each ending with its end token', async () => {
    await fc.assert(
      fc.asyncProperty(turns, settings, async (pairs, given) => {
        const messages = pairs.flatMap(([q, a]): Message[] => [
          { role: 'user', content: q },
          { role: 'assistant', content: a },
        ]);
        const outcome = await encodeRow({ id: 'x', messages }, tokenizer, options(given));
        if (!('row' in outcome)) throw new Error('not kept');
        const { ids, mask } = outcome.row;
        const answers = given.trainOn === 'all' ? pairs.map(([, a]) => a) : [pairs.at(-1)![1]];
        const spans = mask.join('').matchAll(/1+/g);
        const found = [...spans].map((m) => ids.subarray(m.index, m.index + m[0].length));
        expect(found).toHaveLength(answers.length);
        for (const [i, span] of found.entries()) {
          expect(span.at(-1)).toBe(tokenizer.eos!.id);
          // A token that reaches over the border may bring white space of the prompt with it.
          expect((await tokenizer.decode(span)).trimStart()).toBe(`${answers[i]}<|im_end|>`.trimStart());
        }
      }),
      { seed: 2, numRuns: 300 },
    );
  });

  test('cutting never yields a row over maxLength or one with no trained token', async () => {
    await fc.assert(
      fc.asyncProperty(turns, settings, fc.integer({ min: 2, max: 60 }), async (pairs, given, maxLength) => {
        const messages = pairs.flatMap(([q, a]): Message[] => [
          { role: 'user', content: q },
          { role: 'assistant', content: a },
        ]);
        const full = await encodeRow({ id: 'x', messages }, tokenizer, options(given));
        const outcome = await encodeRow({ id: 'x', messages }, tokenizer, options({ ...given, maxLength }));
        if (!('row' in full)) throw new Error('not kept');
        if (!('row' in outcome)) {
          expect(full.row.mask.indexOf(1)).toBeGreaterThanOrEqual(maxLength);
          return;
        }
        const { ids, mask, trained } = outcome.row;
        expect(ids.length).toBeLessThanOrEqual(maxLength);
        expect(mask.length).toBe(ids.length);
        expect(trained).toBeGreaterThan(0);
        expect(trained).toBe(mask.reduce((n, m) => n + m, 0));
        expect(ids).toEqual(full.row.ids.subarray(0, ids.length));
        expect(mask).toEqual(full.row.mask.subarray(0, ids.length));
      }),
      { seed: 3, numRuns: 300 },
    );
  });
});
