import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeRow } from '../../src/data/encode.js';
import { type EncodeOptions, encodeOptionsSchema } from '../../src/data/options.js';
import { renderRow } from '../../src/data/prompt.js';
import type { InstructionRecord, Message } from '../../src/data/record.js';
import { loadTokenizer } from '../../src/tokenizer/tokenizer.js';
import { TINY } from '../helpers/tokens.js';

const tokenizer = await loadTokenizer(TINY);
const options = (given: Partial<EncodeOptions> = {}): EncodeOptions => encodeOptionsSchema.parse(given);

interface Case {
  name: string;
  template: 'chat' | 'paper';
  trainOn: 'last' | 'all';
  messages: Message[];
  text: string;
  ids: number[];
  mask: string;
}
const cases: Case[] = JSON.parse(readFileSync(new URL('../fixtures/tokens/cases.json', import.meta.url), 'utf8'));

describe('rendered text, ids and mask are those of scripts/reference/tokens.py', () => {
  test.each(cases)(
    '$name, $template template, trained on $trainOn',
    ({ template, trainOn, messages, text, ids, mask }) => {
      const outcome = encodeRow({ id: 'x', messages }, tokenizer, options({ template, trainOn }));
      expect(renderRow(messages, tokenizer, { template, trainOn }).text).toBe(text);
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
const trainedText = (outcome: ReturnType<typeof encodeRow>, from = tokenizer) =>
  'row' in outcome ? from.decode(outcome.row.ids.filter((_, t) => outcome.row.mask[t] === 1)) : undefined;

describe('rows over maxLength', () => {
  const record = row('one, two, three, four');
  const whole = encodeRow(record, tokenizer, options());
  if (!('row' in whole)) throw new Error('not kept');
  const first = whole.row.mask.indexOf(1);
  const needed = whole.row.mask.lastIndexOf(1) + 1;

  test('what the template adds behind the end token is cut away without loss', () => {
    expect(needed).toBe(whole.row.ids.length - 1);
    for (const overflow of ['truncate', 'drop', 'refuse'] as const) {
      const outcome = encodeRow(record, tokenizer, options({ maxLength: needed, overflow }));
      expect(outcome).toMatchObject({ kind: 'kept', ended: true, tokens: needed });
      expect(trainedText(outcome)).toBe('one, two, three, four<|im_end|>');
    }
  });

  test('truncate cuts the answer, whose end is then not trained', () => {
    const outcome = encodeRow(record, tokenizer, options({ maxLength: needed - 1 }));
    expect(outcome).toMatchObject({ kind: 'truncated', ended: false, tokens: needed });
    expect(trainedText(outcome)).toBe('one, two, three, four');
    const shortest = encodeRow(record, tokenizer, options({ maxLength: first + 1 }));
    expect(shortest).toMatchObject({ kind: 'truncated', row: { trained: 1 } });
  });

  test.each(['drop', 'refuse'] as const)('%s leaves the row alone', (overflow) => {
    expect(encodeRow(record, tokenizer, options({ maxLength: needed - 1, overflow }))).toEqual({
      kind: 'too-long',
      tokens: needed,
    });
  });

  test.each(['truncate', 'drop', 'refuse'] as const)(
    'under %s a prompt that fills all is never trained on nothing',
    (overflow) => {
      expect(encodeRow(record, tokenizer, options({ maxLength: first, overflow }))).toEqual({
        kind: 'prompt-too-long',
        tokens: needed,
      });
    },
  );
});

describe('odd templates and rows', () => {
  test('a row that does not end with an answer is refused by id', () => {
    const record: InstructionRecord = { id: 'r9', messages: [{ role: 'user', content: 'q' }] };
    expect(() => encodeRow(record, tokenizer, options())).toThrow(/row r9: row without an answer/);
  });

  test('without an end token behind the answer all of it is trained, and that is reported', () => {
    const bare = {
      ...tokenizer,
      renderChat: (messages: readonly { content: string }[]) => messages.map((m) => `${m.content} `).join(''),
    };
    const outcome = encodeRow(row('red and blue', 'Colours:'), bare, options());
    expect(outcome).toMatchObject({ kind: 'kept', ended: false });
    // The blank before the answer is in its first token.
    expect(trainedText(outcome)).toBe(' red and blue ');
  });

  test('a prompt that the finished conversation lacks in part (as with <think>) is cut where both part', () => {
    const thinking: typeof tokenizer = {
      ...tokenizer,
      renderChat: (messages, given) =>
        `${messages.map((m) => `<|im_start|>${m.role}\n${m.content}<|im_end|>`).join('')}${given?.addGenerationPrompt ? '<|im_start|>assistant\n<think>\n' : ''}`,
    };
    expect(trainedText(encodeRow(row('red'), thinking, options()))).toBe('red<|im_end|>');
  });

  test('a template that writes the turns before the answer differently is refused', () => {
    const changing: typeof tokenizer = {
      ...tokenizer,
      renderChat: (messages) => messages.map((m) => `${messages.length}${m.content}`).join(''),
    };
    expect(() => encodeRow(row('red'), changing, options())).toThrow(/where the answer begins is not known/);
  });

  test('the paper template without an end token is refused', () => {
    const { eos: _, ...endless } = tokenizer;
    expect(() => encodeRow(row('red'), endless, options({ template: 'paper' }))).toThrow(/expected eos_token/);
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
      fc.property(turns, settings, (pairs, given) => {
        const messages = pairs.flatMap(([q, a]): Message[] => [
          { role: 'user', content: q },
          { role: 'assistant', content: a },
        ]);
        const outcome = encodeRow({ id: 'x', messages }, tokenizer, options(given));
        if (!('row' in outcome)) throw new Error('not kept');
        const { ids, mask } = outcome.row;
        const answers = given.trainOn === 'all' ? pairs.map(([, a]) => a) : [pairs.at(-1)![1]];
        const spans = mask.join('').matchAll(/1+/g);
        const found = [...spans].map((m) => ids.subarray(m.index, m.index + m[0].length));
        expect(found).toHaveLength(answers.length);
        for (const [i, span] of found.entries()) {
          expect(span.at(-1)).toBe(tokenizer.eos!.id);
          // A token that reaches over the border may bring white space of the prompt with it.
          expect(tokenizer.decode(span).trimStart()).toBe(`${answers[i]}<|im_end|>`.trimStart());
        }
      }),
      { seed: 2, numRuns: 300 },
    );
  });

  test('cutting never yields a row over maxLength or one with no trained token', async () => {
    await fc.assert(
      fc.property(turns, settings, fc.integer({ min: 2, max: 60 }), (pairs, given, maxLength) => {
        const messages = pairs.flatMap(([q, a]): Message[] => [
          { role: 'user', content: q },
          { role: 'assistant', content: a },
        ]);
        const full = encodeRow({ id: 'x', messages }, tokenizer, options(given));
        const outcome = encodeRow({ id: 'x', messages }, tokenizer, options({ ...given, maxLength }));
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
